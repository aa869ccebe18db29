"""What programs are given and leave, and results brought along: the same ranking as from within, or a reason."""

from __future__ import annotations

import dataclasses
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from helpers import groundtruth_content, unit_rows

from superglobal_core.errors import UserError
from superglobal_core.evaluation.average_precision import NOT_RETRIEVED
from superglobal_core.features.shards import write_shard
from superglobal_core.reasons import reason_in
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.adopt import Adopted, adopt_step
from superglobal_core.steps.evaluate import evaluate_step
from superglobal_core.steps.hand_over import hand_over_step
from superglobal_core.steps.rerank import rerank_step
from superglobal_core.steps.search import search_step

IMAGES, DISTRACTORS, QUERIES, DIMENSION, SHORTLIST = 30, 6, 3, 8, 12


@dataclasses.dataclass(frozen=True)
class Files:
    folder: Path
    queries: np.ndarray
    database: np.ndarray

    @property
    def given(self) -> tuple[Path, list[Path]]:
        return self.folder / "queries", [self.folder / "database"]

    @property
    def search(self) -> Path:
        return self.folder / "topk.npz"

    @property
    def truth(self) -> Path:
        return self.folder / "gnd_small.pkl"

    def adopt(self, order: np.ndarray, say_why: bool = False, **facts: object) -> Ranking | str:
        path = self.folder / "order.npy"
        np.save(path, order)
        return adopt_step(
            Adopted(path, "mine", shortlist=SHORTLIST, **facts),  # type: ignore[arg-type]
            *self.given,
            self.folder / "adopted.npz",
            search=self.search,
            groundtruth=self.truth,
            say_why=say_why,
        )


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Shards whose rows are in another order than the ground truth's, with distractors among them."""
    rng = np.random.default_rng(0)
    queries, database = (
        unit_rows(rng, QUERIES, DIMENSION),
        unit_rows(rng, IMAGES + DISTRACTORS, DIMENSION),
    )
    labels = []
    for _ in range(QUERIES):
        easy, hard, junk = np.split(rng.permutation(IMAGES)[:12], (4, 8))
        labels.append((easy.tolist(), hard.tolist(), junk.tolist()))
    content = groundtruth_content(IMAGES, labels)
    names = [*content["imlist"], *(f"other_{number}" for number in range(DISTRACTORS))]  # type: ignore[misc]
    shuffled = rng.permutation(len(names))
    about = {"shard": 0, "shards": 1, "descriptor": {"backbone": "toy"}}
    for split, ids, rows in (
        ("queries", content["qimlist"], queries),
        ("database", [names[row] for row in shuffled], database),
    ):
        (tmp_path / split).mkdir()
        write_shard(tmp_path / split / "shard-00000", ids, rows, about)  # type: ignore[arg-type]
    (tmp_path / "gnd_small.pkl").write_bytes(pickle.dumps(content))
    search_step(
        tmp_path / "queries", [tmp_path / "database"], 20, tmp_path / "topk.npz", tmp_path / "gnd_small.pkl"
    )
    return Files(tmp_path, queries, database)


def test_an_order_made_from_what_is_handed_over_is_the_reranking(files: Files) -> None:
    given = files.folder / "given"
    hand_over_step(*files.given, given, search=files.search, groundtruth=files.truth, shortlist=SHORTLIST)
    queries, shortlist = np.load(given / "queries.npy"), np.load(given / "shortlist.npy")
    candidates = np.load(given / "candidates.npy", mmap_mode="r")
    assert shortlist.shape == (QUERIES, SHORTLIST)
    assert np.array_equal(candidates, files.database[shortlist])
    np.testing.assert_allclose(
        np.load(given / "similarities.npy"), np.einsum("qd,qmd->qm", queries, candidates), atol=1e-6
    )
    assert (given / "query_names.txt").read_text().split() == [f"query_{row}" for row in range(QUERIES)]
    names = [line.split("\t") for line in (given / "candidate_names.tsv").read_text().splitlines()]
    assert np.array(names).shape == shortlist.shape
    reranker = SuperGlobalReranker(SHORTLIST, neighbours=3)
    order, _ = reranker(queries, files.database, shortlist)
    adopted = files.adopt(order, parameters={"neighbours": 3})
    expected = rerank_step(
        *files.given,
        reranker,
        files.folder / "reranked.npz",
        search=files.search,
        groundtruth=files.truth,
        device="cpu",
    )
    assert isinstance(adopted, Ranking)
    assert np.array_equal(adopted.indices, expected.indices)
    assert np.array_equal(adopted.names, expected.names)  # type: ignore[arg-type]
    assert np.array_equal(adopted.labelled.rank, expected.labelled.rank)  # type: ignore[union-attr]
    assert adopted.about["method"] == "mine"
    assert adopted.about["parameters"] == {"shortlist": SHORTLIST, "neighbours": 3}


