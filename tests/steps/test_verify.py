"""What was downloaded is compared with what lies there; what is gone is missed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tarballs import PHOTOS, photos

from superglobal_core.data.archives import listing_of, remove_unpacked, unpack
from superglobal_core.data.manifest import Manifest
from superglobal_core.errors import UserError
from superglobal_core.files import sha256_of, write_json
from superglobal_core.steps.verify import verify_step


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """As after downloading a ground truth and an archive, which was removed once unpacked."""
    root = tmp_path / "data"
    (root / "mine").mkdir(parents=True)
    archive, truth = root / "mine/one.tgz", root / "mine/gnd.pkl"
    photos(archive)
    truth.write_bytes(b"truth")
    for path in (archive, truth):
        size, name = path.stat().st_size, path.relative_to(root).as_posix()
        Manifest(root).record(name, bytes=size, sha256=sha256_of(path), source="http://x/", entry="mine")
    unpack(archive, root / "mine/jpg", listing_of(archive))
    archive.unlink()
    files = {"mine/one.tgz": {"images": len(PHOTOS)}, "mine/gnd.pkl": {"images": None}}
    write_json(root / "records/mine.json", {"parameters": {"files": files}})
    return root


@pytest.mark.parametrize("names", [None, ["mine"]])
def test_all_is_well(root: Path, names: list[str] | None) -> None:
    assert verify_step(root, names).startswith(f"{1 + len(PHOTOS)} files")


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "image": (lambda mine: (mine / "jpg/photo_1.jpg").write_bytes(b"x"), r"photo_1\.jpg has the sha256"),
    "image gone": (lambda mine: (mine / "jpg/photo_1.jpg").unlink(), r"photo_1\.jpg is absent"),
    "truth": (lambda mine: (mine / "gnd.pkl").write_bytes(b"x"), r"gnd\.pkl has the sha256"),
    "truth gone": (lambda mine: (mine / "gnd.pkl").unlink(), r"gnd\.pkl is absent"),
    "images gone": (lambda mine: shutil.rmtree(mine / "jpg"), r"6 files .*photo_5\.jpg is absent"),
    "listing gone": (
        lambda mine: (mine / "one.tgz.images.json").unlink(),
        r"one\.tgz\.images\.json is absent",
    ),
    "all gone": (shutil.rmtree, r"gnd\.pkl is absent.*one\.tgz\.images\.json is absent"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_changed_or_is_gone_is_named(root: Path, damage: str) -> None:
    act, said = DAMAGES[damage]
    act(root / "mine")
    for names in (None, ["mine"]):
        with pytest.raises(UserError, match=said):
            verify_step(root, names)


def test_without_the_record_of_a_download_the_manifest_still_misses_it(root: Path) -> None:
    shutil.rmtree(root / "records")
    shutil.rmtree(root / "mine")
    with pytest.raises(UserError, match=r"one\.tgz is absent"):
        verify_step(root)


def test_without_a_manifest_the_images_are_still_compared(root: Path) -> None:
    (root / "MANIFEST.json").unlink()
    (root / "mine/jpg/photo_1.jpg").write_bytes(b"x")
    with pytest.raises(UserError, match=r"photo_1\.jpg has the sha256"):
        verify_step(root)


def test_images_that_were_removed_on_purpose_are_not_missed(root: Path) -> None:
    remove_unpacked(root / "mine/one.tgz.images.json", root / "mine/jpg")
    assert verify_step(root).startswith("1 files")


def test_where_nothing_is_nothing_is_well(root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    for place in ("empty", "file", "absent"):
        with pytest.raises(UserError, match="correct --root"):
            verify_step(tmp_path / place)
    with pytest.raises(UserError, match="does not say that roxford5k was ever downloaded"):
        verify_step(root, ["mine", "roxford5k"])
