"""Archives of images: unpacked whole or not at all, and nothing odd gets out of them."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import encoded, picture
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.data import archives, tar_members
from superglobal_core.data.archives import read_listing, remove_unpacked, unpack
from superglobal_core.data.tar_members import Limits
from superglobal_core.errors import UserError

PHOTOS = {f"photo_{number}.jpg": encoded(picture(number), ".jpg") for number in range(6)}
TIGHT = Limits(members=20, member_bytes=200_000, growth=4, growth_bytes=500_000)


def plain(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info, content


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def pack(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def photos(path: Path, folder: str = "", contents: Mapping[str, bytes] = PHOTOS) -> Path:
    return pack(path, *(plain(folder + name, content) for name, content in contents.items()))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def left(folder: Path) -> list[str]:
    """What lies in the folder, deep."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


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


# What no archive of photographs holds: the member, and what the refusal says of it.
ODD: dict[str, tuple[tuple[tarfile.TarInfo, bytes], str]] = {
    "parent": (plain("../evil.jpg"), r"'\.\./evil\.jpg' has a name that leads out"),
    "deep parent": (plain("paris/../../evil.jpg"), "leads out"),
    "parent of no image": (plain("../evil.txt"), "leads out"),
    "parent folder": (special("../evil", tarfile.DIRTYPE), "leads out"),
    "backslash": (plain("..\\evil.jpg"), "leads out"),
    "absolute": (plain("/tmp/evil.jpg"), "'/tmp/evil.jpg' has an absolute name"),
    "symbolic link": (special("evil.jpg", tarfile.SYMTYPE, "/etc/passwd"), "'evil.jpg' is a link"),
    "hard link": (special("evil.jpg", tarfile.LNKTYPE, "photo_0.jpg"), "is a link"),
    "link that is no image": (special("evil", tarfile.SYMTYPE, "/"), "is a link"),
    "character device": (special("evil.jpg", tarfile.CHRTYPE), "is a device, a pipe"),
    "block device": (special("evil.jpg", tarfile.BLKTYPE), "is a device, a pipe"),
    "pipe": (special("evil.jpg", tarfile.FIFOTYPE), "is a device, a pipe"),
    "unknown kind": (special("evil.jpg", b"Z"), "is a device, a pipe"),
    "sparse": (special("evil.jpg", tarfile.GNUTYPE_SPARSE), "is a sparse file"),
    "newline": (plain("evil\n.jpg"), "control characters"),
    "terminal": (plain("evil\x1b[2J.jpg"), r"'evil\\x1b\[2J\.jpg' has control characters"),
    "no UTF-8": (plain("evil\udcff.jpg"), "not UTF-8"),
    "long name": (plain("e" * 252 + ".jpg"), "too long"),
    "long path": (plain("evil/" * 1000 + "e.jpg"), "too long"),
    "large": (plain("evil.jpg", bytes(200_001)), "has 200001 bytes, more than the 200000"),
}


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", ODD)
def test_odd_members_are_refused_and_leave_nothing(tmp_path: Path, kind: str, first: bool) -> None:
    (member, message), good = ODD[kind], plain("photo_0.jpg", PHOTOS["photo_0.jpg"])
    archive = pack(tmp_path / "a.tgz", *((member, good) if first else (good, member)))
    with pytest.raises(UserError, match=message) as caught:
        unpack(archive, tmp_path / "in" / "jpg", tmp_path / "a.json", limits=TIGHT)
    assert f"the archive {archive} is refused: its member " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert left(tmp_path) == ["a.tgz", "in"]


def test_a_name_with_nul_is_refused(tmp_path: Path) -> None:
    info, content = plain("evil.jpg", b"x")
    info.pax_headers = {"path": "evil.jpg\0.txt"}
    with pytest.raises(UserError, match="control characters"):
        unpack(pack(tmp_path / "a.tgz", (info, content)), tmp_path / "jpg", tmp_path / "a.json")


def test_sparse_records_are_refused(tmp_path: Path) -> None:
    info, content = plain("evil.jpg", b"x" * 512)
    info.pax_headers = {"GNU.sparse.map": "0,1,1000000,511", "GNU.sparse.size": "1000511"}
    with pytest.raises(UserError, match="is a sparse file"):
        unpack(pack(tmp_path / "a.tgz", (info, content)), tmp_path / "jpg", tmp_path / "a.json")


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    archive = pack(tmp_path / "a.tgz", plain("1/a.jpg"), plain("2/a.jpg"))
    with pytest.raises(UserError, match=r"two of its members are named a\.jpg"):
        unpack(archive, tmp_path / "jpg", tmp_path / "a.json")
    assert left(tmp_path) == ["a.tgz"]


def test_an_archive_without_images_is_refused(tmp_path: Path) -> None:
    for members in ([], [plain("a.txt"), plain(".hidden.jpg")]):
        with pytest.raises(UserError, match=r"a\.tgz holds no image"):
            unpack(pack(tmp_path / "a.tgz", *members), tmp_path / "jpg", tmp_path / "a.json")
        assert left(tmp_path) == ["a.tgz"]


