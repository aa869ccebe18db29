"""The step `gather`: several folders of shards to one, or to a subset of their images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from superglobal_core.features.gather import Gathered, gather
from superglobal_core.results import recorded
from superglobal_core.steps.inputs import given_files, shard_inputs


def gather_step(
    parts: Sequence[str | Path],
    out: str | Path,
    count: int | None = None,
    seed: int = 0,
    listed: str | Path | None = None,
) -> Gathered:
    """Gather into the folder `out`, with a `record.json` beside the shards; see `gather`."""
    with recorded("gather", out) as facts:
        done = gather(
            [Path(part) for part in parts],
            Path(out),
            count=count,
            seed=seed,
            listed=None if listed is None else Path(listed),
        )
        facts["descriptor"] = done.descriptor
        facts["seed"] = seed
        facts["inputs"] = [*shard_inputs("part", parts), *given_files(list=listed)]
        facts["parameters"] = {"parts": [str(part) for part in parts], **done.counts}
    return done
