"""What a study ran on: its machines, the versions of its software, and the states of its code."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import StoredRecord

#: what tells machines apart; a GPU is recorded by the steps alone that could use it
MACHINE = ("cpu", "cores", "memory_bytes", "system")
UNKNOWN = "not recorded"


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine, in words, and how many steps ran on it."""

    cpu: str
    cores: str
    memory: str
    gpu: str
    driver: str
    system: str
    threads: str
    steps: int


@dataclasses.dataclass(frozen=True)
class Version:
    """A version of a package and how many steps used it."""

    package: str
    version: str
    steps: int


@dataclasses.dataclass(frozen=True)
class State:
    """A state of the code: a commit (None where not recorded), and how many steps it made.

    dirty: whether it had changes that are in no commit; None where not recorded.
    """

    version: str | None
    commit: str | None
    dirty: bool | None
    steps: int

    @property
    def sentence(self) -> str:
        return {True: "changed since (dirty)", False: "clean", None: UNKNOWN}[self.dirty]


@dataclasses.dataclass(frozen=True)
class StepTotal:
    """All files of one step together: their time, and the peak of the one that needed most memory."""

    step: str
    files: int
    wall_time_s: float
    longest_s: float
    peak_memory_bytes: int | None


def machines(records: Sequence[StoredRecord]) -> list[Machine]:
    """List the machines in the order of their first step."""
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for record in records:
        found.setdefault(tuple(record.hardware.get(key) for key in MACHINE), []).append(record.hardware)
    listed = []
    for (cpu, cores, memory, system), facts in found.items():
        drivers = [f"driver {each['driver']}" for each in facts if each.get("driver")]
        cudas = [f"CUDA {each['cuda']}" for each in facts if each.get("cuda")]
        gpu = _joined(each.get("gpu") for each in facts)
        listed.append(
            Machine(
                str(cpu or UNKNOWN),
                str(cores or UNKNOWN),
                texts.size(memory) if isinstance(memory, int) else UNKNOWN,
                gpu or "none used",
                _joined([*drivers, *cudas]) or (UNKNOWN if gpu else texts.ABSENT),
                str(system or UNKNOWN),
                _joined(each.get("threads") for each in facts) or UNKNOWN,
                len(facts),
            )
        )
    return listed


def versions(records: Sequence[StoredRecord]) -> list[Version]:
    """List every version of every package, in the records' order of packages."""
    counts: dict[str, dict[str, int]] = {}
    for record in records:
        for package, version in record.software.items():
            if version:
                known = counts.setdefault(package, {})
                known[version] = known.get(version, 0) + 1
    return [
        Version(package, version, steps)
        for package, known in counts.items()
        for version, steps in known.items()
    ]


def absent(records: Sequence[StoredRecord]) -> list[str]:
    """List the packages that were looked for and that no step had."""
    asked = dict.fromkeys(package for record in records for package in record.software)
    return [package for package in asked if not any(record.software.get(package) for record in records)]


def states(records: Sequence[StoredRecord]) -> list[State]:
    """List the states of the code, the one of the latest step first."""
    counts: dict[tuple[str | None, str | None, bool | None], int] = {}
    for record in reversed(records):
        code = record.code
        dirty = code.get("dirty")
        key = (code.get("version"), code.get("commit"), dirty if isinstance(dirty, bool) else None)
        counts[key] = counts.get(key, 0) + 1
    return [State(*key, steps) for key, steps in counts.items()]


def totals(records: Sequence[StoredRecord]) -> list[StepTotal]:
    """Sum the records up by step, the longest first."""
    grouped: dict[str, list[StoredRecord]] = {}
    for record in records:
        grouped.setdefault(record.step, []).append(record)
    summed = []
    for step, mine in grouped.items():
        peaks = [record.peak_memory_bytes for record in mine if record.peak_memory_bytes is not None]
        times = [record.wall_time_s for record in mine]
        summed.append(StepTotal(step, len(mine), sum(times), max(times), max(peaks, default=None)))
    return sorted(summed, key=lambda total: (-total.wall_time_s, total.step))


def _joined(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values if value))
