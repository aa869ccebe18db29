"""The step `planted-descriptors`: landmarks planted among distractors, a range of rows or the queries."""

from __future__ import annotations

import re
from pathlib import Path

from superglobal_core.errors import UserError
from superglobal_core.features.planted import Planted
from superglobal_core.features.planted_shards import (
    Drawn,
    write_planted_queries,
    write_planted_rows,
)
from superglobal_core.files import make_folder
from superglobal_core.results import recorded


def parse_rows(text: str) -> tuple[int, int]:
    """Read a range of rows, the end not included.

    Raises:
        UserError: when it is none.

    >>> parse_rows("10000..30000")
    (10000, 30000)
    """
    found = re.fullmatch(r"(\d{1,15})\.\.(\d{1,15})", text.strip())
    if found is None or int(found[1]) >= int(found[2]):
        raise UserError(f"--rows is {text!r}: give the first row and the end after it, for example 0..10000")
    return int(found[1]), int(found[2])


def planted_step(
    world: Planted, out: str | Path, rows: str | None = None, shard_size: int = 10_000, replace: bool = False
) -> Drawn:
    """Draw rows of the database into the folder `out`, or without `rows` the queries and the ground truth.

    An interrupted run goes on where it was. `record.json` is written last; one that is there goes before
    the first file is written, and stays where the folder's descriptors are others, which are refused.
    """
    out = Path(out)
    span = None if rows is None else parse_rows(rows)
    make_folder(out)
    with recorded("planted-descriptors", out) as facts:
        if span is None:
            done = write_planted_queries(world, out, replace)
        else:
            done = write_planted_rows(world, out, *span, shard_size, replace)
        facts["descriptor"] = world.descriptor
        facts["parameters"] = {"rows": None if span is None else list(span), "shard_size": shard_size}
        facts["seed"] = world.seed
    return done
