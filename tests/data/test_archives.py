"""Archives of images: unpacked whole or not at all, and nothing odd gets out of them."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import encoded, picture
from tarballs import PHOTOS, files, left, pack, photos, plain, special

from superglobal_core.data import archives, tar_members
from superglobal_core.data.archives import read_listing, remove_unpacked, unpack
from superglobal_core.errors import UserError


@pytest.mark.parametrize("nested", ["", "paris/triomphe/", "./7/"])
def test_images_come_flat_into_the_folder(tmp_path: Path, nested: str) -> None:
    directory = special("paris", tarfile.DIRTYPE)
    notes = plain("readme.txt", b"notes")
    members = [plain(nested + name, content) for name, content in PHOTOS.items()]
    archive = pack(
        tmp_path / "a.tgz", directory, *members[:3], notes, plain(nested + "._photo_1.jpg"), *members[3:]
    )
    images = unpack(archive, tmp_path / "deep" / "jpg", tmp_path / "lists" / "a.json")
    assert files(tmp_path / "deep" / "jpg") == PHOTOS
    assert [image.name for image in images] == list(PHOTOS)
    listing = read_listing(tmp_path / "lists" / "a.json")
    assert listing.images == images
    assert listing.left_aside == ["readme.txt", nested + "._photo_1.jpg"]
    assert (listing.archive, listing.archive_bytes) == ("a.tgz", archive.stat().st_size)
    assert left(tmp_path / "deep") == ["jpg", *(f"jpg/{name}" for name in PHOTOS)]


def test_the_archives_of_gnu_tar(tmp_path: Path) -> None:
    long = "a" * 240 + ".jpg"
    for name in (*PHOTOS, long):
        (tmp_path / "in" / "sub").mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / "sub" / name).write_bytes(PHOTOS.get(name, b"long"))
    for form in ("gnu", "posix", "ustar", "v7"):
        whole = tmp_path / "in" if form in ("gnu", "posix") else tmp_path / "in" / "sub"
        names = ["--exclude", "aaa*"] if form in ("ustar", "v7") else []
        subprocess.run(
            ["tar", f"--format={form}", "-czf", tmp_path / "a.tgz", *names, "."], cwd=whole, check=True
        )
        unpack(tmp_path / "a.tgz", tmp_path / form, tmp_path / f"{form}.json")
        assert files(tmp_path / form) == PHOTOS | ({long: b"long"} if not names else {})


def test_twice_is_once(tmp_path: Path) -> None:
    archive, folder, listing = photos(tmp_path / "a.tgz"), tmp_path / "jpg", tmp_path / "a.json"
    first = unpack(archive, folder, listing)
    stamps = {path: path.stat().st_mtime_ns for path in (*folder.iterdir(), listing, folder)}
    inodes = {path: path.stat().st_ino for path in stamps}
    assert unpack(archive, folder, listing) == first
    archive.unlink()  # what is done stays done
    assert unpack(archive, folder, listing) == first
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    assert {path: path.stat().st_ino for path in stamps} == inodes


def test_a_missing_or_shortened_image_is_unpacked_again(tmp_path: Path) -> None:
    archive, folder, listing = photos(tmp_path / "a.tgz"), tmp_path / "jpg", tmp_path / "a.json"
    unpack(archive, folder, listing)
    (folder / "photo_1.jpg").unlink()
    (folder / "photo_2.jpg").write_bytes(b"short")
    unpack(archive, folder, listing)
    assert files(folder) == PHOTOS
    shutil.rmtree(folder)
    unpack(archive, folder, listing)
    assert files(folder) == PHOTOS


def test_without_a_whole_listing_it_is_not_done(tmp_path: Path) -> None:
    archive, folder, listing = photos(tmp_path / "a.tgz"), tmp_path / "jpg", tmp_path / "a.json"
    unpack(archive, folder, listing)
    right = listing.read_bytes()
    for content in (b"", right[:100], b"[]", right.replace(b'"photo_1.jpg"', b'"../photo_1.jpg"')):
        listing.write_bytes(content)
        with pytest.raises(UserError, match=r"a\.json is no"):
            read_listing(listing)
        unpack(archive, folder, listing)
        assert listing.read_bytes() == right


def test_another_archive_of_the_same_name_is_unpacked(tmp_path: Path) -> None:
    archive, folder, listing = photos(tmp_path / "a.tgz"), tmp_path / "jpg", tmp_path / "a.json"
    unpack(archive, folder, listing)
    newer = {name: encoded(picture(99 + at), ".jpg") for at, name in enumerate(PHOTOS)}
    photos(archive, contents=newer)
    unpack(archive, folder, listing)
    assert files(folder) == newer


def test_two_archives_share_a_folder(tmp_path: Path) -> None:
    folder, more = tmp_path / "jpg", {"other.jpg": b"other", "another.png": b"another"}
    unpack(photos(tmp_path / "a.tgz", "paris/"), folder, tmp_path / "a.json")
    unpack(photos(tmp_path / "b.tgz", "paris/", more), folder, tmp_path / "b.json")
    assert files(folder) == PHOTOS | more
    assert [image.name for image in read_listing(tmp_path / "b.json").images] == list(more)
    clash = photos(tmp_path / "c.tgz", contents={"new.jpg": b"new", "photo_3.jpg": b"another"})
    with pytest.raises(UserError, match=r"cannot unpack .*c\.tgz.*are there already: photo_3\.jpg; move"):
        unpack(clash, folder, tmp_path / "c.json")
    assert files(folder) == PHOTOS | more
    assert not (tmp_path / "c.json").exists()


def test_images_are_removed_by_their_listing(tmp_path: Path) -> None:
    folder = tmp_path / "jpg"
    unpack(photos(tmp_path / "a.tgz"), folder, tmp_path / "a.json")
    (folder / "mine.jpg").write_bytes(b"mine")
    (folder / "photo_0.jpg").unlink()
    remove_unpacked(tmp_path / "a.json", folder)
    assert files(folder) == {"mine.jpg": b"mine"}
    assert len(read_listing(tmp_path / "a.json").images) == len(PHOTOS)
    content = json.loads((tmp_path / "a.json").read_text())
    content["images"][0]["name"] = "../a.jpg"
    (tmp_path / "a.jpg").touch()
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="is no listing of an archive"):
        remove_unpacked(tmp_path / "a.json", folder)
    assert (tmp_path / "a.jpg").exists()


def test_whoever_interrupts_finds_nothing_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = photos(tmp_path / "a.tgz")

    def interrupted(*_: object) -> None:
        assert left(tmp_path) != ["a.tgz"]
        raise KeyboardInterrupt

    monkeypatch.setattr(archives, "_write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        unpack(archive, tmp_path / "jpg", tmp_path / "a.json")
    assert left(tmp_path) == ["a.tgz"]


# A run that stops for ever at a given place: after some members, or some renames.
STOPPING = """
import sys, time
from pathlib import Path
from superglobal_core.data import archives
place, count, archive, folder, listing = sys.argv[1], int(sys.argv[2]), *map(Path, sys.argv[3:])
def stopping(inner):
    def step(*arguments):
        global count
        if count == 0:
            print("here", flush=True)
            time.sleep(600)
        count -= 1
        return inner(*arguments)
    return step
