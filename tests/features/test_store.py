"""Descriptors on disk as one matrix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.errors import UserError
from superglobal_core.features.shards import write_shard
from superglobal_core.features.store import FeatureStore, open_queries_and_database

KIND = {"backbone": "mini", "scales": [1.0]}


def write_folder(folder: Path, arrays: list[np.ndarray], **about: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    first = 0
    for number, array in enumerate(arrays):
        ids = [f"{folder.name}-{first + row}" for row in range(len(array))]
        facts = {"shards": len(arrays), "descriptor": KIND, "skipped": []} | about
        write_shard(folder / f"shard-{number:05d}", ids, array, facts)
        first += len(array)
    return folder


def rows(count: int, dimension: int = 4, dtype: type = np.float32) -> np.ndarray:
    return np.arange(count * dimension).reshape(count, dimension).astype(dtype)


@settings(deadline=None, max_examples=60)
@given(
    lengths=st.lists(st.integers(0, 6), min_size=1, max_size=5),
    data=st.data(),
    dtypes=st.lists(st.sampled_from([np.float16, np.float32]), min_size=5, max_size=5),
)
def test_gathers_as_one_array(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], data: st.DataObject, dtypes: list[type]
) -> None:
    if not sum(lengths):
        lengths[0] = 1
    folder = tmp_path_factory.mktemp("store")
    whole = np.random.default_rng(0).standard_normal((sum(lengths), 3)).astype(np.float16)
    pieces = np.split(whole, np.cumsum(lengths)[:-1])
    write_folder(folder, [piece.astype(dtype) for piece, dtype in zip(pieces, dtypes, strict=False)])
    store = FeatureStore.open(folder)
    assert store.shape == whole.shape
    wanted = np.array(data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=12)), np.int64)
    assert np.array_equal(store[wanted], whole[wanted])
    assert np.array_equal(store.all_rows(), whole)
    pairs = np.stack([wanted, wanted[::-1]])
    assert np.array_equal(store[pairs], whole[pairs])
    start = data.draw(st.integers(0, len(whole) - 1))
    buffer = torch.full((data.draw(st.integers(1, 9)), 3), -1.0)
    filled = store.read_into(buffer, start)
    assert filled == min(len(buffer), len(whole) - start)
    assert np.array_equal(buffer[:filled], whole[start : start + filled])
    assert (buffer[filled:] == -1).all()


def test_rows_outside_are_refused() -> None:
    store = FeatureStore.of_array(rows(3))
    for row in (-1, 3):
        with pytest.raises(IndexError, match="row outside 0 to 2"):
            store[np.array([row])]


def test_files_stay_on_disk(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", rows(5))
    store = FeatureStore.open(tmp_path / "a.npy", write_folder(tmp_path / "b", [rows(2), rows(3)]))
    assert all(isinstance(segment.array, np.memmap) for segment in store.segments)
    assert store.shape == (10, 4)


def test_ids_and_skipped_images(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one", [rows(2), rows(1)], skipped=[{"id": "bad", "reason": "is empty"}])
    other = write_folder(tmp_path / "other", [rows(1)])
    store = FeatureStore.open(one, other)
    assert store.ids == ["one-0", "one-1", "one-2", "other-0"]
    assert store.skipped == ["bad", "bad"]
    assert store.descriptor == KIND
    np.save(tmp_path / "bare.npy", rows(1))
    # Rows of a part without names have none, and the others keep theirs.
    assert FeatureStore.open(one, tmp_path / "bare.npy").ids == ["one-0", "one-1", "one-2", ""]
    assert FeatureStore.open(tmp_path / "bare.npy").ids is None
    assert FeatureStore.of_array(rows(2)).descriptor is None


def test_empty_shards_are_passed_over(tmp_path: Path) -> None:
    store = FeatureStore.open(write_folder(tmp_path / "a", [rows(0), rows(2), rows(0)]))
    assert store.shape == (2, 4)
    assert store.ids == ["a-0", "a-1"]
    with pytest.raises(UserError, match="without a single descriptor"):
        FeatureStore.open(write_folder(tmp_path / "b", [rows(0), rows(0)]))


def test_a_mixture_of_descriptors_is_refused(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one", [rows(2)])
    other = write_folder(tmp_path / "other", [rows(2)], descriptor=KIND | {"scales": [1.0, 2.0]})
    for open_both in (
        lambda: FeatureStore.open(one, other),
        lambda: open_queries_and_database(one, [other]),
    ):
        with pytest.raises(UserError, match=r"made in different ways \(scales: \[1.0\] and \[1.0, 2.0\]\)"):
            open_both()
    np.save(tmp_path / "wide.npy", rows(2, 5))
    with pytest.raises(UserError, match=r"wide.npy has 5 dimensions, but .*one.* has 4"):
        FeatureStore.open(one, tmp_path / "wide.npy")


def test_unfinished_and_overfull_folders(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "a", [rows(2)] * 3)
    (folder / "shard-00001.npy").unlink()
    with pytest.raises(
        UserError, match=r"lacks 1 of 3 shards \(shard-00001\): run the same extraction again"
    ):
        FeatureStore.open(folder)
    folder = write_folder(tmp_path / "b", [rows(2)] * 3)
    (folder / "shard-00002.npy").unlink()  # the last one: its number is only in the others' sidecars
    with pytest.raises(UserError, match=r"lacks 1 of 3 shards \(shard-00002\)"):
        FeatureStore.open(folder)
    folder = write_folder(tmp_path / "c", [rows(2)] * 2)
    np.save(folder / "shard-00002.npy", rows(2))
    with pytest.raises(UserError, match=r"shard-00002\.npy lacks the sidecar that others have"):
        FeatureStore.open(folder)
    (folder / "shard-00002.json").write_text((folder / "shard-00001.json").read_text())
    with pytest.raises(UserError, match="holds 3 shards where 2 belong"):
        FeatureStore.open(folder)


def test_shards_of_another_program_have_no_sidecar(tmp_path: Path) -> None:
    for number in (0, 1):
        np.save(tmp_path / f"shard-{number:05d}.npy", rows(2))
    assert FeatureStore.open(tmp_path).shape == (4, 4)
    (tmp_path / "shard-00000.npy").unlink()
    with pytest.raises(UserError, match="lacks 1 of 2 shards"):
        FeatureStore.open(tmp_path)


def test_damaged_shards(tmp_path: Path) -> None:
    array, sidecar = tmp_path / "a" / "shard-00000.npy", tmp_path / "a" / "shard-00000.json"

    def fails(message: str) -> None:
        with pytest.raises(UserError, match=message) as caught:
            FeatureStore.open(tmp_path / "a")
        assert "shard-00000" in str(caught.value)
        write_folder(tmp_path / "a", [rows(9)])

    write_folder(tmp_path / "a", [rows(9)])
    for part in (0, 5, 60, -1):
        array.write_bytes(array.read_bytes()[:part])
        fails("not a whole .npy file")
    np.save(array, rows(8))
    fails("disagree in length or dtype")
    np.save(array, rows(9, dtype=np.float64))
    fails("disagree in length or dtype")
    for text, message in {
        "{": "not valid JSON",
        "[]": "not a shard's sidecar",
        '{"ids": []}': "not a shard's sidecar",
        json.dumps({"ids": 9, "descriptor": {}}): "not a shard's sidecar",
    }.items():
        sidecar.write_text(text)
        fails(message)


def test_foreign_byte_order_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "big_endian.npy", rows(5).astype(">f4"))
    store = FeatureStore.open(tmp_path / "big_endian.npy")
    buffer = torch.zeros(5, 4)
    assert store.read_into(buffer, 0) == 5
    assert np.array_equal(buffer.numpy(), rows(5))
    assert np.array_equal(store[np.array([3, 1])], rows(5)[[3, 1]])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shards", "x"),
        ("shards", 10**12),
        ("descriptor", "text"),
        ("skipped", ["a2"]),
        ("ids", [{}, {}]),
        ("ids", [1, 2]),
        ("ids", "ab"),
        ("ids", ["a", None]),
    ],
)
def test_a_nonsensical_sidecar_is_named(tmp_path: Path, key: str, value: object) -> None:
    folder = write_folder(tmp_path / "one", [rows(2)])
    sidecar = folder / "shard-00000.json"
    sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), key: value}))
    with pytest.raises(UserError, match=f"is not a shard's sidecar .'{key}"):
        FeatureStore.open(folder)


def test_wrong_paths_and_arrays(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("hello")
    np.savez(tmp_path / "archive.npz", rows(2))
    (tmp_path / "disguised.npy").write_bytes((tmp_path / "archive.npz").read_bytes())
    np.save(tmp_path / "objects.npy", np.array([[{}]], dtype=object))
    np.save(tmp_path / "flat.npy", np.zeros(4))
    np.save(tmp_path / "scalar.npy", np.float32(4))
    np.save(tmp_path / "none.npy", rows(0))
    np.save(tmp_path / "thin.npy", np.zeros((3, 0)))
    np.save(tmp_path / "complex.npy", np.zeros((3, 2), complex))
    np.save(tmp_path / "words.npy", np.array([["a", "b"]]))
    for name, message in {
        "absent": "does not exist",
        "absent.npy": "does not exist",
        "empty": "holds no shards",
        "text.txt": "neither a .npy file nor a folder of shards",
        "archive.npz": "neither a .npy file nor a folder of shards",
        "disguised.npy": "an .npz archive where one .npy array is wanted",
        "objects.npy": "not a whole .npy file of numbers",
        "flat.npy": "has the shape 4: descriptors are rows x dimensions",
        "scalar.npy": "has the shape a single number",
        "none.npy": "has the shape 0 x 4",
        "thin.npy": "has the shape 3 x 0",
        "complex.npy": "holds complex128 values",
        "words.npy": "holds <U1 values",
    }.items():
        with pytest.raises(UserError, match=message) as caught:
            FeatureStore.open(tmp_path / name)
        assert name in str(caught.value)
    with pytest.raises(UserError, match="no descriptors were named"):
        FeatureStore.open()


def test_a_shard_never_lies_without_its_sidecar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever write is the last before the end of a process, an array there is has its own sidecar."""
    import superglobal_core.features.shards as shards

    write_folder(tmp_path, [rows(2)])
    for lost in ("write_json", "write_npy"):
        with monkeypatch.context() as patch:

            def stop(*_: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(shards, lost, stop)
            with pytest.raises(KeyboardInterrupt):
                write_folder(tmp_path, [rows(3)])
        array = tmp_path / "shard-00000.npy"
        assert not array.exists()
        write_folder(tmp_path, [rows(2)])
