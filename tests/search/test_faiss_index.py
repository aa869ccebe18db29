"""Approximate indexes: near to the exact search, the same each time, in a bounded order of arrivals."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import unit_rows

from superglobal_core.errors import MissingPackageError, UserError
from superglobal_core.evaluation.average_precision import NOT_RETRIEVED
from superglobal_core.features.store import FeatureStore, Segment
from superglobal_core.search import faiss_index
from superglobal_core.search.exact import search
from superglobal_core.search.faiss_index import BuiltIndex, build_index, search_index
from superglobal_core.search.index_file import write_index
from superglobal_core.search.index_kinds import KINDS, parse_index, plan_index
from superglobal_core.search.rebuilt_store import RebuiltStore

ROWS, DIMENSION, QUERIES = 1500, 32, 12
KINDS_SMALL = ["flat-fp16", "flat-sq8", "ivfpq:nlist=16:m=16", "hnsw:M=8:storage=fp16"]


def clustered(seed: int = 0, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Queries and a database of unit vectors around 30 centres."""
    rng = np.random.default_rng(seed)
    centres = unit_rows(rng, 30, DIMENSION)

    def near(count: int) -> np.ndarray:
        found = centres[rng.integers(0, 30, count)] + 0.1 * rng.standard_normal((count, DIMENSION))
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

    return near(QUERIES), near(rows)


def built_of(database: np.ndarray, text: str, seed: int = 0, cuts: tuple[int, ...] = ()) -> BuiltIndex:
    parts = np.split(database, cuts)
    store = FeatureStore([Segment(part, Path(f"{n}.npy")) for n, part in enumerate(parts)], "database")
    return build_index(store, plan_index(parse_index(text), *store.shape), seed)


@pytest.mark.parametrize("text", KINDS_SMALL)
def test_recall_on_easy_data(text: str) -> None:
    queries, database = clustered()
    exact = search(queries, FeatureStore.of_array(database), 10, device="cpu").indices
    built = built_of(database, text)
    found = search_index(built.index, built.plan, queries, 10, effort=16 if "ivf" in text else 200)
    shares = [len(set(one) & set(other)) / 10 for one, other in zip(exact, found.indices, strict=True)]
    assert np.mean(shares) >= (0.6 if "ivfpq" in text else 0.95)
    assert (np.diff(found.scores, axis=1) <= 0).all()
    if text == "flat-fp16":
        assert np.abs(found.scores - np.sort(queries @ database.T)[:, ::-1][:, :10]).max() < 1e-3


@pytest.mark.parametrize("text", KINDS_SMALL)
def test_the_same_command_gives_the_same_bytes_however_the_shards_are_cut(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss_index, "BLOCK", 256)
    _, database = clustered()
    written = [
        write_index(tmp_path / f"{n}.faiss", built_of(database, text, cuts=cuts))
        for n, cuts in enumerate([(), (), (100, 101, 900)])
    ]
    assert len(set(written)) == 1


def test_another_seed_trains_another_index(tmp_path: Path) -> None:
    _, database = clustered()
    one, other = (write_index(tmp_path / "i", built_of(database, "ivfpq:nlist=16", seed)) for seed in (0, 1))
    assert one[0] != other[0]


def test_training_sees_a_bounded_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("superglobal_core.search.index_kinds.SAMPLE_ROWS", 300)
    queries, database = clustered()
    seen = []

    class Spied(FeatureStore):
        def __getitem__(self, rows: np.ndarray) -> np.ndarray:
            seen.append(len(rows))
            return super().__getitem__(rows)

    store = Spied([Segment(database, Path("a.npy"))], "a")
    built = build_index(store, plan_index(parse_index("ivfpq"), *store.shape))
    assert seen == [300]
    assert built.index.ntotal == ROWS
    assert search_index(built.index, built.plan, queries, 5).indices.shape == (QUERIES, 5)


def test_equal_scores_come_by_ascending_row() -> None:
    database = np.repeat(np.eye(4, dtype=np.float32), 5, axis=0)[::-1].copy()
    built = built_of(database, "flat-fp16")
    found = search_index(built.index, built.plan, np.eye(4, dtype=np.float32)[:1], 20).indices[0]
    assert found.tolist() == [*range(15, 20), *range(15)]