def test_bombs_are_stopped_by_what_really_comes_out(tmp_path: Path) -> None:
    zeros = bytes(150_000)
    many = pack(tmp_path / "many.tgz", *(plain(f"{number}.jpg", zeros) for number in range(10)))
    hidden = pack(tmp_path / "hidden.tgz", *(plain(f".{number}", zeros) for number in range(10)))
    # One member, and zeros without end behind the archive's end.
    one = io.BytesIO()
    with tarfile.open(fileobj=one, mode="w") as tar:
        tar.addfile(plain("a.jpg")[0], io.BytesIO(b"x"))
    behind = tmp_path / "behind.tgz"
    behind.write_bytes(gzip.compress(one.getvalue() + bytes(3_000_000)))
    for archive in (many, hidden, behind):
        with pytest.raises(UserError, match=r"\.tgz is refused: it unpacks to more than \d+ bytes"):
            unpack(archive, tmp_path / "jpg", tmp_path / "a.json", limits=TIGHT)
        assert left(tmp_path) == ["behind.tgz", "hidden.tgz", "many.tgz"]


def test_headers_without_end_are_stopped_early(tmp_path: Path) -> None:
    info, content = plain("evil.jpg")
    info.pax_headers = {"comment": "x" * 30_000_000}
    archive = pack(tmp_path / "a.tgz", (info, content))
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="a header without end"):
            unpack(archive, tmp_path / "jpg", tmp_path / "a.json")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_too_many_members(tmp_path: Path) -> None:
    for kind in ("{}.jpg", "{}.txt"):
        archive = pack(tmp_path / "a.tgz", *(plain(kind.format(number)) for number in range(21)))
        with pytest.raises(UserError, match="has more than 20 members"):
            unpack(archive, tmp_path / "jpg", tmp_path / "a.json", limits=TIGHT)
        assert left(tmp_path) == ["a.tgz"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return photos(tmp_path_factory.mktemp("whole") / "a.tgz").read_bytes()


def offsets(tar: bytes) -> list[int]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        return [member.offset for member in opened]


DAMAGE = r"a\.tgz is cut short or damaged \(.*\): delete it and download it again"


def refused(folder: Path, data: bytes) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "a.tgz").write_bytes(data)
    with pytest.raises(UserError, match=DAMAGE):
        unpack(folder / "a.tgz", folder / "jpg", folder / "a.json")
    assert left(folder) == ["a.tgz"]


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_archives_cut_short(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    end = data.draw(st.integers(0, len(whole) - 1) | st.integers(len(whole) - 12, len(whole) - 1))
    refused(tmp_path_factory.getbasetemp() / "cut", whole[:end])


@pytest.mark.parametrize("blocks", range(1, 14))
def test_archives_cut_before_they_were_compressed(tmp_path: Path, whole: bytes, blocks: int) -> None:
    # At every boundary of a member too, where tarfile by itself sees nothing wrong.
    tar = gzip.decompress(whole)
    marks = offsets(tar)
    for end in (blocks * 512, blocks * 512 + 100, marks[blocks % len(marks)]):
        refused(tmp_path / "cut", gzip.compress(tar[:end], 1))


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_damaged_archives(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    # Behind the header of gzip, whose time and name may change without harm, and not the last byte
    # before the checksum, whose bits are not all used.
    last = len(whole) - 8
    at = data.draw(st.integers(30, last - 2) | st.integers(last, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    refused(tmp_path_factory.getbasetemp() / "damaged", bytes(damaged))


@pytest.mark.parametrize("at", [0, 2, 5])
def test_a_damaged_header_is_not_the_end(tmp_path: Path, whole: bytes, at: int) -> None:
    tar = bytearray(gzip.decompress(whole))
    tar[offsets(tar)[at] + 1] ^= 0x20
    refused(tmp_path / "damaged", gzip.compress(tar))


@settings(deadline=None, max_examples=150)
@given(
    at=st.integers(0, 511),
    value=st.binary(min_size=1, max_size=12),
    kind=st.sampled_from([b"0", b"x", b"g", b"L", b"K", b"S", b"5", b"1"]),
)
def test_forged_headers_end_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: bytes, kind: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / "forged"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    header = bytearray(plain("a.jpg", b"17 size=-100000\n" * 40)[0].tobuf(tarfile.GNU_FORMAT))
    header[156:157] = kind
    header[at : at + len(value)] = value[: 512 - at]
    # A checksum that fits, so that the rest is looked at.
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:512]))
    body = b"17 size=-100000\n" * 64
    (folder / "a.tgz").write_bytes(gzip.compress(bytes(header) + body + bytes(header) + body + bytes(1024)))
    with contextlib.suppress(UserError):
        unpack(folder / "a.tgz", folder / "jpg", folder / "a.json", limits=TIGHT)
        assert (folder / "a.json").exists()
    assert not [name for name in left(folder) if name.startswith(".partial-")]
    assert (folder / "a.json").exists() == (folder / "jpg").exists()


def test_what_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no archive .*a\.tgz: download it first"):
        unpack(tmp_path / "a.tgz", tmp_path / "jpg", tmp_path / "a.json")
    refused(tmp_path / "page", b"<html>404</html>" * 100)
    refused(tmp_path / "page", gzip.compress(b"<html>404</html>" * 100))
    refused(tmp_path / "page", b"")
    refused(tmp_path / "page", photos(tmp_path / "a.tgz").read_bytes() + b"more")
    (tmp_path / "jpg").touch()
    with pytest.raises(UserError, match="it is no folder"):
        unpack(tmp_path / "a.tgz", tmp_path / "jpg", tmp_path / "a.json")


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
