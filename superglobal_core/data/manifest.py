"""The manifest of a root: what came from where, and its checksum, to know it again."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from superglobal_core.data.catalogue import RelativePath, Sha256
from superglobal_core.errors import UserError
from superglobal_core.files import make_folder, read_json, write_json

NAME = "MANIFEST.json"
LOCKS = ".locks"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid")

    bytes: int
    sha256: Sha256
    source: str
    date: str
    entry: str


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid")

    files: dict[RelativePath, _Record] = {}


_CONTENT = TypeAdapter(_Content)


class Manifest:
    """`MANIFEST.json` in a root: bytes, sha256, source, date and entry of every file that came below it."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        self.path = self.root / NAME

    def read(self) -> dict[str, dict[str, Any]]:
        """Return all records by path below the root.

        Raises:
            UserError: when the file is there and damaged.
        """
        if not self.path.exists():
            return {}
        try:
            content = _CONTENT.validate_python(read_json(self.path))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise UserError(
                f"{self.path} is damaged ({where}: {first['msg']}): mend it, or remove it, "
                "then what is there is recorded anew"
            ) from error
        return {name: record.model_dump() for name, record in content.files.items()}

    def get(self, name: str) -> dict[str, Any] | None:
        """Return the record of a file, by its path below the root with '/'; None without any."""
        return self.read().get(name)

    def record(self, name: str, *, bytes: int, sha256: str, source: str, entry: str) -> dict[str, Any]:
        """Write down what came, with the time now (UTC); return the record. Other processes may do so at once."""
        date = datetime.now(UTC).isoformat(timespec="seconds")
        record = _Record(bytes=bytes, sha256=sha256, source=source, date=date, entry=entry).model_dump()
        with locked(self.root, "manifest"):
            files = self.read()
            files[name] = record
            write_json(self.path, {"files": dict(sorted(files.items()))})
        return record


@contextlib.contextmanager
def locked(root: Path, name: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold a lock of any name in a root, which ends with the process; yield False, without it, when another one has it.

    Raises:
        UserError: when the lock cannot be made.
    """
    folder = root / LOCKS
    make_folder(folder)
    # Names may be as long as paths, and hold what no file name can; the first letters are for people.
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    shown = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[-60:].lstrip("-.")
    path = folder / f"{shown}-{digest}.lock"
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except TimeoutError:
        yield False
        return
    except OSError as error:
        raise UserError(
            f"cannot lock {path}: {error.strerror or error}; choose a root that can be written"
        ) from error
    try:
        yield True
    finally:
        lock.release()
