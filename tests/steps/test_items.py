"""How much disk a download needs, and how a plan says it."""

from __future__ import annotations

from pathlib import Path

from superglobal_core.data.archives import staging_of
from superglobal_core.data.catalogue import Entry, load_catalogue
from superglobal_core.data.partial_file import Partial
from superglobal_core.steps.download_plan import plan, plan_text
from superglobal_core.steps.items import items_of, needed_bytes


def entry(**file: object) -> Entry:
    files = [
        {"name": "gnd.pkl", "urls": [], "bytes": 100},
        {"name": "a.tgz", "urls": [], "unpack": "jpg", **file},
    ]
    facts = {"title": "t", "kind": "dataset", "folder": "f", "licence": "none", "groundtruth": "gnd.pkl"}
    return Entry.model_validate({"name": "mine", "files": files, **facts})


def test_what_is_there_already_needs_no_room(tmp_path: Path) -> None:
    items = items_of(entry(bytes=1000), tmp_path)
    assert needed_bytes(items) == 100 + 1000 + 1020
    archive = items[1]
    archive.path.parent.mkdir()
    Partial(archive.path).path.write_bytes(bytes(600))
    assert needed_bytes(items) == 100 + 400 + 1020
    Partial(archive.path).drop()
    archive.path.write_bytes(bytes(1000))
    assert needed_bytes(items) == 100 + 1020
    # What a killed run had unpacked is deleted before it is unpacked anew.
    staging = staging_of(archive.path, tmp_path / "f/jpg")
    staging.mkdir()
    (staging / "a.jpg").write_bytes(bytes(500))
    assert needed_bytes(items) == 100 + 520


def test_archives_that_are_removed_are_not_all_there_at_once(tmp_path: Path) -> None:
    items = items_of(load_catalogue()["revisitop1m"], tmp_path)
    images, one = 408_000_000_000, 4_000_000_000
    the_list = 45_000_000
    assert needed_bytes(items, parallel=4) == images + 4 * one + the_list
    assert needed_bytes(items, parallel=4, keep_archives=True) == images + 100 * one + the_list


def test_a_size_that_nobody_knows_is_not_nothing(tmp_path: Path) -> None:
    text = plan_text(plan([entry()], tmp_path))
    assert "0 of 2 files there, 100 B and more to download" in text
    (tmp_path / "f").mkdir()
    (tmp_path / "f/gnd.pkl").touch()
    text = plan_text(plan([entry()], tmp_path))
    assert "1 of 2 files there, size unknown to download" in text
    assert " 0 B" not in text