if place == "member":
    archives._write = stopping(archives._write)
else:
    Path.replace = stopping(Path.replace)
archives.unpack(archive, folder, listing)
"""


@pytest.mark.parametrize(("place", "count"), [("member", 3), ("rename", 2), ("rename", len(PHOTOS))])
def test_a_killed_run_is_made_good(tmp_path: Path, place: str, count: int) -> None:
    archive, folder, listing = photos(tmp_path / "a.tgz"), tmp_path / "jpg", tmp_path / "a.json"
    command = [sys.executable, "-c", STOPPING, place, str(count), archive, folder, listing]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"here\n"
        run.send_signal(signal.SIGKILL)
    assert not listing.exists()
    assert len(files(folder)) == (0 if place == "member" else count)
    unpack(archive, folder, listing)
    assert files(folder) == PHOTOS
    assert not (tmp_path / ".partial-unpack-a.tgz").exists()


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a disk of 1 MB there; say whether that was possible."""
    folder.mkdir()
    command = shutil.which("mount")
    mounted = (
        command is not None
        and not subprocess.run(
            [command, "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True
        ).returncode
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", folder], check=True)


# Where nobody may mount: no file may be larger than 300 kB.
LIMITED = """
import resource, sys
from pathlib import Path
from superglobal_core.data.archives import unpack
from superglobal_core.errors import UserError
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    unpack(*map(Path, sys.argv[1:]))
except UserError as error:
    print(error)
"""


def zeros_that_fill(path: Path) -> Path:
    return pack(path, *(plain(f"{number}.jpg", bytes(400_000)) for number in range(4)))


def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    archive, disk = zeros_that_fill(tmp_path / "a.tgz"), tmp_path / "disk"
    with small_disk(disk) as mounted:
        if not mounted:
            return  # the next test is for these machines
        with pytest.raises(
            UserError, match=r"cannot unpack .*a\.tgz into .*jpg: No space left on device; free"
        ):
            unpack(archive, disk / "jpg", tmp_path / "a.json")
        assert left(disk) == []
        assert not (tmp_path / "a.json").exists()
        unpack(photos(archive), disk / "jpg", tmp_path / "a.json")
        assert files(disk / "jpg") == PHOTOS


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    archive, disk = zeros_that_fill(tmp_path / "a.tgz"), tmp_path / "disk"
    command = [sys.executable, "-c", LIMITED, archive, disk / "jpg", tmp_path / "a.json"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.stdout.endswith("File too large; free space or choose another place, then repeat\n"), (
        run.stderr
    )
    assert left(tmp_path) == ["a.tgz", "disk"]


def test_space_is_looked_at_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = photos(tmp_path / "a.tgz")
    size = archive.stat().st_size
    for free, enough in ((size, False), (int(size * 1.02) + 1, True)):
        monkeypatch.setattr(archives.shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        if enough:
            unpack(archive, tmp_path / "jpg", tmp_path / "a.json")
            continue
        with pytest.raises(
            UserError, match=r"cannot unpack .*: 0 MB are needed and 0 MB are free; free space"
        ):
            unpack(archive, tmp_path / "jpg", tmp_path / "a.json")
        assert left(tmp_path) == ["a.tgz"]


def test_other_errors_of_the_disk_name_archive_and_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(archives, "_write", denied)
    with pytest.raises(UserError, match=r"cannot unpack .*a\.tgz into .*jpg: Permission denied"):
        unpack(photos(tmp_path / "a.tgz"), tmp_path / "jpg", tmp_path / "a.json")
    monkeypatch.setattr(tar_members.gzip.GzipFile, "read", denied)
    with pytest.raises(UserError, match=r"cannot read the archive .*a\.tgz: Permission denied"):
        unpack(tmp_path / "a.tgz", tmp_path / "jpg", tmp_path / "a.json")
    assert left(tmp_path) == ["a.tgz"]
