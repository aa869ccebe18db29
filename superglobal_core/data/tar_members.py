"""The members of a .tar.gz that nobody vouches for: read in order, anything odd refused."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from superglobal_core.errors import UserError
from superglobal_core.progress import Counter

MB = 1_000_000
PIECE = 1 << 20  # bytes read at once
# What may lie between two members: a header, and records with long names before it.
HEADER_BYTES = 1 << 18
NAME_BYTES = 255  # what file systems take
PATH_BYTES = 4096


@dataclasses.dataclass(frozen=True)
class Limits:
    """How much an archive may unpack to; far more than any archive of photographs does."""

    members: int = 200_000
    member_bytes: int = 500 * MB
    growth: float = 4.0  # times the archive's size
    growth_bytes: int = 1000 * MB  # or the archive's size and this, whichever is more

    def total_bytes(self, archive_bytes: int) -> int:
        """Return how many bytes the archive may unpack to in all.

        >>> Limits(growth=4, growth_bytes=100).total_bytes(1000)
        4000
        """
        return max(int(archive_bytes * self.growth), archive_bytes + self.growth_bytes)


@dataclasses.dataclass(frozen=True)
class Member:
    """A plain file inside an archive; `pieces` yields its bytes, once, before the next member comes."""

    name: str
    pieces: Iterator[bytes]

    @property
    def base(self) -> str:
        """The name without its folders."""
        return PurePosixPath(self.name).name


class BadArchiveError(UserError):
    """An archive that is not taken; `problem` is the reason without the archive's name."""

    def __init__(self, archive: Path, problem: str, advice: str) -> None:
        super().__init__(f"the archive {archive} {problem}{advice}")
        self.problem = problem


def read_members(archive: Path, limits: Limits, doing: str = "unpack") -> Iterator[Member]:
    """Yield the plain files of an archive in its order; the end comes only when all of it was read and is sound.

    Raises:
        BadArchiveError: when the archive is cut short or damaged, goes beyond the limits, or has a member
            that is no plain file or has a name that leads elsewhere.
        UserError: when it cannot be read.
    """
    with _reading(archive), archive.open("rb") as raw, gzip.GzipFile(fileobj=raw) as plain:
        archive_bytes = archive.stat().st_size
        stream = _Bounded(archive, plain, limits.total_bytes(archive_bytes))
        counter = Counter(f"{doing} {archive.name}", archive_bytes // MB, "MB")
        stream.expect(HEADER_BYTES)  # opening reads the first header
        with _open(stream) as tar, counter:
            count = 0
            while True:
                stream.expect(HEADER_BYTES)
                header = tar.next()
                if header is None:
                    break
                tar.members = []  # type: ignore[attr-defined]  # it would keep them all
                stream.expect(None)
                count += 1
                if count > limits.members:
                    raise _refused(archive, f"it has more than {limits.members} members")
                _refuse_odd(archive, header, limits)
                if header.isreg():
                    pieces = _pieces(archive, tar, header)
                    yield Member(header.name, pieces)
                    for _ in pieces:  # what nobody wanted
                        pass
                counter.advance(raw.tell() // MB - counter.done)
            # The checksum is at the very end; the padding before it may be of any length.
            stream.expect(None)
            while stream.read(PIECE):
                pass


def _open(stream: _Bounded) -> tarfile.TarFile:
    return tarfile.open(  # type: ignore[call-overload]
        fileobj=stream, mode="r|", tarinfo=_Header, encoding="utf-8", errors="surrogateescape"
    )


def _pieces(archive: Path, tar: tarfile.TarFile, header: tarfile.TarInfo) -> Iterator[bytes]:
    with _reading(archive):
        source = tar.extractfile(header)
        left = header.size
        while source is not None and left > 0:
            piece = source.read(min(PIECE, left))
            if not piece:
                raise tarfile.ReadError("a member ends too early")
            left -= len(piece)
            yield piece


@contextlib.contextmanager
def _reading(archive: Path) -> Iterator[None]:
    # What a reader raises; errors of whoever uses the members do not pass here.
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(archive, error) from error
    except OSError as error:
        raise UserError(f"cannot read the archive {archive}: {error.strerror or error}") from error
    except (ValueError, ArithmeticError, LookupError, RecursionError) as error:
        # Nonsense where numbers and names should be.
        raise _damaged(archive, error) from error


def _damaged(archive: Path, error: Exception) -> BadArchiveError:
    return BadArchiveError(archive, f"is cut short or damaged ({error})", ": delete it and download it again")


def _refused(archive: Path, reason: str) -> BadArchiveError:
    return BadArchiveError(archive, f"is refused: {reason}", "; get it from another address")


class _Header(tarfile.TarInfo):
    """A header that says when it is no header: tarfile takes a damaged one for the archive's end."""

    @classmethod
    def fromtarfile(cls, tar: tarfile.TarFile) -> _Header:
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined,unused-ignore]
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error


class _Bounded:
    """An unpacked stream that counts what really comes out, and stops where it is too much."""

    def __init__(self, archive: Path, source: IO[bytes] | gzip.GzipFile, most: int) -> None:
        self.archive, self.source, self.most = archive, source, most
        self.count = 0
        self.headers_until: int | None = None

    def expect(self, header_bytes: int | None) -> None:
        """Say that headers come next, at most so many bytes; None = a member's content, however long."""
        self.headers_until = None if header_bytes is None else self.count + header_bytes

    def read(self, size: int) -> bytes:
        data = self.source.read(size)
        self.count += len(data)
        if self.count > self.most:
            raise _refused(
                self.archive,
                f"it unpacks to more than {self.most} bytes, which no archive of photographs does",
            )
        if self.headers_until is not None and self.count > self.headers_until:
            raise tarfile.ReadError("a header without end")
        return data


def _refuse_odd(archive: Path, header: tarfile.TarInfo, limits: Limits) -> None:
    reason = _odd_name(header.name) or _odd_kind(header)
    if reason is None and header.size > limits.member_bytes:
        reason = f"has {header.size} bytes, more than the {limits.member_bytes} that are taken"
    if reason is not None:
        raise _refused(archive, f"its member {header.name[:200]!a} {reason}")


def _odd_name(name: str) -> str | None:
    path = PurePosixPath(name)
    if path.is_absolute():
        return "has an absolute name"
    if ".." in path.parts or "\\" in name:
        return "has a name that leads out of its folder"
    if any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in name):
        return "has control characters in its name"
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in name):
        return "has a name that is not UTF-8"
    if len(name.encode()) > PATH_BYTES or len(path.name.encode()) > NAME_BYTES:
        return "has a name that is too long"
    return None


def _odd_kind(header: tarfile.TarInfo) -> str | None:
    if header.isdir():
        return None
    if header.issym() or header.islnk():
        return "is a link"
    if header.issparse():
        return "is a sparse file"
    if not header.isreg():
        return "is a device, a pipe or something else that is no plain file"
    if header.size < 0 or not PurePosixPath(header.name).name:
        return "has no name or no size"
    return None
