"""Made-up records of sizes, whose growth is known."""

from __future__ import annotations

from typing import Any

from superglobal_core.scale_record import STAGES, Maps, ScaleRecord, StageMemory

# Seconds at one vector, and the exponent.
TIMES = {
    "floor": (2e-6, 1.0),
    "open": (1e-6, 1.0),
    "search": (3e-6, 1.0),
    "ranked": (3.5e-6, 1.0),
    "rerank": (0.4, 0.0),
    "evaluate": (0.01, 0.0),
    "whole": (4e-6, 1.0),
    "cold": (8e-6, 1.0),
}
BASE, A_VECTOR = 600_000_000, 100


def made_up(size: int, **changes: Any) -> ScaleRecord:
    """Return a record of a size whose times follow `TIMES`, and whose memory grows by `A_VECTOR` bytes."""
    samples = {
        stage: [at_one * size**power * wobble for wobble in (0.99, 1.0, 1.01)]
        for stage, (at_one, power) in TIMES.items()
    }
    memory = {
        stage: StageMemory(
            host_bytes=100_000_000 + A_VECTOR * size,
            device_bytes=None,
            how="made up",
            process_peak_bytes=BASE + A_VECTOR * size,
        )
        for stage in STAGES
    }
    hardware = {"cpu": "A processor", "cores": 2, "memory_bytes": 25_000_000_000}
    maps = Maps(easy=0.9, medium=0.8, hard=0.7)
    content: dict[str, Any] = {
        "size": size,
        "queries": 70,
        "dimension": 2048,
        "dtype": "float16",
        "array_bytes": 4096 * size,
        "sidecar_bytes": 20 * size,
        "labelled": 4200,
        "k": 400,
        "shortlist": 400,
        "repeats": 3,
        "samples_s": samples,
        "memory": memory,
        "cache_dropped": True,
        "single_stage": maps,
        "reranked": Maps(easy=0.95, medium=0.85, hard=None),
        "record": {
            "step": "scale",
            "date": "2024-05-06T07:08:09+00:00",
            "wall_time_s": 1.0,
            "hardware": hardware,
        },
    }
    return ScaleRecord(**content | changes)