def test_the_whole_database_is_handed_to_a_search_and_its_ranking_stands_alone(files: Files) -> None:
    given = files.folder / "given"
    hand_over_step(*files.given, given, search=files.search, groundtruth=files.truth, stage="search")
    database = np.load(given / "database.npy", mmap_mode="r")
    assert np.array_equal(database, files.database)
    similarities = np.load(given / "queries.npy") @ database.T
    order = np.argsort(-similarities, axis=1, kind="stable")
    exact = Ranking.load(files.search).labelled
    whole = files.adopt(order, stage="search")
    assert isinstance(whole, Ranking)
    assert np.array_equal(whole.labelled.rank, exact.rank)  # type: ignore[union-attr]
    few = files.adopt(order[:, :10], stage="search")
    assert isinstance(few, Ranking)
    expected = np.where(exact.rank < 10, exact.rank, NOT_RETRIEVED)  # type: ignore[union-attr]
    assert np.array_equal(few.labelled.rank, expected)  # type: ignore[union-attr]


def test_a_ranking_brought_along_counts_in_the_ground_truth_s_list(files: Files) -> None:
    given = files.folder / "given"
    hand_over_step(*files.given, given, search=files.search, groundtruth=files.truth, stage="search")
    names = (given / "database_names.txt").read_text().split()
    order = np.argsort(-(files.queries @ files.database.T), axis=1, kind="stable")
    # Somebody else's numbers: images in the ground truth's order, distractors behind them in theirs.
    listed = [f"image_{number}" for number in range(IMAGES)]
    listed += [name for name in names if name.startswith("other")]
    theirs = np.vectorize(lambda row: listed.index(names[row]))(order)
    brought = files.adopt(theirs, stage="search", brought=True)
    assert isinstance(brought, Ranking)
    assert np.array_equal(brought.indices, order)
    assert set(brought.about["descriptor"]) == {"ranking_sha256"}


def _twice(order: np.ndarray) -> np.ndarray:
    changed = order.copy()
    changed[1, 0] = changed[1, 1]
    return changed


def _gap(order: np.ndarray) -> np.ndarray:
    changed = order.copy()
    changed[2, 1] = -1
    return changed


WRONG = [
    ("reranker", lambda order: order[:, :5], "its order has the shape (3, 5)"),
    ("reranker", lambda order: order[:2], "order.npy has 2 rows for 3 queries"),
    ("reranker", lambda order: order.astype(np.float32), "integers are needed"),
    ("reranker", lambda order: order + 1000, "the database has 36 images, counted from 0"),
    ("reranker", _twice, "its order of query 1 is none of the shortlist"),
    ("search", _gap, "order.npy has -1 between the images of query 2"),
    ("search", lambda order: order[:, :0], "order.npy holds no places"),
    ("search", lambda order: order.astype(np.uint64) + np.uint64(2**63), "the database has 36 images"),
    ("search", _twice, "its ranking of query 1 holds an image twice"),
]


@pytest.mark.parametrize(("stage", "spoil", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_what_is_no_ranking_is_refused_and_said_in_its_place(
    files: Files, stage: str, spoil: object, message: str
) -> None:
    order = spoil(Ranking.load(files.search).indices[:, :SHORTLIST])  # type: ignore[operator]
    with pytest.raises(UserError) as caught:
        files.adopt(order, stage=stage)
    assert message in str(caught.value)
    assert not (files.folder / "adopted.npz").exists()
    assert message in str(files.adopt(order, say_why=True, stage=stage))
    assert message in str(reason_in(files.folder / "adopted.npz"))
    content = evaluate_step(files.truth, files.folder / "e.json", ranks=files.folder / "adopted.npz")
    assert message in content["cannot_run"]
    assert "medium" not in json.loads((files.folder / "e.json").read_text())


@pytest.mark.parametrize("content", ['{"parameters": [1]}', '{"cannot_run": 3}', '{"cannot_run": {}}'])
def test_json_that_gives_no_reason_is_no_ranking(files: Files, content: str) -> None:
    path = files.folder / "order.npy"
    path.write_text(content)
    assert reason_in(path) is None
    adopted = Adopted(path, "mine", "search", SHORTLIST)
    out = files.folder / "adopted.npz"
    reason = adopt_step(
        adopted, *files.given, out, search=files.search, groundtruth=files.truth, say_why=True
    )
    assert "order.npy is not a whole .npy file of numbers" in str(reason)


def test_a_search_may_end_early(files: Files) -> None:
    order = Ranking.load(files.search).indices.copy()
    order[1, 3:] = -1
    assert isinstance(files.adopt(order, stage="search"), Ranking)


def test_a_search_without_descriptors_hands_its_reason_on(files: Files) -> None:
    files.search.write_text('{"cannot_run": "no descriptors"}')
    reason = hand_over_step(
        *files.given, files.folder / "given", search=files.search, groundtruth=files.truth
    )
    assert reason == "no descriptors"
    assert files.adopt(np.zeros((3, 3), int), say_why=True) == "no descriptors"
