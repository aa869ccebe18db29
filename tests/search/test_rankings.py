"""Rankings as files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.errors import UserError
from superglobal_core.evaluation.ranks import LabelledRanks
from superglobal_core.search.rankings import NAMED_PLACES, Ranking


def example() -> Ranking:
    return Ranking(
        np.array([[2, 0, 1], [1, 2, 0]]),
        np.array([[0.9, 0.5, 0.1], [0.8, 0.8, 0.2]], np.float32),
        {"database": 3, "descriptor": {"scales": [1.0]}},
        query_ids=["é", "q 2"],
        database_ids=["a", "b", "c"],
        labelled=LabelledRanks(np.array([0]), np.array([1]), np.array([2])),
        rows=np.array([1]),
    )


def test_round_trip_and_equal_bytes(tmp_path: Path) -> None:
    ranking = example().named(["a", "b", "c"])
    ranking.save(tmp_path / "one.npz")
    ranking.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    found = Ranking.load(tmp_path / "one.npz")
    assert np.array_equal(found.indices, ranking.indices)
    assert np.array_equal(found.scores, ranking.scores)
    assert found.about == ranking.about
    assert (found.query_ids, found.database_ids) == (["é", "q 2"], ["a", "b", "c"])
    assert found.names is not None
    assert found.names.tolist() == [["c", "a", "b"], ["b", "c", "a"]]
    assert found.labelled is not None
    assert found.labelled.rank.tolist() == [2]
    assert found.rows is not None
    assert found.rows.tolist() == [1]


def test_names_of_the_first_places_only() -> None:
    many = Ranking(np.arange(100)[None], np.zeros((1, 100)), {})
    names = many.named([f"image_{row}" for row in range(100)]).names
    assert names is not None
    assert names.shape == (1, NAMED_PLACES)
    assert names[0, 3] == "image_3"
    assert many.named(None).names is None


def test_any_npz_with_indices_will_do(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", indices=np.array([[1, 0]]))
    found = Ranking.load(tmp_path / "a.npz")
    assert found.indices.tolist() == [[1, 0]]
    assert (found.about, found.query_ids, found.labelled) == ({}, None, None)


def test_wrong_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", ranks=np.zeros(3))
    np.savez(tmp_path / "pickled.npz", indices=np.array([[{}]], dtype=object))
    np.savez(tmp_path / "about.npz", indices=np.array([[0]]), about=np.array("{"))
    np.save(tmp_path / "array.npy", np.zeros((2, 2)))
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "empty.npz").write_bytes(b"")
    for name, message in {
        "absent.npz": "cannot read",
        "other.npz": r"no array 'indices' \(it has ranks\)",
        "pickled.npz": "not a whole .npz file of numbers",
        "about.npz": "'about' is no JSON",
        "array.npy": "is a single array",
        "text.npz": "not a whole .npz file of numbers",
        "empty.npz": "not a whole .npz file of numbers",
        ".": "cannot read",
    }.items():
        with pytest.raises(UserError, match=message):
            Ranking.load(tmp_path / name)


@settings(deadline=None, max_examples=200)
@given(
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(1, 255)), max_size=2),
    compressed=st.booleans(),
)
def test_a_damaged_file_is_the_users_error(
    tmp_path_factory: pytest.TempPathFactory, cut: float, flips: list[tuple[float, int]], compressed: bool
) -> None:
    memory = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(memory, indices=np.arange(300).reshape(3, 100))
    data = bytearray(memory.getvalue())
    for where, change in flips:
        data[int(where * len(data))] ^= change
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(bytes(data) if flips else bytes(data[: int(cut * len(data))]))
    try:
        found = Ranking.load(path)
    except UserError:
        return
    # Neither a checksum nor a size covers every byte of a zip's directory.
    assert np.array_equal(found.indices, np.arange(300).reshape(3, 100)) or flips
    assert zipfile.is_zipfile(path)
