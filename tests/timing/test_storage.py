"""Files forgotten by the page cache, seen by asking the kernel."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from superglobal_core.errors import UserError
from superglobal_core.timing import storage
from superglobal_core.timing.storage import cached_share, drop_from_page_cache

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")

SIZE = 4 << 20


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Two files just written, hence in memory, the first without whole pages."""
    paths = [tmp_path / "a.npy", tmp_path / "b.npy"]
    paths[0].write_bytes(os.urandom(SIZE + 5))
    paths[1].write_bytes(os.urandom(SIZE))
    kind = subprocess.run(["stat", "-f", "-c", "%T", str(tmp_path)], capture_output=True, text=True).stdout
    if kind.strip() in ("tmpfs", "ramfs"):
        pytest.skip("this file system keeps its files in memory")
    for path in paths:
        path.read_bytes()
    return paths


def test_files_are_dropped_and_that_is_seen(files: list[Path]) -> None:
    assert [cached_share(path) for path in files] == [1, 1]
    assert drop_from_page_cache(files)
    assert max(cached_share(path) or 0 for path in files) < 0.01
    with files[0].open("rb", buffering=0) as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # no readahead
        stream.seek(SIZE // 2)
        stream.read(SIZE // 4)
    share = cached_share(files[0])
    assert share is not None
    assert 0.2 < share < 0.3
    assert cached_share(files[1]) == 0


def test_looking_piece_by_piece_is_the_same(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    drop_from_page_cache(files)
    with files[0].open("rb", buffering=0) as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
        stream.read(SIZE // 2)
    whole = cached_share(files[0])
    monkeypatch.setattr(storage, "_PIECE", 3 * mmap.ALLOCATIONGRANULARITY)
    assert cached_share(files[0]) == whole
    assert whole is not None
    assert 0 < whole < 1


def test_a_file_that_is_mapped_stays_and_that_is_seen(files: list[Path]) -> None:
    with files[1].open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as view:
        assert sum(view[:: mmap.PAGESIZE]) > 0
        assert not drop_from_page_cache(files)
        assert cached_share(files[0]) == 0
    assert drop_from_page_cache(files)


def test_contents_survive(files: list[Path]) -> None:
    # Written and not yet on the disk: dropping must not lose it.
    content = os.urandom(SIZE)
    files[0].write_bytes(content)
    assert drop_from_page_cache([files[0]])
    assert files[0].read_bytes() == content


def test_a_system_that_keeps_or_does_not_tell_is_no_success(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "cached_share", lambda _: None)
    assert drop_from_page_cache(files) is False
    monkeypatch.undo()
    files[1].read_bytes()
    monkeypatch.setattr(os, "posix_fadvise", lambda *_: None)
    assert drop_from_page_cache(files) is False
    monkeypatch.delattr(os, "posix_fadvise")
    assert drop_from_page_cache(files) is False


def test_an_empty_file_is_forgotten_and_an_absent_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert drop_from_page_cache([tmp_path / "empty"])
    for function in (cached_share, lambda path: drop_from_page_cache([path])):
        with pytest.raises(UserError, match=r"cannot read .*absent"):
            function(tmp_path / "absent")
