"""The step `index`, and what searches and reranks with an index on disk."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import faiss
import numpy as np
import pytest
from helpers import Run, unit_rows

from superglobal_core.errors import UserError
from superglobal_core.features.shards import write_shard
from superglobal_core.features.store import FeatureStore
from superglobal_core.files import sha256_of
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.results import record_path
from superglobal_core.search.index_file import open_index
from superglobal_core.search.index_kinds import parse_index
from superglobal_core.steps.evaluate import evaluate_step
from superglobal_core.steps.index import index_step
from superglobal_core.steps.rerank import rerank_step
from superglobal_core.steps.search import search_step

LABELS = [([0, 3, 5], [7, 9], [11]), ([1], [2, 4, 6], []), ([], [8], [10, 12])]
IMAGES, DIMENSION = 300, 16


class Inputs(NamedTuple):
    queries: Path
    database: Path
    groundtruth: Path


@pytest.fixture
def inputs(tmp_path: Path, write_groundtruth: Callable[..., Path]) -> Inputs:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "q.npy", unit_rows(rng, len(LABELS), DIMENSION))
    # An index in half precision holds just these.
    np.save(tmp_path / "db.npy", unit_rows(rng, IMAGES, DIMENSION, np.float16))
    return Inputs(tmp_path / "q.npy", tmp_path / "db.npy", write_groundtruth(IMAGES, LABELS))


@pytest.fixture
def index(tmp_path: Path, inputs: Inputs) -> Path:
    index_step([inputs.database], parse_index("ivfpq:nlist=8:m=8"), tmp_path / "i.faiss")
    return tmp_path / "i.faiss"


def test_what_a_killed_run_left_beside_the_index_goes(tmp_path: Path, inputs: Inputs) -> None:
    left, others = tmp_path / ".partial-ab12_xyz-i.faiss", tmp_path / ".partial-ab12_xyz-other.faiss"
    for path in (left, others):
        path.write_bytes(b"half")
    index_step([inputs.database], parse_index("flat-sq8"), tmp_path / "i.faiss")
    assert not left.exists()
    assert others.exists()


def test_the_record_says_what_the_index_is(tmp_path: Path, inputs: Inputs, run: Run) -> None:
    out = tmp_path / "new" / "i.faiss"
    arguments = ["index", "--database", inputs.database, "--kind", "hnsw", "--set", "M=6", "--out", out]
    done = run(*arguments)
    assert (done.code, done.err) == (0, "")
    assert f"{IMAGES} rows, " in done.out
    record = json.loads((tmp_path / "new" / "i.record.json").read_text())
    known = record["parameters"]
    assert (record["step"], known["kind"]) == ("index", "hnsw")
    assert known["index"] == {"M": 6, "efConstruction": 40, "storage": "sq8"}
    assert known["sha256"] == sha256_of(out)
    assert known["bytes"] == out.stat().st_size
    assert known["bytes_a_vector"] == pytest.approx(out.stat().st_size / IMAGES)
    assert known["faiss"] == faiss.__version__
    assert known["add_s"] >= 0
    before = out.stat().st_mtime_ns
    again = run(*arguments)
    assert (again.code, again.err) == (0, "")
    assert "kept, as parameters and data agree" in again.out
    assert out.stat().st_mtime_ns == before
    assert run(*arguments, "--replace").code == 0
    assert out.stat().st_mtime_ns > before
    assert sha256_of(out) == known["sha256"]  # the same command gives the same index


def test_another_index_is_not_written_over_one_that_is_there(
    tmp_path: Path, inputs: Inputs, index: Path
) -> None:
    before = index.read_bytes()
    for text, seed, says in (
        ("ivfpq:nlist=9:m=8", 0, "other parameters .nlist 8 there, 9 here"),
        ("ivfpq:nlist=8:m=8", 1, "seed 0 there, 1 here"),
        ("flat-sq8", 0, "kind ivfpq there, flat-sq8 here"),
    ):
        with pytest.raises(UserError, match=says):
            index_step([inputs.database], parse_index(text), index, seed=seed)
    # One value of a row that no sample of 64 rows holds.
    changed = np.load(inputs.database)
    changed[2, 3] += 0.01
    np.save(tmp_path / "other.npy", changed)
    with pytest.raises(UserError, match=r"index of other descriptors.*--replace"):
        index_step([tmp_path / "other.npy"], parse_index("ivfpq:nlist=8:m=8"), index)
    assert index.read_bytes() == before
    index_step([tmp_path / "other.npy"], parse_index("flat-sq8"), index, replace=True)
    assert open_index(index, FeatureStore.open(tmp_path / "other.npy")).facts.kind == "flat-sq8"


def test_shards_are_told_apart_by_their_sidecars(tmp_path: Path) -> None:
    rows = unit_rows(np.random.default_rng(0), 40, DIMENSION)
    about = {"descriptor": {"backbone": "none"}, "shard": 0, "shards": 1, "skipped": []}
    names = [f"image_{row}" for row in range(40)]
    write_shard(tmp_path / "shards" / "shard-00000", names, rows, about)
    wanted = parse_index("flat-fp16")
    index_step([tmp_path / "shards"], wanted, tmp_path / "i.faiss")
    assert index_step([tmp_path / "shards"], wanted, tmp_path / "i.faiss")[1]
    write_shard(tmp_path / "shards" / "shard-00000", names, rows[::-1].copy(), about)
    with pytest.raises(UserError, match="other descriptors"):
        index_step([tmp_path / "shards"], wanted, tmp_path / "i.faiss")


def test_a_damaged_or_foreign_index_is_not_loaded(tmp_path: Path, inputs: Inputs, index: Path) -> None:
    store, whole = FeatureStore.open(inputs.database), index.read_bytes()
    record = record_path(index)
    flipped = bytearray(whole)
    flipped[len(flipped) // 2] ^= 1
    for content in (bytes(flipped), whole[:-100], b""):
        index.write_bytes(content)
        with pytest.raises(UserError, match="its SHA-256 differs"):
            open_index(index, store)
    with pytest.raises(UserError, match="not the file that its record describes"):
        index_step([inputs.database], parse_index("ivfpq:nlist=8:m=8"), index)
    # A record that fits a file which is none of faiss's.
    said = json.loads(record.read_text())
    index.write_bytes(whole[: len(whole) // 2])
    said["parameters"]["sha256"] = sha256_of(index)
    record.write_text(json.dumps(said))
    with pytest.raises(UserError, match="cannot be read by faiss"):
        open_index(index, store)
    for content, says in (
        ("{}", "is damaged"),
        ("[", "not valid JSON"),
        ('{"parameters": {}}', "kind is missing"),
    ):
        record.write_text(content)
        with pytest.raises(UserError, match=says):
            open_index(index, store)
    record.unlink()
    with pytest.raises(UserError, match=r"has no record i\.record\.json beside it"):
        open_index(index, store)
    with pytest.raises(UserError, match="there is no index"):
        open_index(tmp_path / "none.faiss", store)


def test_an_index_of_other_descriptors_is_not_searched(tmp_path: Path, inputs: Inputs, index: Path) -> None:
    np.save(tmp_path / "other.npy", np.load(inputs.database)[::-1].copy())
    with pytest.raises(
        UserError, match=r"is an index of other descriptors .* as here, but other values, or in another"
    ):
        search_step(inputs.queries, [tmp_path / "other.npy"], 10, tmp_path / "s.npz", index=index)
    assert not (tmp_path / "s.npz").exists()


def test_an_index_is_stale_when_a_shard_was_changed_behind_its_sidecar(
    tmp_path: Path, inputs: Inputs
) -> None:
    shard = tmp_path / "rows" / "shard-00000"
    write_shard(
        shard, [f"image_{row}" for row in range(IMAGES)], np.load(inputs.database), {"descriptor": {}}
    )
    index = tmp_path / "rows.faiss"
    index_step([shard.parent], parse_index("flat-sq8"), index)
    array = shard.with_suffix(".npy")
    os.utime(array)  # newer than its sidecar, and the same
    open_index(index, FeatureStore.open(shard.parent))
    rows = np.load(array, mmap_mode="r+")
    rows[2, 3] += 0.5
    rows.flush()
    del rows
    os.utime(array)
    with pytest.raises(UserError, match="is an index of other descriptors"):
        search_step(inputs.queries, [shard.parent], 10, tmp_path / "s.npz", index=index)


def test_an_index_is_stale_when_any_row_was_changed(tmp_path: Path, inputs: Inputs, index: Path) -> None:
    changed = np.load(inputs.database)
    changed[2, 3] += 0.01  # no sample of 64 rows holds it
    np.save(inputs.database, changed)
    with pytest.raises(UserError, match="is an index of other descriptors"):
        search_step(inputs.queries, [inputs.database], 10, tmp_path / "s.npz", index=index)
    with pytest.raises(UserError, match="is an index of other descriptors"):
        rerank_step(
            inputs.queries, [inputs.database], SuperGlobalReranker(20), tmp_path / "r.npz", index=index
        )
    assert not (tmp_path / "s.npz").exists()
    assert not (tmp_path / "r.npz").exists()


def test_an_index_with_a_damaged_record_can_be_replaced(inputs: Inputs, index: Path) -> None:
    record_path(index).write_text("[")
    with pytest.raises(UserError, match="not valid JSON"):
        index_step([inputs.database], parse_index("flat-sq8"), index)
    index_step([inputs.database], parse_index("flat-sq8"), index, replace=True)
    assert open_index(index, FeatureStore.open(inputs.database)).facts.kind == "flat-sq8"


def test_a_full_disk_leaves_no_index(
    tmp_path: Path, inputs: Inputs, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = index.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match=r"cannot write .*No space left"):
        index_step([inputs.database], parse_index("flat-sq8"), index, replace=True)
    assert index.read_bytes() == before
    assert not list(tmp_path.glob(".partial-*"))


def test_search_by_an_index(tmp_path: Path, inputs: Inputs, index: Path, run: Run) -> None:
    flat, given = tmp_path / "flat.faiss", ("--queries", inputs.queries, "--database", inputs.database)
    index_step([inputs.database], parse_index("flat-fp16"), flat)
    exact = search_step(inputs.queries, [inputs.database], 100, tmp_path / "exact.npz", inputs.groundtruth)
    out = tmp_path / "s.npz"
    done = run(
        "search", *given, "--groundtruth", inputs.groundtruth, "--index", flat, "--k", 100, "--out", out
    )
    assert (done.code, done.err) == (0, "")
    record = json.loads((tmp_path / "s.record.json").read_text())
    assert record["protocol"]["search"] == "approximate: flat-fp16"
    assert "search" not in json.loads((tmp_path / "exact.record.json").read_text())["protocol"]
    assert [one["role"] for one in record["inputs"]][:2] == ["ground truth", "index"]
    with np.load(out) as found:
        assert np.array_equal(found["indices"], exact.indices)
        ranks = found["labelled_rank"]
    assert exact.labelled is not None
    inside = exact.labelled.rank < 100
    assert (ranks[inside] == exact.labelled.rank[inside]).all()
    assert 0 < inside.sum() < len(inside)
    # The evaluation of the ranks is that of a ranking with 100 places.
    np.save(tmp_path / "cut.npy", exact.indices)
    cut = evaluate_step(inputs.groundtruth, tmp_path / "c.json", ranks=tmp_path / "cut.npy", bootstrap=0)
    whole = evaluate_step(inputs.groundtruth, tmp_path / "e.json", ranks=out, bootstrap=0)
    assert whole["medium"]["average_precision"] == cut["medium"]["average_precision"]
    done = run("search", *given, "--index", index, "--effort", 3, "--out", out)
    assert (done.code, done.err) == (0, "")
    said = json.loads((tmp_path / "s.record.json").read_text())["protocol"]["search"]
    assert said == "approximate: ivfpq, nlist 8, m 8, nbits 6, nprobe 3"
    for wrong, says in (
        (("--effort", 3), "--effort is an approximate search's: give its --index too"),
        (("--index", flat, "--effort", 3), "is searched in one way alone"),
        (("--index", index, "--effort", 0), "--effort is 0"),
        (("--index", index, "--k", 0), "k is 0"),
    ):
        done = run("search", *given, *wrong, "--out", tmp_path / "wrong.npz")
        assert (done.code, says in done.err) == (2, True), done.err
        assert not (tmp_path / "wrong.npz").exists()


def test_records_are_not_written_over_each_other(
    tmp_path: Path, inputs: Inputs, index: Path, run: Run
) -> None:
    """A ranking and an index with one name would share a record."""
    given, record = ("--queries", inputs.queries, "--database", inputs.database), record_path(index)
    before = record.read_bytes()
    for verb in ("search", "rerank"):
        done = run(verb, *given, "--index", index, "--out", index.with_suffix(".npz"))
        assert (done.code, "it is an input of this very command" in done.err) == (2, True)
        assert record.read_bytes() == before
    search_step(inputs.queries, [inputs.database], 5, tmp_path / "topk.npz")
    with pytest.raises(UserError, match="is the record of `superglobal search`, not of an index"):
        index_step([inputs.database], parse_index("flat-sq8"), tmp_path / "topk.faiss", replace=True)
    # An index that was removed is built again.
    index.unlink()
    assert not index_step([inputs.database], parse_index("ivfpq:nlist=8:m=8"), index)[1]


def test_rerank_by_an_index(tmp_path: Path, inputs: Inputs, index: Path, run: Run) -> None:
    given = ("--queries", inputs.queries, "--database", inputs.database, "--groundtruth", inputs.groundtruth)
    flat, out = tmp_path / "flat.faiss", tmp_path / "r.npz"
    index_step([inputs.database], parse_index("flat-fp16"), flat)
    exact = rerank_step(
        inputs.queries,
        [inputs.database],
        SuperGlobalReranker(30),
        tmp_path / "e.npz",
        groundtruth=inputs.groundtruth,
    )
    orders = {}
    for name, options in {
        "gathered": ("--index", flat),
        "rebuilt": ("--index", flat, "--reconstruct"),
        "coarse": ("--index", index, "--reconstruct", "--search", tmp_path / "exact.npz"),
    }.items():
        search_step(inputs.queries, [inputs.database], 30, tmp_path / "exact.npz", inputs.groundtruth)
        done = run("rerank", *given, *options, "--shortlist", 30, "--out", out)
        assert (done.code, done.err) == (0, ""), done.err
        assert ("vectors rebuilt from the index" in done.out) == ("--reconstruct" in options)
        with np.load(out) as found:
            orders[name] = found["indices"]
            assert found["indices"].shape == (len(LABELS), 30)
        protocol = json.loads((tmp_path / "r.record.json").read_text())["protocol"]
        assert ("vectors" in protocol) == ("--reconstruct" in options)
        assert ("search" in protocol) == ("--search" not in options)
    assert np.array_equal(orders["gathered"], exact.indices[:, :30])
    assert np.array_equal(orders["rebuilt"], exact.indices[:, :30])
    # What was rebuilt from a few bytes gives another order of the same candidates.
    assert np.array_equal(np.sort(orders["coarse"]), np.sort(exact.indices[:, :30]))
    assert not np.array_equal(orders["coarse"], exact.indices[:, :30])
    for wrong, says in (
        (("--reconstruct",), "--reconstruct needs the --index"),
        (("--index", flat, "--search", tmp_path / "exact.npz"), "leave --index out, or add --reconstruct"),
    ):
        done = run("rerank", *given, *wrong, "--shortlist", 30, "--out", tmp_path / "wrong.npz")
        assert (done.code, says in done.err) == (2, True), done.err


def test_without_faiss_all_ends_in_a_sentence(
    inputs: Inputs, index: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    given = ("--queries", inputs.queries, "--database", inputs.database)
    for command in (
        ("index", "--database", inputs.database, "--out", tmp_path / "new.faiss"),
        ("search", *given, "--index", index, "--out", tmp_path / "s.npz"),
        ("rerank", *given, "--index", index, "--out", tmp_path / "s.npz"),
        ("approximate", *given, "--groundtruth", inputs.groundtruth, "--out", tmp_path / "a.json"),
    ):
        done = run(*command)
        assert (done.code, done.out) == (2, "")
        assert 'pip install "superglobal[faiss]"' in done.err
        assert len(done.err.splitlines()) == 1
    # The workflow is told, and goes on.
    done = run(
        "approximate", *given, "--groundtruth", inputs.groundtruth, "--say-why", "--out", tmp_path / "a.json"
    )
    assert (done.code, done.err) == (0, "")
    assert "needs the package faiss" in json.loads((tmp_path / "a.json").read_text())["cannot_run"]
