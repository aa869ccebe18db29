"""Verbs of an ablation: one switch or module changed at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import Boxes, Checkpoint, Databases, Device, Out, Queries, app
from superglobal_core.cli.output import show

SavedSuite = Annotated[
    Path, typer.Option(help="suite.json of a results folder: its `ablation` says what changes")
]
Base = Annotated[
    str, typer.Option(help="what changes are made from: the suite's descriptor, or NAME-on-BACKBONE")
]


@app.command("ablation-features")
def ablation_features(
    suite: SavedSuite,
    base: Base,
    split: Annotated[str, typer.Option(help="queries or database")],
    images: Annotated[Path, typer.Option(help="a folder of images, or a text file with one path a line")],
    out: Out,
    checkpoint: Checkpoint = None,
    boxes: Boxes = None,
    device: Device = "auto",
) -> None:
    """Describe images with every change of an ablation, sharing what changes have in common."""
    from superglobal_core.steps.ablation_features import ablation_features_step

    count = ablation_features_step(
        suite, base, split, images, out, checkpoint=checkpoint, boxes=boxes, device=device
    )
    show(f"descriptors of {count} changes: {out}", changes=count, out=out)


@app.command()
def ablate(
    suite: SavedSuite,
    base: Base,
    dataset: Annotated[str, typer.Option(help="recorded with the result")],
    queries: Queries,
    database: Databases,
    variants: Annotated[Path, typer.Option(help="folder with what ablation-features wrote for both splits")],
    groundtruth: Annotated[Path, typer.Option(help="gnd_*.pkl")],
    out: Out,
    search: Annotated[Path | None, typer.Option(help="the base's search: reuse its ranking")] = None,
    device: Device = "auto",
) -> None:
    """Search, rerank and evaluate every change of an ablation."""
    from superglobal_core.steps.ablate import ablate_step

    done = ablate_step(
        suite, base, dataset, queries, database, groundtruth, variants, out, search=search, device=device
    )
    show(
        f"{len(done.rows)} changes measured, {len(done.left_out)} left out: {out}",
        rows=done.rows,
        left_out=done.left_out,
        out=out,
    )
