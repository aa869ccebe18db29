"""Timing: every sample of every method, scaled only where it says so, never two at once."""

from __future__ import annotations

import datetime
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
from helpers import unit_rows, write_pictures

from superglobal_core.cli import main
from superglobal_core.comparison import runner
from superglobal_core.comparison.run import Plan, compare
from superglobal_core.comparison.stand_ins import StandInXFeat
from superglobal_core.comparison.works import SCOPES, CannotRunError, Contestant, Work
from superglobal_core.data.images import list_images
from superglobal_core.features.local_extraction import extract_local
from superglobal_core.files import TEMPORARY_PREFIX
from superglobal_core.reranking.names import GLOBAL_PARAMETERS
from superglobal_core.timing.alone import VARIABLE, alone
from superglobal_core.timing.record import MethodTiming, Scope, TimingRecord, read_timings
from superglobal_core.timing.storage import cache_note

ROOT = Path(__file__).parents[2]
QUERIES, IMAGES, DIMENSION = 3, 30, 16


@pytest.fixture(autouse=True)
def own_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock of this test's own, so that nobody else's timing is waited for."""
    path = tmp_path / "lock" / "timing.lock"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


class Done(NamedTuple):
    """What a command left on the terminal."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process."""

    def run(*arguments: object) -> Done:
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        return Done(int(stopped.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with descriptors of a few images."""
    folder, rng = tmp_path / "data", np.random.default_rng(0)
    folder.mkdir()
    np.save(folder / "queries.npy", unit_rows(rng, QUERIES, DIMENSION))
    np.save(folder / "database.npy", unit_rows(rng, IMAGES, DIMENSION))
    return folder


@pytest.fixture
def pictures(data: Path) -> list[object]:
    """The options that name small pictures of the same images."""
    write_pictures(data / "queries", [f"query_{row}" for row in range(QUERIES)], height=96, width=112)
    write_pictures(data / "database", [f"image_{row}" for row in range(IMAGES)], height=96, width=112)
    return ["--query-images", data / "queries", "--database-images", data / "database"]


def asked(data: Path, out: Path, methods: str, *more: object) -> list[object]:
    given = ["--queries", data / "queries.npy", "--database", data / "database.npy", "--device", "cpu"]
    return ["time", "--out", out, *given, "--methods", methods, *more]


def by_label(record: TimingRecord, scope: Scope) -> dict[str, MethodTiming]:
    return {timing.label: timing for timing in record.find(scope=scope, shortlist=8)}


def instant(text: str | None) -> datetime.datetime:
    assert text is not None
    return datetime.datetime.fromisoformat(text)


def test_all_global_methods(data: Path, tmp_path: Path, run: Run) -> None:
    out, scopes = tmp_path / "out" / "timing.json", ("--scopes", "from storage,scoring")
    counts = ("--repeats", 4, "--timed-queries", 2, "--shortlist", 8, "--sizes", "3,8,500")
    before = datetime.datetime.now(datetime.UTC)
    done = run(*asked(data, out, ",".join(GLOBAL_PARAMETERS), *scopes, *counts))
    assert done.code == 0
    assert [path.name for path in out.parent.iterdir()] == ["timing.json"]
    record = read_timings(out)
    for scope in ("scoring", "from storage"):
        timings = by_label(record, scope)  # type: ignore[arg-type]
        assert list(timings) == list(GLOBAL_PARAMETERS)
        for method, timing in timings.items():
            assert (timing.method, timing.reason, len(timing.samples_s)) == (method, None, 4)
            assert timing.pairs_a_query == (IMAGES if method == "none" else 8)
            assert timing.scaled_from_pairs is None
            assert timing.memory is not None
            assert timing.bytes_per_image == 4 * DIMENSION
            assert (timing.device, timing.precision) == ("cpu", "float32")
            known = [note for note in timing.note if note.startswith("page cache")]
            assert len(known) == (scope == "from storage")
            assert set(known) <= {cache_note(True), cache_note(False)}
            assert timing.batch_queries == (2 if scope == "scoring" else None)
            assert f"{scope:12} {method}" in done.out
    assert not list(record.find(scope="end to end"))
    # A size beyond the database is the database; for scoring alone; each once.
    grown = {(timing.scope, timing.shortlist) for timing in record.find(method="superglobal")}
    assert grown == {("scoring", 3), ("scoring", 8), ("scoring", IMAGES), ("from storage", 8)}
    assert len(list(record.find(method="superglobal"))) == 4
    assert [noise.scope for noise in record.noise] == ["scoring", "from storage"]
    assert {noise.work for noise in record.noise} == {"superglobal"}
    assert not [timing for timing in record.timings if "again" in timing.label]
    assert before <= instant(record.began) + datetime.timedelta(seconds=0.001)
    assert instant(record.began) < instant(record.ended) <= datetime.datetime.now(datetime.UTC)
    assert record.record is not None
    assert record.record.parameters["database"] == IMAGES
    assert record.record.parameters["descriptors"] == "given"


def test_end_to_end_and_what_cannot_run(
    data: Path, pictures: list[object], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("asmk", "asmk.codebook"):
        monkeypatch.setitem(sys.modules, name, None)
    out, counts = tmp_path / "timing.json", ("--repeats", 3, "--timed-queries", 2, "--shortlist", 8)
    methods = "none,superglobal,cvnet-rerank,rootsift-magsac,xfeat-magsac,rrt,rootsift-asmk"
    done = run(*asked(data, out, methods, "--backbone", "mini", *pictures, *counts))
    assert done.code == 0
    record = read_timings(out)
    assert record.record is not None
    assert record.record.parameters["pictures"] == "given"
    assert [noise.scope for noise in record.noise] == list(SCOPES)
    assert {path.name for path in tmp_path.iterdir()} == {"data", "lock", "timing.json"}
    found = {scope: by_label(record, scope) for scope in SCOPES}
    for timings in found.values():
        assert sorted(timings) == sorted(methods.split(","))
        asmk = timings["rootsift-asmk"]
        assert asmk.samples_s == []
        assert asmk.reason is not None
        assert "ASMK needs the package asmk" in asmk.reason
        assert f"not timed: {asmk.reason}" in done.out
    whole = found["end to end"]
    assert (
        whole["xfeat-magsac"].reason == "its features cannot be extracted here: weights or a package missing"
    )
    for label in ("none", "superglobal", "cvnet-rerank", "rootsift-magsac", "rrt"):
        assert (whole[label].reason, len(whole[label].samples_s)) == (None, 3)
        assert [note for note in whole[label].note if note.startswith("page cache")]
        # Reading and describing a picture comes on top of reading features.
        assert min(whole[label].samples_s) > min(found["scoring"][label].samples_s)
    for timings in found.values():
        for label in ("cvnet-rerank", "rrt"):
            assert [note for note in timings[label].note if "weights" in note and "accuracy not" in note]
        for label in ("superglobal", "rootsift-magsac"):
            assert not [note for note in timings[label].note if "accuracy" in note]
    assert [note for note in found["scoring"]["xfeat-magsac"].note if "projected descriptors" in note]


def test_without_a_network_end_to_end_says_so(data: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "timing.json"
    assert run(*asked(data, out, "superglobal", "--scopes", "end to end", "--repeats", 2)).code == 0
    (timing,) = read_timings(out).timings
    assert timing.reason is not None
    assert "give --backbone" in timing.reason


def test_too_few_features_for_visual_words_stop_nobody_else(
    data: Path, pictures: list[object], tmp_path: Path, run: Run
) -> None:
    pytest.importorskip("asmk")
    for row in range(4, IMAGES):
        (data / f"database/image_{row}.png").write_bytes((data / "database/image_0.png").read_bytes())
    out, more = tmp_path / "timing.json", ("--scopes", "scoring", "--repeats", 2, "--shortlist", 2)
    done = run(*asked(data, out, "superglobal,rootsift-asmk", *pictures, *more, "--timed-queries", 1))
    assert done.code == 0
    superglobal, asmk = read_timings(out).timings
    assert superglobal.samples_s
    assert asmk.reason is not None
    assert "too few for 4096 visual words" in asmk.reason


@pytest.mark.parametrize("stored", [False, True])
def test_without_the_package_of_an_extractor(
    stored: bool,
    data: Path,
    pictures: list[object],
    tmp_path: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    out, more = (
        tmp_path / "timing.json",
        ["--xfeat", tmp_path / "xfeat.onnx", "--repeats", 2, "--shortlist", 8],
    )
    if stored:
        for name in ("queries", "database"):
            extract_local(list_images(data / name), StandInXFeat(), data / f"x-{name}", made_with={})
        more += ["--local", f"xfeat={data / 'x-queries'},{data / 'x-database'}"]
    done = run(
        *asked(data, out, "superglobal,xfeat-magsac", *pictures, "--scopes", "scoring,end to end", *more)
    )
    assert done.code == 0
    record = read_timings(out)
    assert by_label(record, "scoring")["superglobal"].samples_s
    reasons = [by_label(record, scope)["xfeat-magsac"].reason for scope in ("scoring", "end to end")]
    if stored:
        assert reasons == [None, "its features cannot be extracted here: weights or a package missing"]
    else:
        assert reasons == ['XFeat needs onnxruntime: pip install "superglobal[local]"'] * 2


NONSENSE: dict[str, tuple[Sequence[object], str]] = {
    "repeats": (("--repeats", 0), "--repeats is 0: at least 1"),
    "budget": (("--budget", 0), "--budget is 0"),
    "no budget": (("--budget", "nan"), "--budget is nan"),
    "endless budget": (("--budget", "inf"), "--budget is inf"),
    "scope": (("--scopes", "scorin"), "did you mean 'scoring'"),
    "no scope": (("--scopes", ","), "unknown scope ''"),
    "size": (("--sizes", "5,0"), "--sizes is 0"),
    "text for a size": (("--sizes", "5,many"), "--sizes 5,many: give whole numbers"),
    "queries": (("--timed-queries", 0), "--timed-queries is 0"),
    "shortlist": (("--shortlist", 0), "--shortlist is 0"),
    "seed": (("--seed", -1), "--seed is -1"),
    "method": (("--methods", "superglobl"), "did you mean 'superglobal'"),
    "no method": (("--methods", ","), "no method was named"),
    "local": (("--local", "rootsift=one"), "write KIND=QUERIES,DATABASE"),
    "local kind": (("--local", "sift=one,two"), "write KIND=QUERIES,DATABASE"),
    "absent local": (("--local", "rootsift=one,two", "--methods", "rootsift-magsac"), "one does not exist"),
    "half the pictures": (("--query-images", "queries"), "give both --query-images and --database-images"),
    "boxes alone": (("--boxes", "boxes.json"), "--boxes belong to --query-images"),
    "absent pictures": (
        ("--query-images", "absent", "--database-images", "absent", "--methods", "rootsift-magsac"),
        "no folder or list of images absent",
    ),
    "precision": (("--precision", "half"), "unknown precision 'half'"),
    "descriptor": (("--descriptor", "best", "--backbone", "mini"), "unknown preset 'best'"),
    "backbone": (("--backbone", "resnet34"), "unknown backbone 'resnet34'"),
    "preset": (("--preset", "papr"), "unknown preset 'papr'"),
    "device": (("--device", "tpu"), "unknown device 'tpu'"),
    "suite": (("--suite", "absent.json"), "cannot read absent.json"),
    "weights": (("--methods", "rrt", "--rrt", "absent.pt"), "absent.pt"),
    "other descriptors": (("--queries", "absent.npy"), "absent.npy"),
}  # fmt: skip


@pytest.mark.parametrize("case", NONSENSE)
def test_nonsense_is_a_sentence(
    case: str,
    data: Path,
    pictures: list[object],
    tmp_path: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(data)
    more, sentence = NONSENSE[case]
    given = [] if any("image" in str(part) or "boxes" in str(part) for part in more) else pictures
    done = run(*asked(data, tmp_path / "timing.json", "superglobal", *given, *more))
    assert done.code == 2
    assert sentence in done.err
    assert done.err.startswith("superglobal: ")
    assert done.err.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"data", "lock"}


def test_descriptors_or_a_preset(data: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "timing.json"
    assert (
        "give both --queries and --database"
        in run("time", "--out", out, "--queries", data / "queries.npy").err
    )
    assert "--preset paper, which draws them" in run("time", "--out", out, "--methods", "superglobal").err


class Sleeper(Contestant):
    """Sleeps a known time for a pair, and a known time once a query."""

    def __init__(self, method: str, pair_s: float, once_s: float = 0.0, by_pairs: bool = True) -> None:
        super().__init__(method, method)
        self.pair_s, self.once_s = pair_s, once_s
        self.by_pairs = by_pairs  # type: ignore[misc]
        self.queries: list[int] = []

    def work(self, scope: Scope, shortlist: int, pairs: int | None = None) -> Work:
        timed = min(pairs or shortlist, shortlist)

        def of_pairs(query: int) -> None:
            self.queries.append(query)
            time.sleep(timed * self.pair_s)

        once = (lambda query: time.sleep(self.once_s)) if self.once_s else None
        return Work(of_pairs, shortlist, timed, once=once)


def test_few_pairs_stand_for_all_and_what_is_once_a_query_does_not_grow() -> None:
    plan = Plan(["from storage"], shortlist=400, repeats=4, budget_s=0.6)
    slow, whole = Sleeper("slow", 0.002, once_s=0.05), Sleeper("whole", 1e-5, by_pairs=False)
    done = compare([slow, whole], plan, queries=2)
    timing, other = done.timings
    assert timing.scaled_from_pairs is not None
    # 0.12 s a sample are 60 pairs; fewer where a trial was slowed down.
    assert 2 <= timing.scaled_from_pairs <= 60
    assert f"scaled from {timing.scaled_from_pairs} pairs" in timing.sentences
    assert timing.pairs_a_query == 400
    # Scaled alike, what is once a query would be 0.33 s and more of each sample.
    assert 400 * 0.002 + 0.05 <= min(timing.samples_s) < 400 * 0.002 + 0.3
    assert other.scaled_from_pairs is None
    assert 0.004 <= min(other.samples_s) < 0.02


def test_what_fits_is_timed_whole_and_grows_with_the_size() -> None:
    plan = Plan(["scoring"], shortlist=40, sizes=[10, 20], repeats=3, budget_s=1.0)
    slow, scaled = Sleeper("fits", 0.0005), Sleeper("does not", 0.05)
    timings = compare([slow, scaled], plan, queries=2).timings
    assert {(timing.method, timing.shortlist) for timing in timings} == {
        ("fits", 40), ("fits", 20), ("fits", 10), ("does not", 40),
    }  # fmt: skip
    for timing in timings:
        assert (timing.scaled_from_pairs is None) == (timing.method == "fits")
        each = {"fits": 0.0005, "does not": 0.05}[timing.method]
        assert min(timing.samples_s) >= each * (timing.shortlist or 0)


def test_samples_of_all_are_of_the_same_queries_in_turn() -> None:
    one, two = Sleeper("superglobal", 1e-6, by_pairs=False), Sleeper("two", 1e-6, by_pairs=False)
    done = compare([two, one], Plan(["scoring"], shortlist=4, repeats=6), queries=3)
    # A warm-up, six samples, and once for the memory; the one that is timed against itself twice the first two.
    assert two.queries == [0, 1, 2, 0, 1, 2, 0, 0]
    assert one.queries == [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0, 0, 0]
    assert [noise.work for noise in done.noise] == ["superglobal"]
    assert done.began <= done.ended


class Failing(Contestant):
    """Fails with an error after so many runs; or cannot run at all."""

    by_pairs: ClassVar[bool] = False

    def __init__(self, method: str, after: int | None, error: Exception) -> None:
        super().__init__(method, method)
        self.after, self.error = after, error

    def work(self, scope: Scope, shortlist: int, pairs: int | None = None) -> Work:
        if self.after is None:
            raise self.error
        left = iter(range(self.after))

        def of_pairs(query: int) -> Any:
            if next(left, None) is None:
                raise self.error

        return Work(of_pairs, shortlist, shortlist)


def test_one_that_fails_keeps_its_reason_and_the_others_go_on() -> None:
    contestants = [
        Failing("unable", None, CannotRunError("no pictures")),
        Failing("broken", 0, ValueError("bad\nthing")),
        Failing("superglobal", 3, MemoryError()),
        Sleeper("good", 1e-5, by_pairs=False),
    ]
    done = compare(contestants, Plan(["scoring", "from storage"], 5, [2], repeats=5), queries=1)
    reasons = {(timing.method, timing.scope): timing.reason for timing in done.timings}
    for scope in ("scoring", "from storage"):
        assert reasons["unable", scope] == "no pictures"
        assert reasons["broken", scope] == "it failed with ValueError: bad thing"
        assert reasons["superglobal", scope] == "it failed with MemoryError"
        assert reasons["good", scope] is None
    good = [timing for timing in done.timings if timing.method == "good"]
    assert [(timing.scope, timing.shortlist, len(timing.samples_s)) for timing in good] == [
        ("scoring", 5, 5), ("scoring", 2, 5), ("from storage", 5, 5),
    ]  # fmt: skip
    assert len(done.timings) == 9


@pytest.mark.parametrize("dropped", [True, False])
def test_the_page_cache_is_dropped_before_each_run_and_noted(
    dropped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    drops = itertools.count(1)
    files = {name: tmp_path / name for name in ("query", "database")}

    def drop(paths: Sequence[Path]) -> bool:
        log.append("drop " + " ".join(path.name for path in paths))
        return next(drops) != 5 or dropped  # one that was not, the first sample of pairs, is enough

    monkeypatch.setattr(runner, "drop_from_page_cache", drop)

    class Reader(Contestant):
        def work(self, scope: Scope, shortlist: int, pairs: int | None = None) -> Work:
            return Work(
                lambda query: log.append("pairs"),
                shortlist,
                shortlist,
                once=lambda query: log.append("once"),
                once_reads=lambda query: [files["query"]],
                reads=lambda query: [files["database"]],
                release=lambda: log.append("release"),
            )

    (timing,) = compare([Reader("reader", "reader")], Plan(["from storage"], 3, repeats=3), 1).timings
    assert cache_note(dropped) in timing.note
    assert cache_note(not dropped) not in timing.note
    steps = list(zip(log, log[1:], log[2:], strict=False))
    runs = [step for step in steps if step[2] in ("once", "pairs") and step[0] == "release"]
    # A warm-up and three samples of each, `pairs` timed against itself too; the memory's is a run of both.
    assert runs.count(("release", "drop query", "once")) == 4
    assert runs.count(("release", "drop database", "pairs")) == 8


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(data: Path, tmp_path: Path) -> Iterator[Start]:
    """Start a timing as a process of its own, killed at the end where it still runs."""
    processes: list[subprocess.Popen[str]] = []

    def start(name: str, *more: object) -> subprocess.Popen[str]:
        arguments = asked(data, tmp_path / name / "timing.json", "superglobal", "--scopes", "scoring", *more)
        command = [sys.executable, "-m", "superglobal_core", *map(str, arguments)]
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    pytest.fail(f"the process ended without saying: {text}")


def test_a_killed_run_leaves_no_record_and_frees_the_lock(
    data: Path, tmp_path: Path, run: Run, start: Start
) -> None:
    (tmp_path / "killed").mkdir()
    killed = start("killed", "--repeats", 10**6, "--budget", 500)
    read_until(killed, "samples of each")
    time.sleep(0.2)
    assert killed.poll() is None
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait(20)
    left = [path.name for path in (tmp_path / "killed").iterdir()]
    assert all(name.startswith(TEMPORARY_PREFIX) for name in left)
    out = tmp_path / "killed" / "timing.json"
    done = run(*asked(data, out, "superglobal", "--scopes", "scoring", "--repeats", 3))
    assert done.code == 0
    assert "waiting" not in done.err
    assert len(read_timings(out).timings[0].samples_s) == 3


def test_two_started_at_once_never_overlap(own_lock: Path, tmp_path: Path, start: Start) -> None:
    with alone():
        both = [start(name, "--repeats", 40, "--budget", 0.5) for name in ("one", "two")]
        for process in both:
            read_until(process, "waiting: ")
        assert not list(tmp_path.glob("*/timing.json"))
    for process in both:
        process.communicate(timeout=60)
        assert process.returncode == 0
    records = [read_timings(tmp_path / name / "timing.json") for name in ("one", "two")]
    (_, ended), (began, _) = sorted((instant(record.began), instant(record.ended)) for record in records)
    assert ended <= began
    assert own_lock.is_file()
