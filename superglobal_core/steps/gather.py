"""The step `gather`: several folders of shards to one, or to a subset of their images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from superglobal_core.features.gather import Gathered, gather
from superglobal_core.files import make_folder
from superglobal_core.reasons import KEY, reason_in
from superglobal_core.results import recorded
from superglobal_core.steps.inputs import given_files, shard_inputs


def gather_step(
    parts: Sequence[str | Path],
    out: str | Path,
    count: int | None = None,
    seed: int = 0,
    listed: str | Path | None = None,
) -> Gathered | str:
    """Gather into the folder `out`, with a `record.json` beside the shards; see `gather`.

    Where a part says why it could not be made, the record says it too, and it is returned.
    """
    reason = next((found for part in parts if (found := reason_in(part)) is not None), None)
    if reason is not None:
        make_folder(out)
        with recorded("gather", out) as facts:
            facts["parameters"] = {KEY: reason}
        return reason
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
