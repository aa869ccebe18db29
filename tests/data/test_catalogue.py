"""The catalogue of downloads: what comes with the package, and entries of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from superglobal_core.data.catalogue import Catalogue, choose, load_catalogue, parse_parts
from superglobal_core.data.distractors import choose_parts
from superglobal_core.errors import UserError

MINE = {
    "title": "Landmarks of my own",
    "kind": "dataset",
    "folder": "mine",
    "groundtruth": "gnd_mine.pkl",
    "licence": "CC0",
    "files": [
        {"name": "gnd_mine.pkl", "urls": ["https://example.org/gnd_mine.pkl"], "format": "pickle"},
        {"name": "mine.tgz", "urls": ["https://example.org/mine.tgz"], "format": "tar.gz", "unpack": "jpg"},
    ],
}


@pytest.fixture(scope="module")
def shipped() -> Catalogue:
    return load_catalogue()


def test_the_shipped_catalogue_agrees_with_the_published_facts(shipped: Catalogue, shared: Path) -> None:
    facts = yaml.safe_load((shared / "reported.yaml").read_text())
    downloads = facts["downloads"]
    oxford, paris = shipped["roxford5k"], shipped["rparis6k"]
    files = {file.name: file for entry in shipped.values() for file in entry.files}
    for name in ("gnd_roxford5k.pkl", "gnd_rparis6k.pkl"):
        known = downloads[name]
        assert (files[name].bytes, files[name].sha256, files[name].urls) == (
            known["bytes"],
            known["sha256"],
            known["urls"],
        )
    images = downloads["roxford5k_images"]
    archive = files[images["file"]]
    assert (archive.bytes, archive.images, archive.urls) == (
        images["bytes"],
        images["images"],
        images["urls"],
    )
    known = downloads["rparis6k_images"]
    for name, size in zip(known["files"], known["bytes"], strict=True):
        assert files[name].bytes == size
        assert files[name].urls == [folder + name for folder in known["urls"]]
    assert paris.images == known["images"]
    assert sorted(paris.corrupt) == sorted(facts["corrupt_rparis6k_images"])
    assert len(paris.corrupt) == known["corrupt"]
    assert oxford.image_folder() == "roxford5k/jpg"
    distractors = shipped["revisitop1m"]
    pattern = downloads["revisitop1m"]["pattern"]
    assert distractors.parts is not None
    assert distractors.parts.count == downloads["revisitop1m"]["parts"]
    for part in (1, 57, 100):
        assert distractors.part(part).urls == [pattern.replace("{1..100}", str(part))]
    assert files["xfeat.onnx"].sha256 == downloads["xfeat.onnx"]["sha256"]
    drive = downloads["cvnet_checkpoints"]["gdown_ids"]["CVPR2022_CVNet_R50.pyth"]
    assert drive in files["CVPR2022_CVNet_R50.pyth"].urls[0]


def test_every_entry_says_its_terms(shipped: Catalogue) -> None:
    for entry in shipped.values():
        assert entry.licence
        assert entry.citation
        assert entry.homepage


def test_entries_of_ones_own_are_added_and_replace(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        yaml.safe_dump({"mine": MINE, "xfeat": {**MINE, "title": "another", "folder": "weights"}})
    )
    catalogue = load_catalogue([path])
    assert catalogue["mine"].files[0].name == "gnd_mine.pkl"
    assert catalogue["xfeat"].title == "another"
    assert "roxford5k" in catalogue


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"folder": "../elsewhere"}, "below the root"),
        ({"folder": "/etc"}, "below the root"),
        ({"groundtruth": "other.pkl"}, "none of the files"),
        ({"kind": "data"}, "kind"),
        ({"licence": None}, "licence"),
        ({"colour": "red"}, "colour"),
        ({"files": [{"name": "a/b", "urls": []}]}, "without folders"),
        ({"files": [{"name": "gnd_mine.pkl", "urls": ["file:///etc/passwd"]}]}, "http"),
        ({"files": [{"name": "gnd_mine.pkl", "urls": [], "sha256": "abc"}]}, "sha256"),
        ({"files": [MINE["files"][0]] * 2}, "two files have the same name, gnd_mine.pkl"),
        ({"files": [MINE["files"][0], {"name": "a\0b", "urls": []}]}, "control characters"),
        ({"files": [MINE["files"][0], {"name": "a" * 300, "urls": []}]}, "at most 200 bytes"),
        ({"files": [MINE["files"][0], {"name": "a.tgz.images.json", "urls": []}]}, "we write ourselves"),
        ({"folder": "a\0b"}, "control characters"),
        ({"folder": "records"}, "we write ourselves"),
        ({"folder": "records/mine"}, "we write ourselves"),
        ({"folder": ".locks"}, "not beginning with"),
        (
            {"parts": {"count": 2, "name": "../x{part}.tar.gz", "urls": ["https://example.org/{part}"]}},
            r"mine\.parts\.name: give a path below the root",
        ),
        (
            {
                "parts": {"count": 2, "name": "mine{part}.tgz", "urls": ["https://example.org/{part}"]},
                "files": [MINE["files"][0], {"name": "mine2.tgz", "urls": []}],
            },
            "two files have the same name, mine2.tgz",
        ),
        ({"files": [{"name": "gnd_mine.pkl", "urls": [], "bytes": 10**30}]}, "bytes"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_key(tmp_path: Path, change: dict, sentence: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"mine": {**MINE, **change}}))
    with pytest.raises(UserError, match=sentence) as caught:
        load_catalogue([path])
    assert str(path) in str(caught.value)
    assert "mine" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("mine: {licence: 2024-02-30}", "day is out of range"),
        ("mine: {bytes: " + "9" * 5000 + "}", "no valid YAML"),
        ("[" * 2000, "no valid YAML"),
        ("mine: {title: a}\nmine: {title: b}", "line 2: the key 'mine' is given twice"),
        ("mine: {title: a, title: b}", "line 1: the key 'title' is given twice"),
    ],
)
def test_what_yaml_cannot_mean_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        load_catalogue([path])


def test_two_entries_cannot_have_one_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    other = {**MINE, "folder": "mine/.", "files": MINE["files"][:1]}
    path.write_text(yaml.safe_dump({"mine": MINE, "other": other}))
    with pytest.raises(UserError, match=r"mine and other both have a file mine/gnd_mine\.pkl: give one"):
        load_catalogue([path])


@pytest.mark.parametrize("text", ["", "- a\n", "mine: 3\n", "a b: {}\n", "{: }}"])
def test_a_file_without_entries_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"mine\.yaml"):
        load_catalogue([path])


def test_a_wrong_name_lists_the_right_ones(shipped: Catalogue) -> None:
    with pytest.raises(UserError, match="roxford5k"):
        choose(shipped, ["roxford"])
    assert [entry.name for entry in choose(shipped, ["xfeat", "cvnet-r50", "xfeat"])] == [
        "xfeat",
        "cvnet-r50",
    ]


def test_parts_are_read_and_checked(shipped: Catalogue) -> None:
    distractors = [shipped["revisitop1m"]]
    assert parse_parts(None, distractors) is None
    assert parse_parts("all", distractors) is None
    assert parse_parts("none", []) == []
    assert parse_parts("7,2,7", distractors) == [2, 7]
    for wrong in ("0", "101", "x", "1.5", ",", "", " , "):
        with pytest.raises(UserError):
            parse_parts(wrong, distractors)
    with pytest.raises(UserError, match="leave it out"):
        parse_parts("1", [shipped["roxford5k"]])


def test_a_subset_of_distractors_takes_few_archives_and_a_larger_one_takes_more_of_them(
    shipped: Catalogue,
) -> None:
    entry = shipped["revisitop1m"]
    assert choose_parts(entry, None, 0) == list(range(1, 101))
    few, more = choose_parts(entry, 10_000, 0), choose_parts(entry, 200_000, 0)
    assert len(few) == 2
    assert len(more) == 22
    assert set(few) < set(more)
    assert choose_parts(entry, 10_000, 0) == few
    assert {tuple(choose_parts(entry, 10_000, seed)) for seed in range(5)} != {tuple(few)}
    assert choose_parts(entry, 10**9, 0) == list(range(1, 101))
