"""One file of the catalogue to its place below the root: from the first address that gives the right one."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from superglobal_core.data.catalogue import Entry, RemoteFile
from superglobal_core.data.file_formats import end_problem, format_problem
from superglobal_core.data.image_lists import list_problem
from superglobal_core.data.manifest import NAME, Manifest, locked
from superglobal_core.data.partial_file import Partial
from superglobal_core.data.transfer import Expected, transfer
from superglobal_core.data.transfer_errors import AddressError
from superglobal_core.errors import UserError
from superglobal_core.files import make_folder, sha256_of
from superglobal_core.progress import Transfer, Transfers

BY_HAND = "put in place by hand"


@dataclasses.dataclass(frozen=True)
class Fetched:
    """A file that is there: its size in bytes, the address it came from (or BY_HAND), and whether just now."""

    path: Path
    bytes: int
    sha256: str
    source: str
    was_there: bool


def fetch(
    file: RemoteFile,
    entry: Entry,
    root: str | Path,
    *,
    progress: Transfers,
    attempts: int = 5,
    back_off: float = 1.0,
) -> Fetched:
    """Bring a file to `root`/<folder>/<name> and record it in the manifest; what is there and right is kept.

    The file takes its name only when size, checksum and format agree with what is known. What of it
    came before goes on, in this run and the next. Two processes never download the same file at once.

    Raises:
        UserError: when no address gives the file, the one that is there is wrong, or it cannot be written.
    """
    root = Path(root)
    job = _Job(file, entry, root, Partial(root / entry.folder / file.name))
    make_folder(job.target.parent)
    with _alone(job, progress):
        if job.target.exists() or job.target.is_symlink():
            return job.take()
        with progress.add(file.name, file.expected_bytes) as shown:
            return job.download(shown, attempts, back_off)


@contextlib.contextmanager
def _alone(job: _Job, progress: Transfers) -> Iterator[None]:
    with locked(job.root, job.name, wait=False) as alone:
        if alone:
            yield
            return
    progress.say(f"{job.file.name}: another download of it is running, waiting for it")
    with locked(job.root, job.name):
        yield


@dataclasses.dataclass(frozen=True)
class _Job:
    file: RemoteFile
    entry: Entry
    root: Path
    partial: Partial

    @property
    def target(self) -> Path:
        return self.partial.target

    @property
    def name(self) -> str:
        """Its name in the manifest."""
        return f"{self.entry.folder}/{self.file.name}"

    def take(self) -> Fetched:
        """Return the file that is there, if it is right."""
        if not self.target.is_file():
            raise UserError(f"{self.target} is no file: remove it, then run the same command again")
        record = Manifest(self.root).get(self.name)
        sha256, problem = self._look_at(self.target)
        if problem is not None:
            raise UserError(f"{self.target} {problem}: remove it, then run the same command again")
        self.partial.drop()
        size = self.target.stat().st_size
        if record is None or record["sha256"] != sha256:
            record = self._record(size, sha256, BY_HAND)
        return Fetched(self.target, size, sha256, record["source"], was_there=True)

    def download(self, shown: Transfer, attempts: int, back_off: float) -> Fetched:
        """Return the file from the first address that gives the right one."""
        reasons = []
        for url in self.file.urls:
            try:
                sha256 = self._from(url, shown, attempts, back_off)
            except AddressError as error:
                reasons.append(f"{url} {error}")
                continue
            size = self.partial.size
            # Before it takes its name: killed in between, it would else look as if put there by hand.
            self._record(size, sha256, url)
            self.partial.finish()
            return Fetched(self.target, size, sha256, url, was_there=False)
        raise UserError(self._advice(reasons))

    def _from(self, url: str, shown: Transfer, attempts: int, back_off: float) -> str:
        packed = self.file.format == "tar.gz"
        expected = Expected(self.file.bytes, checksum=self._known()[0] is not None, packed=packed)
        for pieced_before in (False, True):
            pieced = transfer(url, self.partial, expected, shown, attempts=attempts, back_off=back_off)
            sha256, problem = self._look_at(self.partial.path)
            if problem is None:
                return sha256
            self.partial.drop()
            if pieced_before or not pieced:
                break
            # The pieces may be of different versions: once more, in one piece.
        raise AddressError(f"gives a file that {problem}")

    def _known(self) -> tuple[str | None, str]:
        """The checksum it must have, if any, and who says so."""
        if self.file.sha256 is not None:
            return self.file.sha256, "the catalogue"
        record = Manifest(self.root).get(self.name)
        return (record["sha256"] if record else None), f"{self.root / NAME}, where it was recorded before,"

    def _look_at(self, path: Path) -> tuple[str, str | None]:
        """Return a file's checksum and what is wrong with it, if anything."""
        size = path.stat().st_size
        if self.file.bytes is not None and size != self.file.bytes:
            return "", f"has {size} bytes where {self.file.bytes} are expected"
        problem = format_problem(path, self.file.format) or self._list_problem(path)
        if problem is not None:
            return "", problem
        found = sha256_of(path)
        wanted, whose = self._known()
        if wanted is None:
            return found, end_problem(path, self.file.format)
        if found == wanted:
            return found, None
        problem = f"has the sha256 {found} where {whose} names {wanted}"
        if self.file.sha256 is None:
            problem += f" (is the new one wanted, remove {self.name} from it)"
        return found, problem

    def _list_problem(self, path: Path) -> str | None:
        if self.file.name != self.entry.image_list:
            return None
        return list_problem(path, self.entry.images)

    def _record(self, size: int, sha256: str, source: str) -> dict[str, Any]:
        return Manifest(self.root).record(
            self.name, bytes=size, sha256=sha256, source=source, entry=self.entry.name
        )

    def _advice(self, reasons: list[str]) -> str:
        put = f"put it at {os.fspath(self.target.absolute())}, then run the same command again"
        where = self.entry.homepage or " or ".join(self.file.urls) or "whoever gives it away"
        if not reasons:
            return (
                f"{self.file.name} of {self.entry.name} cannot be downloaded by a command, only with a "
                f"browser: get it from {where} and {put}"
            )
        return (
            f"cannot download {self.file.name} of {self.entry.name}: {'; '.join(reasons)}. "
            f"Try again later, or get it with a browser from {where} and {put}"
        )
