"""Planning databases larger than the measured ones: bytes, hours and machines from measured costs a vector."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

from superglobal_core.reporting import texts
from superglobal_core.reporting.scale_view import slope
from superglobal_core.reporting.table_formats import markdown_table
from superglobal_core.scale_record import ScaleRecord

PLANNED = (10_000_000, 100_000_000, 1_000_000_000)
# The share of a machine's memory that an index may fill: the system, queries and results need some.
FILLED = 0.8
# An exact search of all queries that takes no longer needs no index.
PATIENCE_S = 60.0
# Bytes a vector by construction, of indexes as faiss builds them: D coordinates of 4, 2 or 1 bytes; HNSW adds
# 2 x 32 links of 4 bytes on its ground layer; a product quantiser of 64 bytes adds an id of 8.
HNSW_LINKS, PQ_BYTES, ID_BYTES = 2 * 32 * 4, 64, 8
HEADINGS = (
    *(
        "Vectors",
        "On disk",
        "Exact search",
        "Machines that hold it",
        "Exact search by them",
        "Memory to stream",
    ),
    *("Flat float16", "SQ8", "HNSW32 float32", "IVF-PQ 64", "Index on one machine"),
)


@dataclasses.dataclass(frozen=True)
class Costs:
    """Costs a vector, measured at the largest size, and the machine that they were measured on.

    warm_s, cold_s: seconds of an exact search with ranks, from the page cache and from storage (None where
    storage was not read); streaming_bytes: memory that the whole takes beyond `base_bytes`.
    """

    size: int
    queries: int
    dimension: int
    disk_bytes: float
    warm_s: float
    cold_s: float | None
    base_bytes: float
    streaming_bytes: float
    memory_bytes: int
    machine: str


@dataclasses.dataclass(frozen=True)
class Planned:
    """One row of the plan; times in seconds for all queries together, memory in bytes."""

    vectors: int
    disk_bytes: float
    from_storage: bool
    exact_s: float
    machines: int
    shared_s: float
    streaming_bytes: float
    indexes: dict[str, float]
    choice: str


def costs_of(records: Sequence[ScaleRecord]) -> Costs | None:
    """Return the costs a vector; None where the largest size says too little of them, or of its machine."""
    last = max(records, key=lambda record: record.size)
    ranked, use = last.samples_s.get("ranked"), last.memory.get("whole")
    hardware = (last.record or {}).get("hardware") or {}
    memory = hardware.get("memory_bytes")
    if ranked is None or use is None or use.process_peak_bytes is None or not isinstance(memory, int):
        return None
    cold = last.samples_s.get("cold") if last.cache_dropped else None
    rest = sum(statistics.median(last.samples_s.get(stage, [0.0])) for stage in ("rerank", "evaluate"))
    growth = max(0.0, slope(records, "whole") or 0.0)
    return Costs(
        size=last.size,
        queries=last.queries,
        dimension=last.dimension,
        disk_bytes=(last.array_bytes + last.sidecar_bytes) / last.size,
        warm_s=statistics.median(ranked) / last.size,
        cold_s=None if cold is None else max(statistics.median(cold) - rest, 0.0) / last.size,
        base_bytes=use.process_peak_bytes - growth * last.size,
        streaming_bytes=growth,
        memory_bytes=memory,
        machine=f"{hardware.get('cpu')}, {hardware.get('cores')} cores, {texts.size(memory)}",
    )


def plan(costs: Costs, vectors: int) -> Planned:
    """Plan a database: every cost grows with the number of vectors.

    >>> costs = Costs(1000, 70, 2048, 4096.0, 4e-6, 6e-6, 5e8, 100.0, 24 * 10**9, "a machine")
    >>> found = plan(costs, 10_000_000)
    >>> found.from_storage, found.exact_s, found.machines, found.choice
    (True, 60.0, 3, 'exact')
    """
    room = FILLED * costs.memory_bytes
    disk = costs.disk_bytes * vectors
    outside = disk > room
    each = max(costs.warm_s, costs.cold_s or 0.0) if outside else costs.warm_s
    machines = math.ceil(disk / room)
    indexes = {
        "Flat float16": 2.0 * costs.dimension * vectors,
        "SQ8": 1.0 * costs.dimension * vectors,
        "HNSW32 float32": (4.0 * costs.dimension + HNSW_LINKS) * vectors,
        "IVF-PQ 64": (PQ_BYTES + ID_BYTES) * float(vectors),
    }
    return Planned(
        vectors=vectors,
        disk_bytes=disk,
        from_storage=outside,
        exact_s=each * vectors,
        machines=machines,
        shared_s=costs.warm_s * vectors / machines,
        streaming_bytes=costs.base_bytes + costs.streaming_bytes * vectors,
        indexes=indexes,
        choice=_choice(each * vectors, indexes, room),
    )


def _choice(exact_s: float, indexes: dict[str, float], room: float) -> str:
    if exact_s <= PATIENCE_S:
        return "exact"
    for name in ("SQ8", "IVF-PQ 64"):
        if indexes[name] <= room:
            return name
    return f"IVF-PQ 64 on {math.ceil(indexes['IVF-PQ 64'] / room)} machines"


def limits(costs: Costs) -> list[str]:
    """Say in sentences which way of searching fits up to which size, on one machine like the measured one."""
    room = FILLED * costs.memory_bytes
    quick = int(PATIENCE_S / costs.warm_s)
    held = int(room / costs.disk_bytes)
    ten_million = texts.duration((costs.cold_s or costs.warm_s) * 1e7)
    coded = int(room / (PQ_BYTES + ID_BYTES))
    return [
        f"Exact search answers {costs.queries} queries within {PATIENCE_S:.0f} s up to about "
        f"{_rough(min(quick, held))} vectors; the shards of {_rough(held)} stay in the page cache, and 10 million "
        f"streamed from storage take {ten_million}.",
        f"SQ8 fits into {FILLED:.0%} of the memory up to about {_rough(int(room / costs.dimension))} vectors, "
        f"IVF-PQ with 64 bytes a code up to {_rough(coded)}; beyond, vectors are shared among machines.",
    ]


def plan_markdown(records: Sequence[ScaleRecord]) -> str | None:
    """Return the plan as a Markdown table; None where the records say too little."""
    costs = costs_of(records)
    if costs is None:
        return None
    rows = [cells(plan(costs, vectors)) for vectors in PLANNED]
    return markdown_table(HEADINGS, rows, ["right"] * (len(HEADINGS) - 1) + ["left"])


def cells(row: Planned) -> list[str]:
    """Return a row's cells as texts, in the headings' order."""
    return [
        texts.count(row.vectors),
        large(row.disk_bytes),
        texts.duration(row.exact_s) + (", from storage" if row.from_storage else ""),
        texts.count(row.machines),
        texts.duration(row.shared_s),
        large(row.streaming_bytes),
        *(large(each) for each in row.indexes.values()),
        row.choice,
    ]


def large(number: float) -> str:
    """Return bytes in GB or TB with three digits.

    >>> large(4.1e9), large(4.1e12)
    ('4.10 GB', '4.10 TB')
    """
    return (
        f"{texts.significant(number / 1e12)} TB"
        if number >= 1e12
        else f"{texts.significant(number / 1e9)} GB"
    )


def _rough(number: int) -> str:
    return texts.significant(float(number), 2)
