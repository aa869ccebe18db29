"""Scores have the same bits whatever the rows' place, the shards and the threads; a GPU's way is walked on a CPU."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import unit_rows
from hypothesis import example, given, settings
from hypothesis import strategies as st

from superglobal_core.devices import full_float32
from superglobal_core.errors import UserError
from superglobal_core.features.store import FeatureStore, Segment
from superglobal_core.search import scoring
from superglobal_core.search.exact import SearchResult, search, search_scored
from superglobal_core.search.halves import HalfParts
from superglobal_core.search.scoring import DeviceScorer, chunks, scorer_for
from superglobal_core.search.streaming import Resident, Streamer

CPU = torch.device("cpu")


def store_of(parts: list[np.ndarray]) -> FeatureStore:
    return FeatureStore([Segment(part, Path(f"{number}")) for number, part in enumerate(parts)], "parts")


@settings(deadline=None, max_examples=25)
@given(
    rows=st.integers(2, 2600),
    cuts=st.lists(st.integers(1, 2599), max_size=6),
    queries=st.sampled_from([1, 3, 7, 70]),
    dimension=st.sampled_from([1, 3, 64, 100, 257]),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
    seed=st.integers(0, 2**32 - 1),
)
@example(rows=1800, cuts=[511, 1200], queries=70, dimension=2048, dtype=np.float16, seed=0)
@example(rows=1800, cuts=[1], queries=17, dimension=2049, dtype=np.float32, seed=0)
@example(rows=1800, cuts=[700, 1111], queries=17, dimension=2048, dtype=np.float64, seed=0)
def test_the_order_of_shards_changes_no_score(
    rows: int, cuts: list[int], queries: int, dimension: int, dtype: type, seed: int
) -> None:
    """Every image keeps its score to the last bit, and its rank but for images of equal score."""
    rng = np.random.default_rng(seed)
    database, wanted = unit_rows(rng, rows, dimension, dtype), unit_rows(rng, queries, dimension)
    database[rng.integers(0, rows, rows // 4)] = database[0]  # ties
    edges = sorted({0, rows, *(cut for cut in cuts if cut < rows)})
    shards = [np.arange(start, stop) for start, stop in pairwise(edges)]
    moved = np.concatenate([shards[number] for number in rng.permutation(len(shards))])
    query, image = np.repeat(np.arange(queries), 20), rng.integers(0, rows, 20 * queries)
    place = np.argsort(moved)

    before = search(wanted, store_of([database[mine] for mine in shards]), rows, device="cpu")
    after = search(wanted, store_of([database[moved]]), rows, labelled=(query, place[image]), device="cpu")
    scores = np.empty_like(before.scores)
    np.put_along_axis(scores, before.indices, before.scores, axis=1)
    again = np.empty_like(scores)
    np.put_along_axis(again, moved[after.indices], after.scores, axis=1)
    assert scores.tobytes() == again.tobytes()
    own = scores[query, image][:, None]
    least = (scores[query] > own).sum(axis=1)
    ties = (scores[query] == own) & (place[None] < place[image][:, None])
    assert np.array_equal(after.labelled_ranks, least + ties.sum(axis=1))


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_the_number_of_threads_changes_no_bit_and_is_left_as_it_was(dtype: type) -> None:
    rng = np.random.default_rng(0)
    database, queries = unit_rows(rng, 12_000, 200, dtype), unit_rows(rng, 9, 200)
    found, threads = [], torch.get_num_threads()
    try:
        for number in (1, 2, 5):
            torch.set_num_threads(number)
            found.append(search(queries, store_of([database]), 50, device="cpu"))
            seen: list[int] = []
            other = threading.Thread(target=lambda taken=seen: taken.append(torch.get_num_threads()))
            other.start()
            other.join()
            assert [torch.get_num_threads(), *seen] == [number, number]
    finally:
        torch.set_num_threads(threads)
    for one in found[1:]:
        assert np.array_equal(one.indices, found[0].indices)
        assert one.scores.tobytes() == found[0].scores.tobytes()


@settings(deadline=None, max_examples=12)
@given(
    queries=st.sampled_from([1, 3, 7, 70]),
    dimension=st.sampled_from([3, 64, 257, 2048]),
    dtype=st.sampled_from([np.float16, np.float32, np.float64, np.int8]),
    seed=st.integers(0, 2**32 - 1),
)
def test_scattered_rows_are_gathered_and_score_as_in_their_places(
    queries: int, dimension: int, dtype: type, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    database, wanted = unit_rows(rng, 4000, dimension), unit_rows(rng, queries, dimension)
    database = (database * 100 if dtype == np.int8 else database).astype(dtype)
    query, row = rng.integers(0, queries, 900), rng.choice(4000, 700)[rng.integers(0, 700, 900)]
    seen: list[int] = []

    class Watched(FeatureStore):
        def read_into(self, buffer: torch.Tensor, start: int) -> int:
            seen.append(start)
            return super().read_into(buffer, start)

    store = Watched([Segment(part, Path("part")) for part in np.split(database, [1234, 2000])], "watched")
    with scorer_for(wanted, store, "cpu") as scorer:
        found = scorer.pairs(query, row)
        assert not seen  # nothing lying between them was read
        [(_, scores)] = scorer.slabs()
        assert found.tobytes() == scores.numpy()[query, row].tobytes()


@pytest.mark.parametrize("slab", [1, 8_000_000])
def test_ranks_are_right_even_if_gathered_rows_score_otherwise(
    slab: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    database, queries = unit_rows(rng, 2000, 16), unit_rows(rng, 4, 16)
    labelled = np.repeat(np.arange(4), 50), rng.integers(-1, 2000, 200)
    expected = search(queries, store_of([database]), 20, labelled=labelled, device="cpu")
    places = np.argsort(search(queries, store_of([database]), 2000, device="cpu").indices, axis=1)
    right = np.where(labelled[1] < 0, -1, places[labelled])
    assert np.array_equal(expected.labelled_ranks, right)
    pairs = scoring.Scorer.pairs
    monkeypatch.setattr(scoring, "SLAB_SCORES", slab)
    monkeypatch.setattr(scoring.Scorer, "pairs", lambda *given: pairs(*given) + np.float32(0.01))
    found = search(queries, store_of([database]), 20, labelled=labelled, device="cpu")
    assert np.array_equal(found.labelled_ranks, right)
    assert np.array_equal(found.indices, expected.indices)


@given(first=st.integers(0, 50), blocks=st.integers(0, 300), threads=st.integers(1, 20))
def test_chunks_are_all_blocks_and_end_together(first: int, blocks: int, threads: int) -> None:
    found = chunks(first, first + blocks, threads)
    assert [number for chunk in found for number in range(*chunk)] == list(range(first, first + blocks))
    done = [0] * threads
    for start, stop in found:  # whoever has done least takes the next
        done[done.index(min(done))] += stop - start
    assert max(done) - min(done) <= 1


def on_a_device(
    queries: np.ndarray,
    database: FeatureStore,
    k: int,
    labelled: tuple[np.ndarray, np.ndarray],
    resident: bool = False,
) -> SearchResult:
    """The search as a GPU does it, on a CPU."""
    source = Resident(Streamer(database, scoring.DEVICE_BLOCK, CPU)) if resident else None
    return search_scored(DeviceScorer(queries, database, CPU, source), k, labelled)


@settings(deadline=None, max_examples=40)
@given(
    rows=st.integers(1, 300),
    cut=st.integers(1, 299),
    block=st.sampled_from([1, 7, 64, 1000]),
    slab=st.sampled_from([1, 300, 8_000_000]),
    k=st.integers(1, 40),
    dtype=st.sampled_from([np.float16, np.float32, np.float64, np.int8]),
    resident=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_blocks_streamed_to_a_device_give_the_same(
    rows: int, cut: int, block: int, slab: int, k: int, dtype: type, resident: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    database = rng.integers(-3, 4, (rows, 8)).astype(dtype)
    queries = rng.integers(-3, 4, (3, 8)).astype(np.float32)
    store = store_of([part for part in (database[:cut], database[cut:]) if len(part)])
    labelled = rng.integers(0, 3, 20), rng.integers(-1, rows, 20)
    expected = search(queries, store, k, labelled=labelled, device="cpu")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "DEVICE_BLOCK", block)
        patch.setattr(scoring, "DEVICE_SLAB_SCORES", slab)
        found = on_a_device(queries, store, k, labelled, resident)
    assert np.array_equal(found.indices, expected.indices)
    assert np.array_equal(found.scores, expected.scores)
    assert np.array_equal(found.labelled_ranks, expected.labelled_ranks)


def test_a_device_names_a_row_that_is_no_number() -> None:
    database = unit_rows(np.random.default_rng(0), 50, 8, np.float16)
    database[33, 2], zero = np.nan, np.zeros(1, np.int64)
    with pytest.raises(UserError, match="row 33 of parts gives a score that is no finite number"):
        on_a_device(unit_rows(np.random.default_rng(1), 2, 8), store_of([database]), 3, (zero, zero))


@settings(deadline=None, max_examples=100)
@given(exponent=st.integers(-60, 60), spread=st.integers(0, 12), seed=st.integers(0, 2**32 - 1))
def test_parts_in_half_precision_lose_nothing(exponent: int, spread: int, seed: int) -> None:
    """Queries of any size, elements of very different ones: the product is as good as float32's own."""
    rng = np.random.default_rng(seed)
    queries = torch.from_numpy(rng.standard_normal((4, 50)) * 2.0 ** rng.integers(-spread, 1, (4, 50)))
    queries = (queries * 2.0**exponent).float()
    rows = torch.from_numpy(unit_rows(rng, 30, 50, np.float16))
    exact_product = queries.double() @ rows.double().T
    size = queries.double().abs() @ rows.double().abs().T
    wrong = (HalfParts(queries).times(rows).double() - exact_product).abs() / size
    assert wrong.max() < 50 * torch.finfo(torch.float32).eps / 2
    alone = HalfParts(queries).times(torch.eye(50, dtype=torch.float16)) - queries
    assert (alone.abs() <= 2**-38 * queries.abs().amax(dim=1, keepdim=True)).all()


