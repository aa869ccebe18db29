"""What would end Python itself, raised by somebody's class, made an error like any other."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class EndedError(Exception):
    """A class ended Python itself (`sys.exit`, KeyboardInterrupt); nobody else did."""


@contextlib.contextmanager
def endings_told() -> Iterator[None]:
    """Raise an EndedError where the block raises SystemExit, or a KeyboardInterrupt that no signal caused.

    >>> with endings_told():
    ...     raise SystemExit(3)
    Traceback (most recent call last):
    ...
    superglobal_core.own_endings.EndedError: it ends Python itself with SystemExit: 3
    """
    received: list[int] = []
    usual = signal.getsignal(signal.SIGINT)
    # Elsewhere, and where others listen, nothing tells whose interrupt it is: it stays one. Where the signal is
    # ignored, as in jobs that a shell runs in the background, it can only be the block's own.
    listens = threading.current_thread() is threading.main_thread() and usual is signal.default_int_handler
    ignored = usual is signal.SIG_IGN

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.default_int_handler(number, frame)

    if listens:
        signal.signal(signal.SIGINT, note)
    try:
        yield
    except SystemExit as error:
        raise EndedError(_sentence(error)) from error
    except KeyboardInterrupt as error:
        if received or not (listens or ignored):
            raise
        raise EndedError(_sentence(error)) from error
    finally:
        if listens:
            signal.signal(signal.SIGINT, usual)


def _sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"it ends Python itself with {type(error).__name__}" + (f": {text}" if text else "")
