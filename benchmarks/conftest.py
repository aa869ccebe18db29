"""Benchmarks: each figure is measured in one run with what it is compared to."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from superglobal_core.files import write_json
from superglobal_core.results import Stopwatch

RECORD = Path("results/bench.json")
_figures: list[dict[str, Any]] = []
_watch = Stopwatch()


@pytest.fixture
def against(benchmark: Any) -> Callable[..., float]:
    """Time a function in turn with its baselines (B A B A ...) and keep every sample.

    `against(ours, {"name": baseline}, rounds)` returns the median over the rounds of ours divided
    by the first baseline's.
    """

    def measure(ours: Callable[[], Any], baselines: dict[str, Callable[[], Any]], rounds: int = 7) -> float:
        samples: dict[str, list[float]] = {name: [] for name in baselines}

        def run_baselines() -> None:
            for name, baseline in baselines.items():
                start = time.perf_counter()
                baseline()
                samples[name].append(time.perf_counter() - start)

        run_baselines()  # warm-up, as the one of ours below
        for taken in samples.values():
            taken.clear()
        ours()
        benchmark.pedantic(ours, setup=run_baselines, rounds=rounds, iterations=1, warmup_rounds=0)
        own = list(benchmark.stats.stats.data)
        first = next(iter(samples.values()))
        benchmark.extra_info["samples_s"] = {"ours": own, **samples}
        return statistics.median(a / b for a, b in zip(own, first, strict=True))

    return measure


@pytest.fixture
def figure(benchmark: Any, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Note a figure beside its target; the summary prints both, and the record keeps them."""

    def note(name: str, value: float, target: float, unit: str, at_most: bool = True) -> None:
        met = value <= target if at_most else value >= target
        benchmark.extra_info[name] = value
        _figures.append(
            {
                "benchmark": request.node.name,
                "figure": name,
                "value": round(value, 3),
                "target": f"{'at most' if at_most else 'at least'} {target:g}",
                "unit": unit,
                "met": met,
                "samples_s": benchmark.extra_info.get("samples_s"),
            }
        )

    return note


@pytest.fixture(scope="session")
def peak_of() -> Callable[[str], float]:
    """Run a script in a fresh process and return the MB that its `work()` took beyond what `inputs()` holds."""

    def run(script: str) -> float:
        done = subprocess.run(
            [sys.executable, "-c", _MEMORY_PROBE.format(script=script)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return float(json.loads(done.stdout.splitlines()[-1]))

    return run


# Linux resets a process's high-water mark when 5 is written to clear_refs.
_MEMORY_PROBE = """
import gc, json, re
{script}
def status(key):
    return int(re.search(key + r":\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1000
inputs()
gc.collect()
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
work()
print(json.dumps(status("VmHWM") - before))
"""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print each figure beside its target and write the record."""
    if not _figures:
        return
    terminalreporter.section("figures")
    for entry in _figures:
        verdict = "met" if entry["met"] else "NOT MET"
        terminalreporter.line(
            f"{entry['benchmark']}: {entry['figure']} {entry['value']:g} {entry['unit']} "
            f"({entry['target']} wanted: {verdict})"
        )
    record = _watch.record("bench").model_dump()
    write_json(RECORD, {"figures": _figures, "record": record})
    terminalreporter.line(f"record: {RECORD}")
