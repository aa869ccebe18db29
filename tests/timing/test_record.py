"""Timing records: round trips, what is refused, and what can be derived."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from superglobal_core.errors import UserError
from superglobal_core.results import Stopwatch
from superglobal_core.timing.clocks import describe_clocks
from superglobal_core.timing.memory import MemoryUse
from superglobal_core.timing.noise import compare
from superglobal_core.timing.others import Others
from superglobal_core.timing.record import MethodTiming, TimingRecord, read_timings, write_timings
from superglobal_core.timing.statistics import speedup, summarize


def timing(method: str = "superglobal", **facts: Any) -> MethodTiming:
    defaults: dict[str, Any] = {
        "method": method,
        "label": method.title(),
        "scope": "scoring",
        "samples_s": [0.5, 0.6, 0.7],
        "shortlist": 400,
    }
    return MethodTiming(**{**defaults, **facts})


@pytest.fixture
def whole() -> TimingRecord:
    """A record with everything in it."""
    slow = timing(
        "cvnet",
        samples_s=[50.0, 60.0],
        samples_wanted=20,
        pairs_a_query=400,
        scaled_from_pairs=20,
        note=["timed on random weights"],
        memory=MemoryUse(host_bytes=10**9, device_bytes=None, how="the kernel's high-water mark"),
        bytes_per_image=1e6,
        device="cpu",
        precision="float32",
    )
    fast = timing(batch_samples_s=[3.5, 3.6], batch_queries=70)
    broken = timing("asmk", samples_s=[], reason="faiss is not installed")
    return TimingRecord(
        record=Stopwatch().record("time", suite="mini", seed=7),
        timings=[slow, fast, broken],
        noise=[compare("superglobal", [1.0, 1.1, 1.2], [1.0, 1.1, 1.3])],
        machine=describe_clocks(),
        others=Others(seconds=3, cores=0.1, stolen=0.0),
        seed=7,
    )


def test_a_record_comes_back_as_it_was(whole: TimingRecord, tmp_path: Path) -> None:
    path = tmp_path / "timing" / "a.json"
    write_timings(path, whole)
    assert read_timings(path) == whole
    content = json.loads(path.read_text())
    assert content["record"]["suite"] == "mini"
    assert content["timings"][0]["samples_s"] == [50.0, 60.0]
    assert content["timings"][2]["reason"] == "faiss is not installed"
    assert os.listdir(path.parent) == ["a.json"]  # noqa: PTH208


@given(st.lists(st.floats(1e-9, 1e6), min_size=1, max_size=20))
def test_every_digit_of_a_sample_is_kept(samples: list[float]) -> None:
    record = TimingRecord(timings=[timing(samples_s=samples)])
    again = TimingRecord.model_validate(json.loads(json.dumps(record.model_dump(mode="json"))))
    assert again.timings[0].samples_s == samples


def test_figures_are_derived_from_samples(whole: TimingRecord) -> None:
    slow, fast, broken = whole.timings
    assert fast.summary(7) == summarize([0.5, 0.6, 0.7], 7)
    throughput = fast.throughput()
    assert throughput is not None
    assert throughput.minimum == pytest.approx(70 / 3.6)
    assert throughput.maximum == pytest.approx(20)
    assert slow.throughput() is broken.summary() is broken.throughput() is None
    assert slow.sentences == ["timed on random weights", "scaled from 20 pairs", "2 of 20 samples"]
    assert fast.sentences == []
    assert fast.part is None
    assert slow.part is not None
    assert slow.part.scale == 20


def test_speedups_are_judged_by_the_records_own_noise(whole: TimingRecord) -> None:
    slow, fast, broken = whole.timings
    noise = whole.noise[0].relative
    assert noise == whole.relative_noise > 0  # type: ignore[operator]
    assert whole.speedup(slow, fast) == speedup(slow.samples_s, fast.samples_s, noise=noise, seed=7)
    assert whole.speedup(slow, broken) is whole.speedup(broken, fast) is None
    other = timing(scope="end to end")
    with pytest.raises(UserError, match=r"cvnet \(scoring, shortlist 400\) and superglobal \(end to end"):
        whole.speedup(slow, other)
    with pytest.raises(UserError, match="shortlist 100"):
        whole.speedup(slow, timing(shortlist=100))
    assert TimingRecord(timings=[]).relative_noise is None


def test_timings_are_found(whole: TimingRecord) -> None:
    assert list(whole.find()) == whole.timings
    assert list(whole.find("cvnet", "scoring", 400)) == whole.timings[:1]
    assert list(whole.find("cvnet", "end to end")) == list(whole.find(shortlist=100)) == []


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"samples_s": []}, "either samples or the reason"),
        ({"reason": "no memory"}, "either samples or the reason"),
        ({"samples_s": [0.0]}, "greater than 0"),
        ({"samples_s": [float("inf")]}, "finite"),
        ({"batch_samples_s": [1.0]}, "batch_queries"),
        ({"scaled_from_pairs": 20}, "pairs_a_query"),
        ({"scaled_from_pairs": 20, "pairs_a_query": 19}, "pairs_a_query"),
        ({"scope": "warm"}, "from storage"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_is_refused(facts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        timing(**facts)


def test_damaged_files_are_named(whole: TimingRecord, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_timings(path, whole)
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    with pytest.raises(UserError, match=r"a\.json is not valid JSON"):
        read_timings(path)
    content = json.loads(text)
    content["timings"][1]["samples_s"][2] = "soon"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"a\.json is not a whole timing record: timings\.1\.samples_s\.2: "):
        read_timings(path)
    path.write_text("[]")
    with pytest.raises(UserError, match="not a whole timing record: the whole"):
        read_timings(path)
    with pytest.raises(UserError, match="cannot read"):
        read_timings(tmp_path / "absent.json")


def test_a_killed_writer_leaves_no_record(tmp_path: Path) -> None:
    # Stopped where everything is written and only the name is missing.
    script = """
import os, signal, sys
from superglobal_core.timing.record import TimingRecord, write_timings
def stop(descriptor):
    os.kill(os.getpid(), signal.SIGKILL)
os.fsync = stop
write_timings(sys.argv[1], TimingRecord(timings=[]))
"""
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.json")])
    assert done.returncode == -signal.SIGKILL
    names = [path.name for path in tmp_path.iterdir()]
    assert len(names) == 1
    assert names[0].startswith(".partial-")
    with pytest.raises(UserError, match="cannot read"):
        read_timings(tmp_path / "a.json")
