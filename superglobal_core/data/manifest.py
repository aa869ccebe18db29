"""The manifest of a root: what came from where, and its checksum, to know it again."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from superglobal_core.data.catalogue import RelativePath, Sha256
from superglobal_core.errors import UserError
from superglobal_core.files import make_folder, read_json, sha256_of, write_json

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


@dataclasses.dataclass(frozen=True)
class Verified:
    """What became of recorded files: how many are right, how many are gone, and what is wrong with others."""

    good: int
    absent: int
    problems: list[tuple[Path, str]]


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

    def verify(self) -> Verified:
        """Compare every recorded file with its checksum; one that is gone (an unpacked archive) is no problem."""
        good, absent, problems = 0, 0, []
        for name, record in self.read().items():
            path = self.root / name
            if not path.exists():
                absent += 1
                continue
            try:
                found = sha256_of(path)
            except UserError as error:
                problems.append((path, f"cannot be checked ({error})"))
                continue
            if found == record["sha256"]:
                good += 1
            else:
                problems.append((path, f"has the sha256 {found}, recorded is {record['sha256']}"))
        return Verified(good, absent, problems)


@contextlib.contextmanager
def locked(root: Path, name: str, *, wait: bool = True) -> Iterator[bool]:
    """Hold a lock of a root that ends with the process; yield False, without it, when another one has it.

    Raises:
        UserError: when the lock cannot be made.
    """
    folder = root / LOCKS
    make_folder(folder)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except TimeoutError:
        yield False
        return
    except OSError as error:
        raise UserError(
            f"cannot lock {folder / name}: {error.strerror or error}; choose a root that can be written"
        ) from error
    try:
        yield True
    finally:
        lock.release()
