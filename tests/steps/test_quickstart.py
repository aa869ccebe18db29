"""Somebody's own folder of photographs to a search page."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from helpers import Run, encoded, picture, unit_rows

from superglobal_core.errors import UserError
from superglobal_core.features.shards import ShardPlan
from superglobal_core.networks.backbone import ARCHITECTURES
from superglobal_core.steps import quickstart_features, quickstart_network
from superglobal_core.steps.quickstart import MARKER, Quickstart, quickstart_step
from superglobal_core.steps.quickstart_neighbours import find_neighbours
from superglobal_core.steps.quickstart_network import choose_network


@pytest.fixture(autouse=True)
def _no_weights_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Four photographs in three formats, one of them below and one a copy."""
    folder = tmp_path / "my photos"
    (folder / "trip").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(encoded(picture(1), ".jpg"))
    (folder / "b #1.PNG").write_bytes(encoded(picture(2)))
    (folder / "trip" / "c.webp").write_bytes(encoded(picture(3), ".webp"))
    shutil.copy(folder / "a.jpg", folder / "trip" / "copy of a.jpg")
    return folder


def quick(photos: Path, **options: Any) -> Quickstart:
    return quickstart_step(
        photos, photos.parent / "out", device="cpu", root=photos.parent / "data", **options
    )


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.S)
    assert found
    return json.loads(found[1])


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "record.json"
    }


def test_every_photograph_is_a_query_against_the_others(photos: Path) -> None:
    done = quick(photos)
    data = data_of(done.page)
    assert data["names"] == ["a.jpg", "b #1.PNG", "trip/c.webp", "trip/copy of a.jpg"]
    assert (done.photographs, done.described, done.left_out) == (4, 3, [])
    for number in range(4):
        for row in (data["before"][number], data["after"][number]):
            assert sorted(row) == [other for other in range(4) if other != number]
    # The copy comes first, its similarity is one; the rest stand as they do for the original.
    assert data["before"][0][0] == 3
    assert data["before_scores"][0][0] == 1000
    assert data["before"][0][1:] == data["before"][3][1:]
    assert "1 of them is an exact copy of another one" in done.page.read_text()
    assert all((done.page.parent / name).is_file() for name in data["thumbnails"])


def test_the_places_say_where_each_neighbour_went() -> None:
    rows = unit_rows(np.random.default_rng(0), 30, 8)
    found = find_neighbours(rows)
    for query in range(len(rows)):
        similarity = rows @ rows[query]
        similarity[query] = -2
        first = np.argsort(-similarity, kind="stable")
        assert found.before[query].tolist() == first[:10].tolist()
        ranks = {int(row): place for place, row in enumerate(first, start=1)}
        assert found.was[query].tolist() == [ranks[row] for row in found.after[query].tolist()]
        now = dict(zip(found.before[query].tolist(), found.now[query].tolist(), strict=True))
        for place, row in enumerate(found.after[query].tolist(), start=1):
            assert now.get(row, place) == place


def test_more_copies_than_the_shortlist_has_places_leave_the_query_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from superglobal_core.steps import quickstart_neighbours

    monkeypatch.setattr(quickstart_neighbours, "SHORTLIST", 3)
    found = find_neighbours(np.repeat(np.eye(2, dtype=np.float32), [6, 1], axis=0))
    assert found.before[0].tolist() == [1, 2, 3]
    assert found.before[5].tolist() == [0, 1, 2]


