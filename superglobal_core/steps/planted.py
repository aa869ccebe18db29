"""The step `planted-descriptors`: landmarks planted among distractors, a range of rows or the queries."""

from __future__ import annotations

import re
from pathlib import Path

from superglobal_core.data.space import free_space
from superglobal_core.errors import UserError
from superglobal_core.features.planted import BLOCK, Planted
from superglobal_core.features.planted_shards import (
    Drawn,
    write_planted_queries,
    write_planted_rows,
)
from superglobal_core.files import make_folder
from superglobal_core.progress import bytes_text
from superglobal_core.results import recorded
from superglobal_core.timing.machine import free_memory

# Bytes of an image's name, as text in a sidecar and as an object in a list.
NAME_ON_DISK, NAME_IN_MEMORY = 20, 80


def parse_rows(text: str) -> tuple[int, int]:
    """Read a range of rows, the end not included.

    Raises:
        UserError: when it is none.

    >>> parse_rows("10000..30000")
    (10000, 30000)
    """
    found = re.fullmatch(r"(\d{1,18})\.\.(\d{1,18})", text.strip())
    if found is None or int(found[1]) >= int(found[2]):
        raise UserError(f"--rows is {text!r}: give the first row and the end after it, for example 0..10000")
    return int(found[1]), int(found[2])


def check_room(world: Planted, out: Path, span: tuple[int, int] | None, shard_size: int) -> None:
    """Make sure that disk and memory hold what is to be drawn, before anything is.

    Raises:
        UserError: when they do not.
    """
    count = world.queries if span is None else span[1] - span[0]
    at_once = count if span is None else min(count, max(shard_size, 1))
    # Drawn as float32, in two copies for a while, and stored as float16; of rows a block at a time, with what
    # the landmarks look like and where they are.
    drawn = at_once * (2 * world.dimension + NAME_IN_MEMORY)
    blocks = at_once if span is None else BLOCK
    drawn += world.dimension * 4 * (2 * blocks + world.landmarks) + 8 * world.within
    if span is None:
        drawn += world.within * NAME_IN_MEMORY + world.queries * NAME_IN_MEMORY
    what = f"{count:,} {'queries' if span is None else 'rows'} of {world.dimension:,} numbers"
    free = free_memory()
    shards = "" if span is None else f" and {at_once:,} rows in a shard"
    if free is not None and drawn > free:
        raise UserError(
            f"{what}, with {world.landmarks:,} landmarks within {world.within:,} rows{shards}, "
            f"would take {bytes_text(drawn)} of memory, and {bytes_text(free)} are free: "
            "ask for fewer of them, or use a machine with more memory"
        )
    kept = sum(path.stat().st_size for path in out.glob("**/shard-*.npy"))
    stored, room = count * (2 * world.dimension + NAME_ON_DISK), free_space(out) + kept
    if stored > room:
        raise UserError(
            f"{what} would take {bytes_text(stored)} in {out}, and {bytes_text(room)} are free there: "
            "ask for fewer, free space, or choose another --out"
        )


def planted_step(
    world: Planted, out: str | Path, rows: str | None = None, shard_size: int = 10_000, replace: bool = False
) -> Drawn:
    """Draw rows of the database into the folder `out`, or without `rows` the queries and the ground truth.

    An interrupted run goes on where it was. `record.json` is written last; one that is there goes before
    the first file is written, and stays where the folder's descriptors are others, which are refused.
    """
    out = Path(out)
    span = None if rows is None else parse_rows(rows)
    check_room(world, out, span, shard_size)
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
