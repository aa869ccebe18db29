"""Several folders of shards made into one, whole or a subset."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.errors import UserError
from superglobal_core.features import gather as module
from superglobal_core.features.gather import gather
from superglobal_core.features.shards import write_shard
from superglobal_core.features.store import FeatureStore
from superglobal_core.steps.gather import gather_step

KIND = {"backbone": "mini", "scales": [1.0]}


def row_of(name: str) -> np.ndarray:
    return np.array([len(name), sum(map(ord, name)), 7], np.float32)


def write_part(folder: Path, *shards: list[str], **about: Any) -> Path:
    """Write a part whose rows follow from their images' names."""
    folder.mkdir(parents=True)
    for number, ids in enumerate(shards):
        array = np.stack([row_of(name) for name in ids]) if ids else np.zeros((0, 3), np.float32)
        facts = {"shard": number, "shards": len(shards), "descriptor": KIND, "skipped": []}
        facts |= {"images_sha256": "0", "made_with": {"code": "1"}} | about
        write_shard(folder / f"shard-{number:05d}", ids, array, facts)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def sidecar(folder: Path, number: int) -> dict[str, Any]:
    return json.loads((folder / f"shard-{number:05d}.json").read_text())


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Two parts, three shards, five images; one image did not decode."""
    bad = [{"id": "bad", "reason": "is empty"}]
    return [
        write_part(tmp_path / "one", ["a", "bb"], ["ccc"]),
        write_part(tmp_path / "other", ["d", "ee"], skipped=bad),
    ]


def test_whole_parts_become_one_folder_without_copying(parts: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = gather(parts, out)
    store = FeatureStore.open(out)
    assert store.ids == ["a", "bb", "ccc", "d", "ee"]
    assert np.array_equal(store.all_rows(), FeatureStore.open(*parts).all_rows())
    assert (store.skipped, store.descriptor) == (["bad"], KIND)
    assert (out / "shard-00002.npy").samefile(parts[1] / "shard-00000.npy")
    last, old = sidecar(out, 2), sidecar(parts[1], 0)
    assert (last["shard"], last["shards"], last["first"]) == (2, 3, 3)
    for key in ("ids", "rows", "dimension", "dtype", "sha256", "descriptor", "skipped"):
        assert last[key] == old[key]
    assert not {"images_sha256", "made_with"} & set(last)
    assert (out / "images.txt").read_text() == "a\nbb\nccc\nd\nee\n"
    assert not (out / "missing.txt").exists()
    assert done.counts == {
        "listed": None,
        "in_archives": 6,
        "undecodable": 1,
        "not_listed": 0,
        "missing": None,
        "used": 5,
        "asked": None,
    }


def test_where_links_are_impossible_shards_are_copied(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gather(parts, tmp_path / "linked")

    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    gather(parts, tmp_path / "copied")
    assert content(tmp_path / "copied") == content(tmp_path / "linked")
    assert not (tmp_path / "copied" / "shard-00000.npy").samefile(parts[0] / "shard-00000.npy")


NAMES = st.lists(st.text("abcdef", min_size=1, max_size=5), min_size=2, max_size=24, unique=True)


@settings(deadline=None, max_examples=20)
@given(names=NAMES, data=st.data())
def test_a_choice_depends_on_names_and_seed_alone(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("gather")
    seed = data.draw(st.integers(0, 3))
    cut = data.draw(st.integers(1, len(names) - 1))
    small = data.draw(st.integers(1, len(names)))
    large = data.draw(st.integers(small, len(names)))
    one, other = write_part(root / "one", names[:cut]), write_part(root / "other", names[cut:])
    # The same images in another order, cut into other shards.
    shuffled = data.draw(st.permutations(names))
    again = write_part(root / "again", *([name] for name in shuffled))

    def chosen(parts: list[Path], count: int, out: str) -> list[str]:
        assert gather(parts, root / out, count=count, seed=seed).used == count
        store = FeatureStore.open(root / out)
        assert store.ids is not None
        assert np.array_equal(store.all_rows(), np.stack([row_of(name) for name in store.ids]))
        assert (root / out / "images.txt").read_text().split() == store.ids
        return store.ids

    first = chosen([one, other], small, "first")
    assert first == [name for name in names if name in first]
    assert set(chosen([other, one], small, "reversed")) == set(first)
    assert set(chosen([again], small, "resharded")) == set(first)
    assert set(first) <= set(chosen([one, other], large, "larger"))
    # Without an image that was not chosen the choice stays as it was.
    rest = [name for name in names if name in first or name == names[0]]
    assert set(chosen([write_part(root / "rest", rest)], small, "of the rest")) == set(first)
    before = content(root / "first")
    chosen([one, other], small, "first")
    assert content(root / "first") == before


def test_another_seed_chooses_other_images(tmp_path: Path) -> None:
    part = write_part(tmp_path / "part", [f"image{number}" for number in range(200)])
    used = []
    for seed in (0, 1):
        gather([part], tmp_path / f"out{seed}", count=50, seed=seed)
        used.append((tmp_path / f"out{seed}" / "images.txt").read_text())
    assert used[0] != used[1]


def test_subsets_are_cut_into_shards(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHARD_ROWS", 3)
    gather(parts, tmp_path / "out", count=4)
    lengths = [len(segment.array) for segment in FeatureStore.open(tmp_path / "out").segments]
    assert lengths == [3, 1]
    assert [sidecar(tmp_path / "out", number)["first"] for number in (0, 1)] == [0, 3]


@pytest.mark.parametrize("asked", [5, 6, 1_000_000])
def test_fewer_than_asked_for_are_all_taken_and_said(parts: list[Path], tmp_path: Path, asked: int) -> None:
    done = gather(parts, tmp_path / "out", count=asked)
    assert (done.used, done.asked) == (5, asked)
    assert FeatureStore.open(tmp_path / "out").ids == ["a", "bb", "ccc", "d", "ee"]


def test_only_listed_images_are_taken(parts: list[Path], tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("# R1M\njpg/0/ccc.jpg\n0/a.jpg\nee.png\n\n9/gone.jpg\n9/bad.jpg\n")
    out = tmp_path / "out"
    done = gather(parts, out, listed=listed)
    store = FeatureStore.open(out)
    assert store.ids == ["a", "ccc", "ee"]
    assert np.array_equal(store.all_rows(), np.stack([row_of(name) for name in store.ids]))
    assert store.skipped == ["bad"]
    assert (out / "missing.txt").read_text() == "9/gone.jpg\n9/bad.jpg\n"
    assert (out / "shard-00001.npy").samefile(parts[0] / "shard-00001.npy")
    assert done.counts == {
        "listed": 5,
        "in_archives": 6,
        "undecodable": 1,
        "not_listed": 2,
        "missing": 2,
        "used": 3,
        "asked": None,
    }
    few = gather(parts, tmp_path / "few", listed=listed, count=2)
    assert (few.used, few.not_listed) == (2, 2)
    assert set(FeatureStore.open(tmp_path / "few").ids or ()) < {"a", "ccc", "ee"}
    # A shard of which the list names nothing stays as an empty one.
    listed.write_text("ccc.jpg\n")
    gather(parts, out, listed=listed)
    assert FeatureStore.open(out).ids == ["ccc"]


def test_an_earlier_run_leaves_nothing_behind(parts: list[Path], tmp_path: Path) -> None:
    out, fresh, listed = tmp_path / "out", tmp_path / "fresh", tmp_path / "list.txt"
    listed.write_text("a.jpg\n")
    gather_step(parts, out, listed=listed)
    (out / ".partial-left").write_bytes(b"half")
    (out / "mine.txt").write_text("kept")
    sources = [content(part) for part in parts]
    gather(parts[:1], out)
    gather(parts[:1], fresh)
    assert content(out) == content(fresh) | {"mine.txt": b"kept"}
    assert [content(part) for part in parts] == sources


@pytest.mark.parametrize("count", [None, 4])
def test_an_interrupted_folder_is_refused(
    parts: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int | None
) -> None:
    monkeypatch.setattr(module, "SHARD_ROWS", 2)
    out = tmp_path / "out"
    gather_step(parts, out, count)
    whole = content(out)

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FeatureStore, "release", stop)
        with pytest.raises(KeyboardInterrupt):
            gather_step(parts, out, count)
    assert not (out / "record.json").exists()
    with pytest.raises(UserError, match="lacks"):
        FeatureStore.open(out)
    gather(parts, out, count=count)
    assert content(out) == {name: data for name, data in whole.items() if name != "record.json"}


def test_plain_arrays_go_by_their_numbers(tmp_path: Path) -> None:
    array = np.arange(60, dtype=np.float16).reshape(20, 3)
    np.save(tmp_path / "plain.npy", array)
    gather([tmp_path / "plain.npy"], tmp_path / "out", count=6)
    used = [int(name) for name in (tmp_path / "out" / "images.txt").read_text().split()]
    store = FeatureStore.open(tmp_path / "out")
    assert np.array_equal(store.all_rows(), array[used])
    assert store.ids is None
    (tmp_path / "list.txt").write_text("3.jpg\n")
    with pytest.raises(UserError, match="has no image names to look for"):
        gather([tmp_path / "plain.npy"], tmp_path / "no", listed=tmp_path / "list.txt")


def test_what_cannot_be_gathered_is_refused_and_the_old_stays(parts: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    gather(parts, out)
    before = content(out)
    twice = write_part(tmp_path / "twice", ["bb", "new", "d"])
    with pytest.raises(UserError, match=r"2 images come twice in .*: bb, d; name every part once"):
        gather([*parts, twice], out)
    with pytest.raises(UserError, match="3 images come twice"):
        gather([parts[0], parts[0]], out)
    other = write_part(tmp_path / "kind", ["new"], descriptor=KIND | {"scales": [2.0]})
    with pytest.raises(UserError, match="made in different ways"):
        gather([*parts, other], out)
    np.save(tmp_path / "plain.npy", np.zeros((2, 3), np.float32))
    with pytest.raises(UserError, match=r"plain\.npy has no image names, but other parts do"):
        gather([*parts, tmp_path / "plain.npy"], out)
    with pytest.raises(UserError, match="it is one of the parts"):
        gather([parts[0]], tmp_path / "elsewhere" / ".." / "one")
    with pytest.raises(UserError, match="the count is 0"):
        gather(parts, out, count=0)
    with pytest.raises(UserError, match="does not exist"):
        gather([tmp_path / "absent"], out)
    listed = tmp_path / "list.txt"
    for text, message in (
        (b"zzz.jpg\n", "names none of the 5 images"),
        (b"# nothing\n", "names no image"),
        (b"\xff\xfe\x00", "is no text file"),
    ):
        listed.write_bytes(text)
        with pytest.raises(UserError, match=message):
            gather(parts, out, listed=listed)
    with pytest.raises(UserError, match="cannot read the list"):
        gather(parts, out, listed=tmp_path / "absent.txt")
    assert content(out) == before
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        gather(parts, tmp_path / "file")


def test_the_record_says_what_was_used(parts: list[Path], tmp_path: Path) -> None:
    done = gather_step(parts, tmp_path / "out", count=3, seed=4)
    record = json.loads((tmp_path / "out" / "record.json").read_text())
    assert (record["step"], record["descriptor"], record["seed"]) == ("gather", KIND, 4)
    assert record["parameters"] == {"parts": [str(part) for part in parts], **done.counts}
    assert record["parameters"]["used"] == 3