def test_a_second_call_changes_nothing_and_needs_no_network(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = quick(photos)
    before = files_of(first.page.parent)
    record = (first.page.parent / "record.json").read_bytes()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("a network was loaded")

    monkeypatch.setattr("superglobal_core.networks.checkpoints.load_checkpoint", never)
    second = quick(photos)
    assert second.unchanged
    assert second.described == 0
    assert files_of(first.page.parent) == before
    assert (first.page.parent / "record.json").read_bytes() == record


def test_the_same_photographs_give_the_same_bytes(photos: Path) -> None:
    first = files_of(quick(photos).page.parent)
    shutil.rmtree(photos.parent / "out")
    assert files_of(quick(photos).page.parent) == first


def test_only_new_photographs_are_described_and_gone_ones_leave_no_picture(photos: Path) -> None:
    quick(photos)
    (photos / "new.jpg").write_bytes(encoded(picture(9), ".jpg"))
    (photos / "a.jpg").rename(photos / "renamed.jpg")
    done = quick(photos)
    assert (done.photographs, done.described) == (5, 1)
    gone = photos / "b #1.PNG"
    gone.unlink()
    done = quick(photos)
    assert (done.photographs, done.described) == (4, 0)
    assert len(list((done.page.parent / "thumbnails").iterdir())) == 3
    assert "b #1" not in done.page.read_text()


def test_an_interrupted_run_goes_on(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quickstart_features, "SHARD_SIZE", 1)
    write = ShardPlan.write

    def interrupted(plan: ShardPlan, number: int, *rest: Any, **named: Any) -> None:
        if number == 1:
            raise KeyboardInterrupt
        write(plan, number, *rest, **named)

    monkeypatch.setattr(ShardPlan, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        quick(photos)
    monkeypatch.setattr(ShardPlan, "write", write)
    done = quick(photos)
    assert (done.photographs, done.described) == (4, 2)
    resumed = done.page.read_bytes()
    shutil.rmtree(done.page.parent)
    assert quick(photos).page.read_bytes() == resumed


def test_a_damaged_shard_is_described_again(photos: Path) -> None:
    done = quick(photos)
    page = done.page.read_bytes()
    [shard] = done.page.parent.glob("features/*/*/shard-*.npy")
    shard.write_bytes(shard.read_bytes()[:-4])
    done = quick(photos)
    assert done.described == 3
    assert done.page.read_bytes() == page


def test_what_cannot_be_used_is_named(photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(encoded(picture(4), ".jpg")[:-200])
    (photos / "empty.png").touch()
    (photos / "small.png").write_bytes(encoded(picture(5, 50, 90)))
    (photos / "phone.HEIC").write_bytes(b"x")
    (photos / "<b>notes.txt").write_text("no photograph")
    (photos / ".hidden.jpg").write_text("not looked at")
    done = quick(photos)
    assert {one.name: one.reason.split(":")[0] for one in done.left_out} == {
        "broken.jpg": "is cut short",
        "empty.png": "is an empty file",
        "small.png": "is 90 x 50 px, too small",
        "phone.HEIC": "has a format that is not read (.heic)",
    }
    page = done.page.read_text()
    assert "<b>phone.HEIC</b> has a format that is not read (.heic)" in page
    assert "notes" not in page
    assert quick(photos).unchanged


def test_a_file_that_may_not_be_read_is_left_out(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forbidden = photos / "b #1.PNG"
    opened = Path.open

    def refused(path: Path, *rest: Any, **named: Any) -> Any:
        if path == forbidden:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *rest, **named)

    monkeypatch.setattr(Path, "open", refused)
    [one] = quick(photos).left_out
    assert (one.name, one.reason) == ("b #1.PNG", "cannot be read: Permission denied")


def test_names_that_are_no_utf8_are_shown_escaped(photos: Path) -> None:
    (photos / "a.jpg").rename(photos / os.fsdecode(b"caf\xe9.jpg"))
    done = quick(photos)
    data = data_of(done.page)
    assert "caf\\udce9.jpg" in data["names"]
    link = data["links"][data["names"].index("caf\\udce9.jpg")]
    assert link == "../my%20photos/caf%E9.jpg"


def test_large_photographs_are_described_from_smaller_copies(photos: Path) -> None:
    (photos / "large.jpg").write_bytes(encoded(picture(6, 900, 1200), ".jpg"))
    (photos / "panorama.jpg").write_bytes(encoded(picture(7, 100, 2000), ".jpg"))
    made: list[tuple[str, tuple[int, ...]]] = []
    from superglobal_core.steps import quickstart_photos

    write = quickstart_photos._write

    def watched(path: Path, image: np.ndarray, option: int, quality: int) -> None:
        if option == cv2.IMWRITE_JPEG_QUALITY:
            made.append((path.parent.name, image.shape[:2]))
        write(path, image, option, quality)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quickstart_photos, "_write", watched)
        done = quick(photos)
    # The network needs 92 pixels a side.
    assert sorted(made) == [("copies", (92, 1840)), ("copies", (768, 1024))]
    assert done.left_out == []
    assert not (done.page.parent / "copies").exists()


def test_turned_photographs_are_shown_upright(photos: Path) -> None:
    upright = encoded(picture(8, 100, 200), ".jpg")
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    turned = upright[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + upright[2:]
    (photos / "turned.jpg").write_bytes(turned)
    data = data_of(quick(photos).page)
    thumbnail = photos.parent / "out" / data["thumbnails"][data["names"].index("turned.jpg")]
    assert cv2.imread(str(thumbnail)).shape[:2] == (200, 100)


def test_the_output_in_the_folder_itself_is_not_searched(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos)
    done = quickstart_step(".", device="cpu", root="data")
    assert done.page == Path("quickstart-my photos/index.html")
    again = quickstart_step(".", device="cpu", root="data")
    assert again.photographs == 4
    assert again.unchanged


def test_mistakes_are_sentences(photos: Path, tmp_path: Path) -> None:
    out, root = tmp_path / "out", tmp_path / "data"
    (tmp_path / "none").mkdir()
    one = tmp_path / "one"
    one.mkdir()
    (one / "a.jpg").write_bytes(encoded(picture(1), ".jpg"))
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "letter.txt").write_text("mine")
    for folder, where, sentence in [
        (tmp_path / "absent", out, r"absent does not exist: name a folder of photographs"),
        (one / "a.jpg", out, r"a\.jpg is no folder: name a folder of photographs"),
        (tmp_path / "none", out, r"none holds no photograph \(.*\.webp\)"),
        (one, out, r"one has one photograph that can be used: a search needs at least two"),
        (photos, taken, r"taken holds something else already: name another folder with --out"),
        (photos, photos, r"my photos holds something else already"),
        (photos, one / "a.jpg", r"a\.jpg is a file: name a folder with --out"),
        (photos, one / "a.jpg" / "x", r"cannot (read|write) .*choose another"),
    ]:
        with pytest.raises(UserError, match=sentence):
            quickstart_step(folder, where, device="cpu", root=root)
    assert not out.exists()
    (one / "b.jpg").write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"one has one photograph .*1 left out: b\.jpg cannot be decoded"):
        quickstart_step(one, out, device="cpu", root=root)


def test_a_full_disk_is_a_sentence(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*: No space left on device; free space"):
        quick(photos)
    assert not list((photos.parent / "out").rglob(".partial-*"))
    assert not (photos.parent / "out" / "index.html").exists()


def test_the_best_weights_that_are_there_are_taken(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert choose_network(root=tmp_path).backbone == "mini"
    cached = tmp_path / "torch" / "hub" / "checkpoints" / "resnet50-11ad3fa6.pth"
    cached.parent.mkdir(parents=True)
    cached.touch()
    assert choose_network(root=tmp_path).checkpoint == cached
    for name, backbone in (
        ("CVPR2022_CVNet_R50.pyth", "resnet50"),
        ("CVPR2022_CVNet_R101.pyth", "resnet101"),
    ):
        weights = tmp_path / "checkpoints" / name
        weights.parent.mkdir(exist_ok=True)
        weights.touch()
        found = choose_network(root=tmp_path)
        assert (found.backbone, found.checkpoint, found.warning) == (backbone, weights, None)
        assert choose_network(checkpoint=weights).backbone == backbone
    mini = choose_network("mini", root=tmp_path)
    assert mini.warning is not None
    assert "drawn buildings" in mini.warning
    assert choose_network("mini", checkpoint).warning is None


def test_weights_that_are_absent_or_unknown_are_sentences(tmp_path: Path, checkpoint: Path) -> None:
    with pytest.raises(
        UserError, match=r"no weights of resnet50 in .*R50\.pyth.*superglobal download cvnet-r50"
    ):
        choose_network("resnet50", root=tmp_path)
    with pytest.raises(UserError, match=r"unknown backbone 'resnet5'.*did you mean 'resnet50'"):
        choose_network("resnet5", root=tmp_path)
    with pytest.raises(UserError, match="does not say which network it is of: add --backbone"):
        choose_network(checkpoint=checkpoint)
    with pytest.raises(UserError, match="there is no checkpoint"):
        choose_network("resnet50", tmp_path / "absent.pth")
    assert {*quickstart_network.ENTRIES, "mini"} == set(ARCHITECTURES)


def test_another_network_has_descriptors_of_its_own(photos: Path, checkpoint: Path) -> None:
    quick(photos)
    other = quick(photos, backbone="mini", checkpoint=checkpoint)
    assert other.described == 3
    assert "drawn buildings" not in other.page.read_text()
    assert quick(photos).described == 0


def test_the_verb_says_what_to_open_and_what_to_expect(
    photos: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos.parent)
    (photos / "phone.heic").write_bytes(b"x")
    done = run("quickstart", "my photos", "--device", "cpu")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "open quickstart-my photos/index.html"
    assert "4 photographs, 3 of them described now" in done.out
    assert "left out: phone.heic has a format that is not read" in done.err
    assert "trained on drawn buildings" in done.err
    assert "nothing has changed" in run("quickstart", "my photos", "--device", "cpu").out
    assert (photos.parent / "quickstart-my photos" / MARKER).is_file()
    record = json.loads((photos.parent / "quickstart-my photos" / "record.json").read_bytes())
    assert record["command"] == "superglobal quickstart 'my photos' --device cpu"
    assert record["parameters"]["photographs"] == 4