def test_zero_queries_have_zero_scores() -> None:
    rows = torch.ones(3, 4, dtype=torch.float16)
    assert torch.equal(HalfParts(torch.zeros(2, 4)).times(rows), torch.zeros(2, 3))


def test_tf32_is_off_within_a_product_and_as_it_was_afterwards() -> None:
    matmul = torch.backends.cuda.matmul
    before = matmul.allow_tf32
    try:
        for allowed in (True, False):
            matmul.allow_tf32 = allowed
            with full_float32():
                assert not matmul.allow_tf32
            assert matmul.allow_tf32 == allowed
    finally:
        matmul.allow_tf32 = before


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8])
def test_a_gpu_streams_many_blocks(dtype: type) -> None:
    rng = np.random.default_rng(4)
    database = rng.integers(-2, 3, (3 * scoring.DEVICE_BLOCK + 5, 64)).astype(dtype)
    queries = rng.integers(-2, 3, (9, 64)).astype(np.float32)
    labelled = np.repeat(np.arange(9), 50), rng.integers(0, len(database), 450)
    one, other = (
        search(queries, store_of([database[:100], database[100:]]), 200, labelled=labelled, device=device)
        for device in ("cpu", "cuda")
    )
    assert np.array_equal(one.indices, other.indices)
    assert np.array_equal(one.scores, other.scores)
    assert np.array_equal(one.labelled_ranks, other.labelled_ranks)


@pytest.mark.gpu
def test_a_gpu_is_as_exact_as_float32() -> None:
    rng = np.random.default_rng(5)
    database, queries = unit_rows(rng, 5000, 2048, np.float16), unit_rows(rng, 70, 2048)
    exact_scores = queries.astype(np.float64) @ database.astype(np.float64).T
    with scorer_for(queries, store_of([database]), "cuda") as scorer:
        [(_, scores)] = list(scorer.slabs())
    assert np.abs(scores.cpu().numpy() - exact_scores).max() < 1e-6
