"""The step `gather`: one folder of shards of several, or of a subset of their images."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from superglobal_core.features.gather import Gathered, gather
from superglobal_core.results import recorded


def gather_step(
    parts: Sequence[str | Path],
    out: str | Path,
    *,
    count: int | None = None,
    seed: int = 0,
    listed: str | Path | None = None,
) -> Gathered:
    """Gather into the folder `out`, with a `record.json` beside the shards that counts the images."""
    with recorded("gather", out) as facts:
        done = gather(parts, out, count=count, seed=seed, listed=listed)
        counts = dataclasses.asdict(done)
        facts["descriptor"] = counts.pop("descriptor")
        facts["parameters"] = {"parts": len(parts), **counts}
        facts["distractors"] = done.used
        facts["seed"] = seed
    return done
