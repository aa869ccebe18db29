"""Verbs about parameters: sweep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import Databases, Device, Out, Queries, app

Shortlists = Annotated[str, typer.Option(help="values of M, with commas between them")]
Neighbours = Annotated[str, typer.Option(help="values of K")]
Betas = Annotated[str, typer.Option(help="values of beta")]


@app.command()
def sweep(
    queries: Queries,
    database: Databases,
    groundtruth: Annotated[Path, typer.Option(help="gnd_*.pkl")],
    out: Out,
    shortlists: Shortlists = "50,100,200,400",
    neighbours: Neighbours = "0,1,3,5,9,15",
    betas: Betas = "0,0.05,0.15,0.3,1",
    search: Annotated[
        Path | None, typer.Option(help="a search of these descriptors with this ground truth: reuse it")
    ] = None,
    suite: Annotated[str | None, typer.Option(help="recorded with the result")] = None,
    dataset: Annotated[str | None, typer.Option(help="recorded with the result")] = None,
    device: Device = "auto",
) -> None:
    """Evaluate SuperGlobal's reranking at every combination of M, K and beta."""
    from superglobal_core.reranking.grid import read_grid
    from superglobal_core.steps.sweep import sweep_step

    grid = read_grid(shortlists, neighbours, betas)
    done = sweep_step(
        queries,
        database,
        groundtruth,
        grid,
        out,
        search=search,
        device=device,
        suite=suite,
        dataset=dataset,
    )
    typer.echo(f"{len(done.points)} combinations of M, K and beta: {out}")
