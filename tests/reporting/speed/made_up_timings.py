"""Timings that were made up, of methods of every kind."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from made_up_results import EVIL

from superglobal_core.reporting.collect import read_study
from superglobal_core.reporting.speed import SpeedGroup, speed_groups
from superglobal_core.reporting.speed_figures import Point
from superglobal_core.reporting.study import group_results
from superglobal_core.results import Stopwatch
from superglobal_core.timing.memory import MemoryUse
from superglobal_core.timing.noise import Noise
from superglobal_core.timing.record import MethodTiming, Scope, TimingRecord, write_timings
from superglobal_core.timing.statistics import Interval

M = 100


METHODS = {
    "single-stage": {"label": "single stage", "reranker": "none"},
    "better": {"label": EVIL, "reranker": "superglobal", "shortlist": 400},
    "unjudged": {"label": "query expansion", "reranker": "average-qe", "shortlist": M},
    "rootsift": {"label": "RootSIFT", "reranker": "rootsift-magsac", "shortlist": M},
    "cvnet": {"label": "CVNet_Rerank", "reranker": "cvnet-rerank", "shortlist": M},
    "rrt": {"label": "RRT", "reranker": "rrt", "shortlist": M},
}


NOISE = Noise(
    work="superglobal", ratio=1.01, interval=Interval(low=0.96, high=1.05, level=0.95), relative=0.05
)


def samples(median: float, count: int = 9) -> list[float]:
    """Samples of a known median, spread by a hundredth."""
    return [median * (1 + 0.01 * step / count) for step in range(-(count // 2), count // 2 + 1)]


def timing(name: str, scope: Scope = "scoring", seconds: float | None = None, **more: Any) -> MethodTiming:
    """Return one timing of a method of the suite; without seconds it could not run."""
    chosen = METHODS[name]
    facts: dict[str, Any] = {
        "method": chosen["reranker"],
        "label": chosen["label"],
        "scope": scope,
        "samples_s": samples(seconds) if seconds is not None else [],
        "reason": None if seconds is not None else "no <weights> here",
        "shortlist": M,
        "pairs_a_query": M,
        "memory": MemoryUse(host_bytes=5_000_000, device_bytes=None, how="told") if seconds else None,
        "bytes_per_image": 90_000.0 if name in ("rootsift", "cvnet", "rrt") else 4096.0,
        "device": "cpu",
    }
    return MethodTiming(**facts | more)


def all_kinds() -> list[MethodTiming]:
    """One of every kind, in two scopes."""
    return [
        timing("single-stage", seconds=0.001, pairs_a_query=6_000),
        timing("better", seconds=0.002, batch_samples_s=[0.5, 0.5, 0.5], batch_queries=70),
        timing("unjudged", samples_s=[0.003], seconds=0.003),
        timing("rootsift", seconds=0.2, note=["page cache dropped"]),
        timing("cvnet", seconds=8.0, scaled_from_pairs=3, note=["timed on random weights"]),
        timing("rrt", seconds=0.204),
        timing("single-stage", "end to end", 0.1),
        timing("better", "end to end", 0.11),
        timing("rootsift", "end to end", 2.0),
        timing("rrt", "end to end"),
        *(
            timing("better", seconds=0.002 * size / M, shortlist=size, pairs_a_query=size, memory=None)
            for size in (50, 200)
        ),
        # A longer shortlist than the database is no size of its own.
        timing("better", seconds=0.004, shortlist=800, pairs_a_query=300, memory=None),
    ]


def record(timings: list[MethodTiming], **more: Any) -> TimingRecord:
    told = Stopwatch().record(
        "time", suite="tiny", dataset="toy", parameters={"shortlist": M, "backbone": "mini"}
    )
    facts: dict[str, Any] = {
        "record": told,
        "noise": [NOISE.model_copy(update={"scope": scope}) for scope in ("scoring", "end to end")],
        "machine": {
            "threads": {"torch": 2, "OMP_NUM_THREADS": None},
            "cpu_frequency": {"governor": "performance", "current_mhz": 2400.0, "max_mhz": None},
            "gpus": [{"name": "Card <9>", "sm_mhz": 1200.0, "power_limit_w": 350.0}],
        },
    }
    return TimingRecord(timings=timings, **facts | more)


def groups_of(root: Path, timings: TimingRecord | None = None) -> list[SpeedGroup]:
    if timings is not None:
        write_timings(root / "timing" / "mini" / "toy" / "plain.json", timings)
    study = read_study(root)
    return speed_groups(study, group_results(study))


def rows_of(text: str) -> dict[tuple[str, str], dict[str, str]]:
    return {(row["scope"], row["reranker"]): row for row in csv.DictReader(io.StringIO(text))}


boxes = st.tuples(st.floats(20, 90), st.floats(8, 24))


places = st.tuples(st.floats(0, 380), st.floats(0, 260))


points = st.builds(Point, st.just("x"), st.floats(1e-6, 1e3), st.floats(0, 1), st.just("kind"))


seconds = st.one_of(st.none(), st.floats(1e-7, 1e4))
