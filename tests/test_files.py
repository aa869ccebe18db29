"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core import files
from superglobal_core.errors import UserError
from superglobal_core.files import (
    atomic_write,
    check_writable,
    finished_files,
    load_array,
    make_folder,
    read_json,
    remove_left_over,
    sha256_of,
    sha256_of_npy,
    write_json,
    write_npy,
    write_npz,
)


def test_files_under_work_are_passed_over(tmp_path: Path) -> None:
    # Below a folder under work, too; and a folder that is itself below one is read as any other.
    root = tmp_path / ".partial-run" / "results"
    (root / "folder.json").mkdir(parents=True)
    for name in (
        "b.json",
        "a/c.json",
        ".partial-b.json",
        "a/.partial-time-x/rows/shard-00000.json",
        "a/c.txt",
    ):
        write_json(root / name, {})
    assert finished_files(root, "**/*.json") == [root / "a/c.json", root / "b.json"]
    assert finished_files(str(root), "*.json") == [root / "b.json"]
    assert finished_files(root / "absent", "*") == []


def interrupted(path: Path, error: type[BaseException]) -> None:
    with atomic_write(path) as stream:
        stream.write(b"half")
        raise error


def test_an_error_inside_leaves_nothing(tmp_path: Path) -> None:
    for error in (ValueError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error):
            interrupted(tmp_path / "a.bin", error)
        assert list(tmp_path.iterdir()) == []


def test_an_error_inside_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError):
        interrupted(path, RuntimeError)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_the_users_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*a\.npy: No space left on device"):
        write_npy(tmp_path / "a.npy", np.zeros(3))
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_seen_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "a.bin"
    with atomic_write(path) as stream:
        stream.write(b"x" * 100_000)
        assert not path.exists()
    assert path.read_bytes() == b"x" * 100_000


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_an_ordinary_file(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_json(tmp_path / "ours.json", {})
        (tmp_path / "ordinary").touch()
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "ours.json").stat().st_mode) == 0o666 & ~umask
    assert (tmp_path / "ours.json").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_concurrent_writers_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    contents = [bytes([number]) * 200_000 for number in range(8)]
    seen: set[bytes] = set()
    done = threading.Event()
    umask = os.umask(0o022)

    def write(content: bytes) -> None:
        for _ in range(10):
            with atomic_write(path) as stream:
                stream.write(content[:100_000])
                stream.write(content[100_000:])

    def read() -> None:
        while not done.is_set():
            if path.exists():
                seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in (reader, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    reader.join()
    seen.add(path.read_bytes())
    assert os.umask(umask) == 0o022
    assert seen <= set(contents)
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "a.json", tmp_path):
        with pytest.raises(UserError, match="cannot write"):
            write_json(path, {})
        with pytest.raises(UserError, match="cannot write"):
            check_writable(path)
    with pytest.raises(UserError, match="cannot make the folder"):
        make_folder(tmp_path / "file")
    check_writable(tmp_path / "new" / "a.json")
    assert not (tmp_path / "new").exists()


def test_devices_and_pipes_are_not_replaced_and_links_are_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for write in (lambda path: write_json(path, {}), check_writable):
        with pytest.raises(UserError, match="a device or a pipe"):
            write(tmp_path / "pipe")
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "link.json").symlink_to(tmp_path / "target.json")
    write_json(tmp_path / "link.json", {"a": 1})
    assert (tmp_path / "link.json").is_symlink()
    assert read_json(tmp_path / "target.json") == {"a": 1}


def test_an_output_is_no_input(tmp_path: Path) -> None:
    write_json(tmp_path / "scores.json", {})
    with pytest.raises(UserError, match="an input of this very command"):
        check_writable(tmp_path / "scores.json", [tmp_path / "other", tmp_path / "scores.json"])


def test_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"ä": [1, None, 0.1]})
    assert read_json(tmp_path / "a.json") == {"ä": [1, None, 0.1]}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "b.json", {"map": float("nan")})
    assert not (tmp_path / "b.json").exists()
    (tmp_path / "b.json").write_bytes(b"{\xff")
    for name in ("b.json", "absent.json"):
        with pytest.raises(UserError, match=name):
            read_json(tmp_path / name)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
@pytest.mark.parametrize("shape", [(0, 4), (5, 3), (3000, 7)])
def test_the_checksum_of_a_file_before_it_is_written(
    tmp_path: Path, order: str, dtype: type, shape: tuple[int, int]
) -> None:
    array = np.asarray(np.arange(shape[0] * shape[1]).reshape(shape), dtype, order)  # type: ignore[call-overload]
    write_npy(tmp_path / "a.npy", array)
    data = (tmp_path / "a.npy").read_bytes()
    assert sha256_of_npy(array) == sha256_of(tmp_path / "a.npy") == hashlib.sha256(data).hexdigest()
    assert np.array_equal(np.load(tmp_path / "a.npy"), array)


def test_equal_arrays_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        write_npz(tmp_path / name, {"one": np.arange(9), "two": np.array("text")})
    assert sha256_of(tmp_path / "a.npz") == sha256_of(tmp_path / "b.npz")
    with pytest.raises(UserError, match="cannot read"):
        sha256_of(tmp_path / "absent")


@settings(deadline=None, max_examples=200)
@given(
    cut=st.floats(0, 0.999),
    flips=st.lists(st.tuples(st.floats(0, 0.3), st.integers(1, 255)), max_size=3),
    mmap=st.booleans(),
)
def test_a_damaged_array_is_the_users_error(
    tmp_path_factory: pytest.TempPathFactory, cut: float, flips: list[tuple[float, int]], mmap: bool
) -> None:
    memory = io.BytesIO()
    np.save(memory, np.arange(60, dtype=np.float32).reshape(12, 5))
    data = bytearray(memory.getvalue())
    for where, change in flips:
        data[int(where * len(data))] ^= change
    path = tmp_path_factory.getbasetemp() / "damaged.npy"
    path.write_bytes(bytes(data) if flips else bytes(data[: int(cut * len(data))]))
    try:
        load_array(path, mmap)
    except UserError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert flips


def test_what_a_killed_writer_left_goes_and_what_is_being_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "index.faiss"
    script = (
        "import os, signal, sys; from superglobal_core.files import atomic_write\n"
        "with atomic_write(sys.argv[1]) as stream:\n"
        "    stream.write(b'half'); stream.flush(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    for name in ("index.faiss", "other-index.faiss"):
        subprocess.run([sys.executable, "-c", script, str(tmp_path / name)], check=False)
    [left] = tmp_path.glob(".partial-????????-index.faiss")
    [others] = tmp_path.glob(".partial-*-other-index.faiss")
    with atomic_write(path) as stream:
        stream.write(b"whole")
        assert remove_left_over(path) == [left]
    assert path.read_bytes() == b"whole"
    assert set(tmp_path.iterdir()) == {path, others}
