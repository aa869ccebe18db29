"""The verb `time`: the record of a whole run, and every mistake as a sentence."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers import Run, unit_rows
from timed_inputs import IMAGES, QUERIES

from superglobal_core.reranking.names import GLOBAL_PARAMETERS, LOCAL_KINDS, METHOD_NAMES
from superglobal_core.steps.time import Request, time_step
from superglobal_core.timing.alone import VARIABLE, alone
from superglobal_core.timing.record import TimingRecord, read_timings

QUICK = ("--repeats", 3, "--budget", 0.2, "--device", "cpu")


def inputs(descriptors: Path) -> list[object]:
    return ["--queries", descriptors / "queries.npy", "--database", descriptors / "database.npy"]


def timed(run: Run, out: Path, *arguments: object) -> TimingRecord:
    done = run("time", *arguments, *QUICK, "--out", out)
    assert done.code == 0, done.err
    assert f"every sample is in {out}" in done.out
    # Only the record is left: what was drawn and extracted is gone.
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    return read_timings(out)


def test_all_global_methods(run: Run, descriptors: Path, tmp_path: Path) -> None:
    methods = ",".join(GLOBAL_PARAMETERS)
    record = timed(
        run,
        tmp_path / "t.json",
        *inputs(descriptors),
        "--methods",
        methods,
        "--shortlist",
        30,
        "--sizes",
        "9,200,400",
    )
    scopes = ["scoring", "from storage", "end to end"]
    assert [(t.scope, t.method) for t in record.find(shortlist=30)] == [
        (scope, method) for scope in scopes for method in GLOBAL_PARAMETERS
    ]
    for timing in record.timings:
        if timing.scope == "end to end":
            assert (
                timing.reason
                == "no network was named that describes the query: give --backbone (and --checkpoint)"
            )
            continue
        assert (timing.reason, len(timing.samples_s)) == (None, 3)
        assert timing.scaled_from_pairs is None
        assert (timing.device, timing.precision, timing.bytes_per_image) == ("cpu", "float32", 64)
        assert timing.pairs_a_query == (IMAGES if timing.method == "none" else timing.shortlist)
        cached = {"page cache dropped", "page cache warm"} & set(timing.note)
        assert len(cached) == (timing.scope == "from storage")
        main_scoring = timing.scope == "scoring" and timing.shortlist == 30
        assert (timing.batch_queries, len(timing.batch_samples_s)) == (
            (QUERIES, 3) if main_scoring else (None, 0)
        )
        assert (timing.memory is not None) == (timing.shortlist == 30)
    # Sizes beyond the database are one: the whole of it.
    assert {t.shortlist for t in record.find(scope="scoring", method="dba")} == {9, 30, IMAGES}
    assert {t.shortlist for t in record.find(scope="scoring", method="none")} == {30}
    assert [(noise.scope, noise.work) for noise in record.noise] == [(s, "superglobal") for s in scopes[:2]]
    assert record.record is not None
    assert record.record.parameters["timed_queries"] == QUERIES
    assert record.record.parameters["descriptors"] == "given"
    assert record.began is not None
    assert record.ended is not None
    assert record.began < record.ended
    assert record.others is not None


def test_every_method_in_every_scope(run: Run, descriptors: Path, pictures: Path, tmp_path: Path) -> None:
    record = timed(
        run,
        tmp_path / "t.json",
        *inputs(descriptors),
        *("--query-images", pictures / "queries", "--database-images", pictures / "database"),
        *("--backbone", "mini", "--shortlist", 6),
    )
    found = {(timing.scope, timing.method): timing for timing in record.timings}
    assert len(found) == 3 * len(METHOD_NAMES)
    unable = {key: timing.reason for key, timing in found.items() if timing.reason}
    for (scope, method), reason in unable.items():
        # ASMK learns more words than these pictures have features, if its package is there at all.
        assert method.endswith("-asmk") or (scope, method) == ("end to end", "xfeat-magsac"), reason
    assert unable["end to end", "xfeat-magsac"] == "its features cannot be extracted here: weights missing"
    missing = "accuracy not available: weights missing; the time is real"
    assert missing in found["scoring", "cvnet-rerank"].note
    assert any("projected descriptors" in note for note in found["from storage", "xfeat-magsac"].note)
    assert any("scales missing" in note for note in found["from storage", "rrt"].note)
    (note,) = found["scoring", "rootsift-magsac"].note
    assert re.fullmatch(r"on 1\d of the images, again and again", note)
    for method in LOCAL_KINDS:
        if ("scoring", method) in unable:
            continue
        size = found["scoring", method].bytes_per_image
        assert size is not None
        assert size > found["scoring", "superglobal"].bytes_per_image  # type: ignore[operator]
    # What all need, the query's description, is in every end-to-end time.
    least = min(found["from storage", "superglobal"].samples_s)
    for (scope, _), timing in found.items():
        if scope == "end to end" and timing.samples_s:
            assert min(timing.samples_s) > least
    assert len(record.noise) == 3


def test_features_that_were_extracted(run: Run, descriptors: Path, pictures: Path, tmp_path: Path) -> None:
    for split in ("queries", "database"):
        folder = tmp_path / "local" / split
        assert run("local", "--images", pictures / split, "--kind", "rootsift", "--out", folder).code == 0
    named = f"rootsift={tmp_path / 'local/queries'},{tmp_path / 'local/database'}"
    (tmp_path / "out").mkdir()
    fixed = [*inputs(descriptors), *("--methods", "rootsift-magsac", "--shortlist", 12)]
    images = ("--query-images", pictures / "queries", "--database-images", pictures / "database")
    record = timed(
        run, tmp_path / "out/t.json", *fixed, "--local", named, *images, "--scopes", "scoring,from storage"
    )
    scoring, storage = record.timings
    assert scoring.note == []
    assert storage.note in (["page cache dropped"], ["page cache warm"])
    wrong = f"xfeat={tmp_path / 'local/queries'},{tmp_path / 'local/database'}"
    done = run(
        "time",
        *inputs(descriptors),
        *images,
        "--methods",
        "xfeat-magsac",
        "--local",
        wrong,
        "--out",
        tmp_path / "x",
    )
    assert done.code == 2
    assert "holds rootsift features where xfeat was named" in done.err


@pytest.mark.parametrize(("queries", "images"), [(1, 1), (1, 2), (2, 3)])
def test_the_smallest_inputs(run: Run, tmp_path: Path, pictures: Path, queries: int, images: int) -> None:
    rows = unit_rows(np.random.default_rng(0), 1, 8)
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in/queries.npy", np.repeat(rows, queries, axis=0))
    np.save(tmp_path / "in/database.npy", np.repeat(rows, images, axis=0))
    (tmp_path / "out").mkdir()
    record = timed(
        run,
        tmp_path / "out/t.json",
        *inputs(tmp_path / "in"),
        *("--methods", "none,superglobal,k-reciprocal,rootsift-magsac", "--scopes", "scoring,from storage"),
        *("--query-images", pictures / "queries", "--database-images", pictures / "database"),
    )
    assert all(timing.reason is None for timing in record.timings)
    assert {(timing.shortlist, timing.pairs_a_query) for timing in record.timings} == {(images, images)}


def test_a_suites_methods_by_their_names(run: Run, descriptors: Path, tmp_path: Path) -> None:
    methods = {
        "one": {"reranker": "superglobal", "label": "SuperGlobal"},
        "two": {"reranker": "superglobal", "label": "SuperGlobal", "neighbours": 3},
        "three": {"reranker": "alpha-qe", "parameters": {"alpha": 2}},
    }
    suite = {
        "suite": "mine",
        "title": "mine",
        "datasets": {"d": {"synthetic": {}}},
        "descriptors": {"mini": {"extract": {"backbone": "mini", "preset": "superglobal"}}},
        "methods": methods,
    }
    (tmp_path / "in").mkdir()
    (tmp_path / "in/suite.yaml").write_text(yaml.safe_dump(suite, sort_keys=False))
    from superglobal_core.config import load_suite

    saved = tmp_path / "in/suite.json"
    saved.write_text(load_suite(tmp_path / "in/suite.yaml").model_dump_json())
    (tmp_path / "out").mkdir()
    record = timed(
        run, tmp_path / "out/t.json", *inputs(descriptors), "--suite", saved, "--scopes", "scoring"
    )
    # Two of one label are told apart, and none is lost.
    assert [timing.label for timing in record.timings] == ["SuperGlobal (one)", "SuperGlobal (two)", "three"]
    assert record.record is not None
    assert record.record.suite == "mine"


MISTAKES: list[tuple[list[object], str]] = [
    (["--methods", "superglobl"], "unknown method 'superglobl'"),
    (["--methods", ","], "no method was named"),
    (["--shortlist", 0], "--shortlist is 0: at least 1 is needed"),
    (["--sizes", "50,0"], "--sizes is 0: at least 1 is needed"),
    (["--sizes", "50,many"], "--sizes 50,many: give whole numbers"),
    (["--repeats", 0], "--repeats is 0"),
    (["--timed-queries", -1], "--timed-queries is -1"),
    (["--budget", 0], "--budget is 0.0: give seconds"),
    (["--budget", "nan"], "--budget is nan: give seconds"),
    (["--budget", "inf"], "--budget is inf: give seconds"),
    (["--scopes", "scorin"], "unknown scope 'scorin'"),
    (["--scopes", ""], "unknown scope ''"),
    (["--seed", -1], "--seed is -1"),
    (["--preset", "papper"], "unknown preset 'papper'"),
    (["--preset", "paper", "--checkpoint", "r50.pyth"], "name it with --backbone"),
    (["--backbone", "resnet18"], "resnet18"),
    (["--precision", "float8"], "unknown precision 'float8'"),
    (
        ["--methods", "rootsift-magsac", "--query-images", "absent", "--database-images", "absent"],
        "absent",
    ),
    (["--backbone", "mini", "--descriptor", "superlocal"], "superlocal"),
    (["--query-images", "somewhere"], "give both --query-images and --database-images"),
    (["--database-images", "somewhere"], "give both --query-images and --database-images"),
    (["--boxes", "boxes.json"], "--boxes belong to --query-images"),
    (["--local", "rootsift=one"], "write KIND=QUERIES,DATABASE"),
    (["--methods", "rrt", "--rrt", "absent.pt"], "absent.pt"),
    (["--methods", "xfeat-magsac", "--xfeat", "absent.onnx"], "absent.onnx"),
    (["--suite", "absent.json"], "absent.json"),
]


@pytest.mark.parametrize(("options", "message"), MISTAKES, ids=lambda value: str(value)[:40])
def test_mistakes(
    run: Run, descriptors: Path, pictures: Path, tmp_path: Path, options: list[object], message: str
) -> None:
    images: list[object] = []
    if any(option in ("--backbone", "--methods") for option in options):
        images = ["--query-images", pictures / "queries", "--database-images", pictures / "database"]
    # Of an option given twice the last counts.
    done = run("time", *inputs(descriptors), *images, *QUICK, *options, "--out", tmp_path / "t.json")
    assert done.code == 2, done.err
    # Extraction may have said how far it is.
    last = done.err.strip().splitlines()[-1]
    assert last.startswith("superglobal: ")
    assert message in last
    assert list(tmp_path.iterdir()) == []


def test_descriptors_that_are_absent_or_do_not_fit(run: Run, descriptors: Path, tmp_path: Path) -> None:
    out, given = tmp_path / "t.json", inputs(descriptors)
    np.save(tmp_path / "other.npy", unit_rows(np.random.default_rng(0), 4, 7))
    for arguments, message in (
        ([], "give --queries and --database, or --preset paper"),
        (given[:2], "give both --queries and --database"),
        ([*given[2:], "--preset", "paper"], "give both --queries and --database"),
        ([*given[:2], "--database", tmp_path / "none.npy"], "none.npy"),
        ([*given[:2], "--database", tmp_path / "other.npy"], "7"),
    ):
        done = run("time", *arguments, *QUICK, "--out", out)
        assert done.code == 2
        assert message in done.err
    done = run("time", *given, *QUICK, "--out", descriptors / "queries.npy")
    assert "it is an input of this very command" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["other.npy"]


def test_the_papers_size_draws_what_is_not_given(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("superglobal_core.steps.time.PAPER_DATABASE", 60)
    monkeypatch.setattr("superglobal_core.steps.time.PAPER_DIMENSION", 32)
    monkeypatch.setattr("superglobal_core.comparison.entries.draw_pictures", lambda *_, **__: None)
    # Without a picture nothing is described: that is all of the networks' work that is left out here.
    monkeypatch.setattr("superglobal_core.comparison.entries.Entries._describe", lambda self: None)
    options = ("--methods", "none,superglobal", "--scopes", "scoring", "--out", tmp_path / "t.json")
    done = run("time", "--preset", "paper", *QUICK, *options)
    assert done.code == 0, done.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t-resnet101.json", "t-resnet50.json"]
    for name in ("resnet50", "resnet101"):
        record = read_timings(tmp_path / f"t-{name}.json")
        assert record.record is not None
        facts = record.record.parameters
        assert (facts["backbone"], facts["descriptors"], facts["database"]) == (name, "drawn", 60)
        # The shortlist of 400, and of the paper's sizes those that 60 images allow.
        assert {timing.shortlist for timing in record.timings} == {50, 60}


def test_features_that_cannot_be_extracted_are_a_reason(
    run: Run, descriptors: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the device is lost")

    monkeypatch.setattr("superglobal_core.features.rootsift.RootSift.__call__", fail)
    images = ("--query-images", pictures / "queries", "--database-images", pictures / "database")
    methods = ("--methods", "superglobal,rootsift-magsac", "--scopes", "scoring")
    record = timed(run, tmp_path / "t.json", *inputs(descriptors), *images, *methods)
    assert [timing.reason for timing in record.timings] == [
        None,
        "it failed with RuntimeError: the device is lost",
    ]


def test_it_waits_for_its_turn_and_is_alone(descriptors: Path, tmp_path: Path) -> None:
    seen = []

    def probe() -> None:
        for line in time_step(request, tmp_path / "t.json"):
            seen.append(line)

    request = Request(
        ["superglobal"],
        descriptors / "queries.npy",
        [descriptors / "database.npy"],
        scopes=["scoring"],
        repeats=3,
    )
    import threading

    with alone():
        # Another thread is another holder only for a lock that is not this thread's own.
        thread = threading.Thread(target=probe)
        thread.start()
        thread.join(1.0)
        waited = thread.is_alive()
        empty = not (tmp_path / "t.json").exists()
    thread.join(60)
    assert waited
    assert empty
    assert seen


def start(descriptors: Path, out: Path, lock: Path, *more: object) -> subprocess.Popen[str]:
    arguments = [
        *inputs(descriptors),
        "--methods",
        "superglobal",
        "--scopes",
        "scoring",
        "--device",
        "cpu",
        *more,
    ]
    command = [sys.executable, "-m", "superglobal_core", "time", *map(str, arguments), "--out", str(out)]
    environment = {**os.environ, VARIABLE: str(lock)}
    return subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_two_timings_never_overlap(descriptors: Path, lock: Path, tmp_path: Path) -> None:
    # Long enough that they would overlap for sure, were they let.
    jobs = [start(descriptors, tmp_path / f"{name}.json", lock, "--repeats", 20) for name in ("a", "b")]
    for job in jobs:
        _, errors = job.communicate(timeout=120)
        assert job.returncode == 0, errors
    records = [read_timings(tmp_path / f"{name}.json") for name in ("a", "b")]
    (first, second) = sorted((str(record.began), str(record.ended)) for record in records)
    assert first[0] < first[1] <= second[0] < second[1]


def test_a_killed_timing_leaves_no_record_and_no_lock(
    run: Run, descriptors: Path, lock: Path, tmp_path: Path
) -> None:
    out = tmp_path / "timing" / "t.json"
    out.parent.mkdir()
    job = start(descriptors, out, lock, "--repeats", 1_000_000, "--budget", 1000)
    assert job.stderr is not None
    for line in job.stderr:
        if "samples of each" in line:
            break
    time.sleep(0.1)
    job.send_signal(signal.SIGKILL)
    job.communicate(timeout=30)
    assert not out.exists()
    # What it left has a name that readers of results pass over.
    (left,) = out.parent.iterdir()
    assert left.name.startswith(".partial-")
    begin = time.monotonic()
    with alone():
        assert time.monotonic() - begin < 5
    assert run("time", *inputs(descriptors), "--methods", "superglobal", *QUICK, "--out", out).code == 0
    assert list(out.parent.iterdir()) == [out], "the next timing removes what was left"
    assert json.loads(out.read_text())["timings"]
