"""Files that appear whole or not at all, and their checksums."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from superglobal_core.errors import UserError

# Files under work begin like this: a folder's readers pass them over.
TEMPORARY_PREFIX = ".partial-"

_UMASK_LOCK = threading.Lock()


@contextlib.contextmanager
def atomic_write(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a binary file that takes its name only when the block ends without an error.

    The bytes go to a temporary file in the same folder, are flushed to the disk and renamed, so
    that a reader sees the old file, the new file or none, never a half one.

    Raises:
        UserError: when the folder cannot be made or written, or the disk is full.
    """
    path = _regular(path)
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = _temporary(path)
        # It takes its name while it is open, and so locked: nobody takes it for one that was left.
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            # mkstemp makes files for the owner alone; give the rights that open() would have given.
            Path(temporary).chmod(0o666 & ~_umask())
            Path(temporary).replace(path)
            temporary = None
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}; free space or choose another place"
        ) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()


def _temporary(path: Path) -> tuple[int, str]:
    """Make the file that is written before it takes the name `path`, locked as long as it is open."""
    while True:
        handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, suffix=f"-{path.name}", dir=path.parent)
        # Where a file system knows no locks, none can be told from those that were left: all stay.
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, name
        os.close(handle)  # Removed as one that was left, in the moment before it was locked.


def remove_left_over(path: str | Path) -> list[Path]:
    """Remove what processes that were killed left of writing `path`, and return it; what is being written stays.

    The kernel frees the lock of a file when its writer ends, however it ends.

    >>> remove_left_over("absent/index.faiss")
    []
    """
    path, removed = Path(path), []
    beginning, ending = len(TEMPORARY_PREFIX), f"-{path.name}"
    found = sorted(path.parent.glob(f"{TEMPORARY_PREFIX}*")) if path.parent.is_dir() else []
    for one in found:
        # The random part has no hyphen: another file's name may end like this one's.
        if not one.name.endswith(ending) or "-" in one.name[beginning : -len(ending)] or not one.is_file():
            continue
        with contextlib.suppress(OSError), one.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            one.unlink()
            removed.append(one)
    return removed


def _umask() -> int:
    # It can only be read by setting it; two threads at once would leave it at zero.
    with _UMASK_LOCK:
        umask = os.umask(0o077)
        os.umask(umask)
        return umask


def _regular(path: str | Path) -> Path:
    """Return where a file is to be written, links followed; refuse what is there and no plain file."""
    path = Path(path).resolve() if Path(path).is_symlink() else Path(path)
    if path.is_dir():
        raise UserError(f"cannot write {path}: it is a folder; name a file")
    if path.exists() and not path.is_file():
        raise UserError(f"cannot write {path}: it is a device or a pipe; name a file")
    return path


def check_writable(path: str | Path, inputs: Iterable[str | Path] = ()) -> None:
    """Make sure before the work that a file can be written afterwards; nothing is made yet.

    Raises:
        UserError: when the place is a folder, a device or one of the inputs, or cannot be written.
    """
    path = _regular(path)
    for source in inputs:
        if path.exists() and Path(source).exists() and path.samefile(source):
            raise UserError(f"cannot write {path}: it is an input of this very command; name another file")
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(prefix=TEMPORARY_PREFIX, dir=folder):
            pass
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; choose another place") from error


def make_folder(path: str | Path) -> None:
    """Make a folder and those above it, where they are not there yet.

    Raises:
        UserError: when that is impossible, for example because a file has its name.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot make the folder {path}: {error.strerror or error}; choose another place"
        ) from error


def write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8, as is) whole or not at all."""
    with atomic_write(path) as stream:
        stream.write(text.encode())


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a text (UTF-8, as is) or bytes whole or not at all."""
    with atomic_write(path) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


def finished_files(folder: str | Path, pattern: str) -> list[Path]:
    """Return the files below a folder that match, in the order of their names, without those under work.

    pattern: of `pathlib`, relative to the folder, such as `**/*.json`. An absent folder has none.
    """
    folder = Path(folder)
    found = (
        path
        for path in folder.glob(pattern)
        if path.is_file()
        and not any(part.startswith(TEMPORARY_PREFIX) for part in path.relative_to(folder).parts)
    )
    return sorted(found, key=Path.as_posix)


def cache_home() -> Path | None:
    """Return the folder in which this user's programs keep what they can make again; None for a user without a home."""
    # What is relative counts as not set (XDG base directory specification).
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():
        return named
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        return None


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON, indented, with a newline at the end; NaN is refused because JSON has none."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """Return JSON as `write_json` writes it."""
    return json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def read_json(path: str | Path) -> Any:
    """Read JSON.

    Raises:
        UserError: when the file is absent, unreadable or no JSON.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON: {error}") from error


class _Pieces:
    """What NumPy takes for no real file, and so writes to piece by piece with errors that say why."""

    def __init__(self, write: Callable[[Any], Any]) -> None:
        self.write = write


def _write_array(write: Callable[[Any], Any], array: np.ndarray) -> None:
    np.lib.format.write_array(_Pieces(write), np.ascontiguousarray(array), allow_pickle=False)


def write_npy(path: str | Path, array: np.ndarray) -> None:
    """Write one array in NumPy's format, whole or not at all."""
    with atomic_write(path) as stream:
        _write_array(stream.write, array)


def sha256_of_npy(array: np.ndarray) -> str:
    """Return the SHA-256 of the file that `write_npy` would write."""
    digest = hashlib.sha256()
    _write_array(digest.update, array)
    return digest.hexdigest()


def write_npz(path: str | Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write several arrays in one uncompressed `.npz`; the same arrays give the same bytes."""
    with atomic_write(path) as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]


def load_array(path: str | Path, mmap: bool = False) -> np.ndarray:
    """Load a `.npy` file without ever unpickling.

    Raises:
        UserError: when the file is absent, cut short, no `.npy`, or holds Python objects.
    """
    try:
        # Not "c", although torch takes its arrays without a warning: the system sets memory aside for what might
        # be written, and refuses a file larger than there is.
        array = np.load(path, mmap_mode="r" if mmap else None, allow_pickle=False)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:
        # A damaged header raises nearly anything.
        raise UserError(f"{path} is not a whole .npy file of numbers: make it again ({error})") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise UserError(f"{path} is an .npz archive where one .npy array is wanted")
    return array


def load_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Load all arrays of an `.npz` archive without ever unpickling.

    Raises:
        UserError: when the file is absent, damaged, no `.npz`, or holds Python objects.
    """
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.ndarray):
            with archive:
                return {name: archive[name] for name in archive.files}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:
        # A damaged archive raises nearly anything.
        raise UserError(f"{path} is not a whole .npz file of numbers: make it again ({error})") from error
    raise UserError(f"{path} is a single array: name several, written as .npz")


def sha256_of(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits, read piecewise."""
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
