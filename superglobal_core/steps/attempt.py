"""The step `attempt`: a program of a method, and where it fails the reason in place of its result."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from superglobal_core.files import check_writable, make_folder
from superglobal_core.methods.conformance.lacking import lacking
from superglobal_core.methods.registry import read_found
from superglobal_core.reasons import CannotRunError, reason_of, write_reason

# Whoever stops the workflow stops its programs, and this step with them.
STOPS = (signal.SIGINT, signal.SIGTERM)
LONGEST_LINE = 200


def attempt_step(method: str | Path, script: str, out: str | Path, log: str | Path) -> tuple[int, str | None]:
    """Run a script of bash for a method; its output goes to the log.

    out: the file that it leaves; where it fails, or leaves none, the reason takes its place. So it does
    where the method needs what is not here.

    Returns:
        The exit code, which is not 0 only when somebody stopped the program, and the reason or None.

    Raises:
        UserError: when the method's folder is wrong, or files cannot be written.
    """
    found, out, log = read_found(method), Path(out), Path(log)
    check_writable(out)
    make_folder(out.parent)
    make_folder(log.parent)
    _remove(out)
    try:
        if (missing := lacking(found.description.needs)) is not None:
            raise CannotRunError(missing)
        with log.open("wb") as stream, _heard() as heard:
            program = subprocess.Popen(
                ["bash", "-euo", "pipefail", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
            heard.programs.append(program)
            for number in heard.signals:  # received before there was a program
                program.send_signal(number)
            code = program.wait()
        if heard.signals:
            _remove(out)
            return 128 + heard.signals[0], None
        if code != 0:
            raise CannotRunError(_ending(code, log))
        if not out.is_file():
            raise CannotRunError(f"its program ended well, but left no {out.name}")
    except CannotRunError as error:
        reason = reason_of(error)
        _remove(out)
        write_reason(out, reason)
        return 0, reason
    return 0, None


class _Heard:
    """What was received while a program ran, which is handed on to it."""

    def __init__(self) -> None:
        self.signals: list[int] = []
        self.programs: list[subprocess.Popen[bytes]] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.signals.append(number)
        for program in self.programs:
            program.send_signal(number)


@contextlib.contextmanager
def _heard() -> Iterator[_Heard]:
    """Listen for whoever stops this step; a program's own exit code tells nothing of it."""
    heard = _Heard()
    if threading.current_thread() is not threading.main_thread():
        yield heard
        return
    usual = {number: signal.signal(number, heard) for number in STOPS}
    try:
        yield heard
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def _remove(out: Path) -> None:
    if out.is_dir() and not out.is_symlink():
        shutil.rmtree(out)
    else:
        out.unlink(missing_ok=True)


def _ending(code: int, log: Path) -> str:
    if code in (-9, 137):
        return "its program was killed, perhaps for want of memory"
    if code < 0:
        return f"its program was stopped by the signal {-code}"
    lines = [
        line.strip()
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if line.strip()
    ]
    last = f": {lines[-1][:LONGEST_LINE]}" if lines else ""
    return f"its program ended with the exit code {code}{last}"