def test_lists_that_hold_too_little_leave_places_empty_and_labelled_rows_unretrieved() -> None:
    queries, database = clustered()
    built = built_of(database, "ivfpq:nlist=16:m=16")
    query, row = np.array([0, 0, 0]), np.array([-1, 7, 9])
    found = search_index(built.index, built.plan, queries, ROWS, effort=1, labelled=(query, row))
    assert ((found.indices < 0) == np.isneginf(found.scores)).all()
    assert (found.indices < 0).any(axis=1).all()
    assert ((found.indices[:, :-1] >= 0) | (found.indices[:, 1:] < 0)).all()  # empty places come last
    assert found.labelled_ranks is not None
    places = [np.flatnonzero(found.indices[0] == each) for each in row[1:]]
    assert found.labelled_ranks.tolist() == [-1, *(int(p[0]) if len(p) else NOT_RETRIEVED for p in places)]
    more = search_index(built.index, built.plan, queries, ROWS, effort=99, labelled=(query, row))
    assert (more.indices >= 0).all()
    assert (more.labelled_ranks < ROWS).all()  # type: ignore[operator]


@pytest.mark.parametrize("text", KINDS_SMALL)
def test_rebuilt_rows_are_near_the_stored_ones(text: str) -> None:
    _, database = clustered()
    store, built = FeatureStore.of_array(database), built_of(database, text)
    rebuilt = RebuiltStore(store, built.index, built.unit_length)
    rows = np.array([[3, 3], [0, ROWS - 1]])
    assert rebuilt[rows].shape == (2, 2, DIMENSION)
    assert np.allclose(np.linalg.norm(rebuilt[rows], axis=2), 1, atol=1e-5)
    cosines = rebuilt.cosines(store)
    assert cosines.shape == (256,)
    assert cosines.min() > (0.8 if "ivfpq" in text else 0.999)
    with pytest.raises(UserError, match="the index holds 1500 rows of 32 dimensions, the database 10"):
        RebuiltStore(FeatureStore.of_array(database[:10]), built.index, True)


def test_rebuilt_rows_of_vectors_that_are_not_of_unit_length_are_not_made_so() -> None:
    _, database = clustered()
    built = built_of(3 * database, "flat-fp16")
    assert not built.unit_length
    rebuilt = RebuiltStore(FeatureStore.of_array(3 * database), built.index, built.unit_length)
    assert np.allclose(rebuilt[np.arange(5)], 3 * database[:5], atol=5e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_of_one_row(kind: str) -> None:
    row = np.eye(1, 8, dtype=np.float32)
    if kind == "ivfpq":  # a code has two values at least, each trained on a row of its own
        with pytest.raises(UserError, match="rows to train on"):
            built_of(row, kind)
        return
    built = built_of(row, kind)
    assert search_index(built.index, built.plan, row, 5).indices.tolist() == [[0]]


def test_values_that_are_not_finite_are_refused() -> None:
    queries, database = clustered()
    broken = database.copy()
    broken[700, 3] = np.nan
    with pytest.raises(UserError, match="NaN or infinite"):
        built_of(broken, "flat-fp16")
    built = built_of(database, "flat-fp16")
    queries[0, 0] = np.inf
    with pytest.raises(UserError, match="the queries hold NaN"):
        search_index(built.index, built.plan, queries, 5)
    with pytest.raises(UserError, match="16 dimensions and the index 32"):
        search_index(built.index, built.plan, queries[:, :16], 5)


@pytest.mark.parametrize("text", ["flat-fp16", "hnsw:storage=fp16"])
def test_values_beyond_half_precision_are_refused_where_it_stores_them(text: str) -> None:
    rows = np.eye(64, 16, dtype=np.float32) * 65504
    built = built_of(rows, text)
    assert search_index(built.index, built.plan, rows[:1] / 65504, 1).scores.tolist() == [[65504.0]]
    rows[7, 7] = -70000
    with pytest.raises(UserError, match=r"up to 7e\+04, beyond half precision"):
        built_of(rows, text)
    built_of(rows, "flat-sq8")


def test_any_effort_searches() -> None:
    queries, database = clustered()
    for text in ("hnsw", "ivfpq:nlist=8"):
        built = built_of(database, text)
        most = search_index(built.index, built.plan, queries, 5, effort=len(database))
        for effort in (2**31, 10**11):
            found = search_index(built.index, built.plan, queries, 5, effort=effort)
            assert np.array_equal(found.indices, most.indices)


def test_without_faiss_the_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(
        MissingPackageError, match=r'needs the package faiss: pip install "superglobal\[faiss\]"'
    ):
        built_of(clustered()[1], "flat-fp16")
