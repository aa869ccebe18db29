"""One timing at a time on a machine."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from superglobal_core.errors import UserError
from superglobal_core.progress import note

VARIABLE = "SUPERGLOBAL_TIMING_LOCK"
# Everyone's, without the sticky bit: in such a folder a lock that another user made can be taken.
_FOLDER_MODE = 0o777
_FILE_MODE = 0o666
_LONGEST_COMMAND = 120
# A wait shorter than this is not worth a line, and a new holder has left its card by then.
_GRACE_S = 0.3


@contextlib.contextmanager
def alone(folder: str | Path | None = None) -> Iterator[Path]:
    """Hold the machine's one timing lock during the block; wait while someone else holds it.

    Whoever waits says so once on stderr, and who is being waited for. The kernel frees the lock when
    its holder ends, however it ends. A block inside a block of the same thread enters at once. Yields
    the lock file.

    folder: where the lock file is. Without it, the file named in the environment variable
    SUPERGLOBAL_TIMING_LOCK; without that, one in /tmp that every user and shell shares.

    Raises:
        UserError: where the lock file cannot be made or opened.

    >>> with tempfile.TemporaryDirectory() as folder, alone(folder) as lock:
    ...     lock.name
    'timing.lock'
    """
    path = lock_path(folder)
    lock = _open(path)
    try:
        try:
            lock.acquire(timeout=_GRACE_S)
        except Timeout:
            note(f"waiting: {_holder(path)} is timing (lock: {path})")
            lock.acquire()
    except (OSError, RuntimeError) as error:
        raise _unusable(path, error) from error
    try:
        _sign(path)
        yield path
    finally:
        lock.release()


def lock_path(folder: str | Path | None = None) -> Path:
    """Return where the lock file is, see `alone`.

    >>> lock_path("locks").as_posix()
    'locks/timing.lock'
    """
    if folder is not None:
        return Path(folder) / "timing.lock"
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE])
    # Not TMPDIR where it can be helped: shells and batch systems each set their own.
    shared = Path("/tmp")
    temporary = shared if os.name == "posix" and shared.is_dir() else Path(tempfile.gettempdir())
    return temporary / "superglobal-timing" / "timing.lock"


def _open(path: Path) -> FileLock:
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(_FOLDER_MODE)
        # A singleton, so that a block inside a block knows that the lock is held already.
        return FileLock(path, mode=_FILE_MODE, is_singleton=True)
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: Exception) -> UserError:
    why = getattr(error, "strerror", None) or error
    return UserError(
        f"cannot lock {path}, which keeps timings from overlapping: {why}; "
        f"name a file that can be written in the environment variable {VARIABLE}"
    )


def _card(path: Path) -> Path:
    return path.with_name(path.name + ".holder")


def _sign(path: Path) -> None:
    """Leave a card for those who wait; it is read only while the lock is held, so it may stay."""
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]) or "python"
    card = {
        "pid": os.getpid(),
        "command": command[:_LONGEST_COMMAND],
        "since": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }
    # The lock is what counts; who cannot leave a card is waited for without a name.
    with contextlib.suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(_card(path), flags, _FILE_MODE), "w") as stream:
            json.dump(card, stream)
            with contextlib.suppress(OSError, AttributeError):
                os.fchmod(stream.fileno(), _FILE_MODE)


def _holder(path: Path) -> str:
    try:
        card: Any = json.loads(_card(path).read_text())
        return f"process {card['pid']} ({card['command']}, since {card['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
