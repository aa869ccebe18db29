"""What is refused in an archive, odd or damaged, and that nothing of it is left behind."""

from __future__ import annotations

import contextlib
import gzip
import io
import shutil
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tarballs import PHOTOS, left, pack, photos, plain, special

from superglobal_core.data.archives import unpack
from superglobal_core.data.tar_members import Limits
from superglobal_core.errors import UserError

TIGHT = Limits(members=20, member_bytes=200_000, growth=4, growth_bytes=500_000)


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
