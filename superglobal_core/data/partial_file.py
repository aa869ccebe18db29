"""A file that is still coming: its first bytes, and beside them a note on which version they belong to."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from pydantic import TypeAdapter, ValidationError

from superglobal_core.errors import UserError
from superglobal_core.files import TEMPORARY_PREFIX, read_json, write_json


@dataclasses.dataclass(frozen=True)
class Version:
    """Which version of a file a server gave: its address, what it called the version, the whole size in bytes."""

    url: str
    etag: str | None = None  # strong ones only: a weak one may stand for other bytes
    last_modified: str | None = None
    total: int | None = None

    @property
    def validator(self) -> str | None:
        """What a server compares to tell whether the file has changed."""
        return self.etag or self.last_modified


_VERSION = TypeAdapter(Version)


class Partial:
    """The bytes of `target` that have come so far; they are kept from one run to the next."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = target.with_name(f"{TEMPORARY_PREFIX}{target.name}")
        self.note = target.with_name(f"{TEMPORARY_PREFIX}{target.name}.json")

    @property
    def size(self) -> int:
        """How many bytes are there."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    @property
    def version(self) -> Version | None:
        """What the bytes belong to; None where nobody knows, so that they are worth nothing."""
        try:
            return _VERSION.validate_python(read_json(self.note))
        except (UserError, ValidationError):
            return None

    def begin(self, version: Version) -> None:
        """Throw the bytes away and note which version the coming ones belong to.

        Raises:
            UserError: when the files cannot be written.
        """
        try:
            self.path.write_bytes(b"")
        except OSError as error:
            self._refuse(error)
        write_json(self.note, dataclasses.asdict(version))

    @contextlib.contextmanager
    def appending(self) -> Iterator[Callable[[bytes], None]]:
        """Yield a function that adds bytes at the end; what it has taken stays, whatever happens next.

        Raises:
            UserError: when the disk is full or the file cannot be written.
        """
        try:
            # Unbuffered: the size on disk is then what has come, also after a kill.
            stream = self.path.open("ab", buffering=0)
        except OSError as error:
            self._refuse(error)

        def write(piece: bytes) -> None:
            rest = memoryview(piece)
            try:
                while rest:
                    rest = rest[stream.write(rest) :]
            except OSError as error:
                self._refuse(error)

        with stream:
            yield write

    def finish(self) -> None:
        """Give the file its name, its bytes being safe on the disk."""
        try:
            with self.path.open("rb") as stream:
                os.fsync(stream.fileno())
            self.path.replace(self.target)
        except OSError as error:
            self._refuse(error)
        self.drop()

    def drop(self) -> None:
        """Remove the bytes and the note."""
        for path in (self.path, self.note):
            with contextlib.suppress(OSError):
                path.unlink()

    def _refuse(self, error: OSError) -> NoReturn:
        raise UserError(
            f"cannot write {self.path}: {error.strerror or error}; free space there or choose another place, "
            "then run the same command again: it goes on where it was"
        ) from error
