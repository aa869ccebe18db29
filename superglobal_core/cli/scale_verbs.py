"""Verbs of how cost grows with the database: planted descriptors, and one size measured."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import Databases, Device, Out, Queries, app
from superglobal_core.cli.output import kept, show


@app.command("planted-descriptors")
def planted_descriptors(
    out: Out,
    rows: Annotated[
        str | None,
        typer.Option(help="FIRST..END of the database; without it the queries and the ground truth"),
    ] = None,
    seed: Annotated[int, typer.Option(help="everything drawn follows from it")] = 0,
    dimension: Annotated[int, typer.Option(help="of a descriptor")] = 2048,
    landmarks: Annotated[int, typer.Option(help="how many landmarks are planted")] = 14,
    easy: Annotated[int, typer.Option(help="easy images of each landmark")] = 20,
    hard: Annotated[int, typer.Option(help="hard images of each landmark")] = 30,
    junk: Annotated[int, typer.Option(help="junk images of each landmark")] = 10,
    within: Annotated[int, typer.Option(help="the first so many rows hold all of these")] = 10_000,
    queries: Annotated[int, typer.Option(help="how many queries")] = 70,
    shard_size: Annotated[int, typer.Option(help="rows in a shard")] = 10_000,
    replace: Annotated[bool, typer.Option("--replace", help="draw a folder of others anew")] = False,
) -> None:
    """Draw descriptors of landmarks among distractors: any rows of a database of any size."""
    from superglobal_core.features.planted import Planted
    from superglobal_core.steps.planted import planted_step

    world = Planted(seed, dimension, landmarks, easy, hard, junk, within, queries)
    done = planted_step(world, out, rows, shard_size, replace)
    show(
        f"{done.shards} shards, {done.found_done} of them done before: {out}",
        shards=done.shards,
        found_done=done.found_done,
        out=out,
    )


@app.command()
def scale(
    queries: Queries,
    database: Databases,
    groundtruth: Annotated[Path, typer.Option(help="gnd_*.pkl")],
    out: Out,
    k: Annotated[int, typer.Option("--k", help="places of the search")] = 400,
    shortlist: Annotated[int, typer.Option(help="M: candidates put into a new order")] = 400,
    neighbours: Annotated[int, typer.Option(help="K")] = 9,
    beta: Annotated[float, typer.Option(help="weight of a neighbour")] = 0.15,
    repeats: Annotated[int, typer.Option(help="samples of each stage")] = 5,
    suite: Annotated[str | None, typer.Option(help="recorded with the result")] = None,
    device: Device = "auto",
) -> None:
    """Measure search, ranks, reranking and evaluation on one database: time and peak memory."""
    from superglobal_core.steps.scale import scale_step
    from superglobal_core.steps.scale_works import Asked

    asked = Asked(queries, database, groundtruth, k, shortlist, neighbours, beta, device)
    said: list[str] = []
    lines = itertools.chain(scale_step(asked, out, repeats, suite), [f"every sample is in {out}"])
    show(kept(lines, said), out=out, lines=said)
