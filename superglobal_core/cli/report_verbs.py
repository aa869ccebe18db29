"""Verbs that set runs beside each other: compare, leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import Out, app


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(help="folders of results, two or more; the first is the reference")
    ],
    out: Out,
) -> None:
    """Set runs side by side: which digits changed, beyond chance or not, and what differs in their provenance."""
    from superglobal_core.steps.compare import compare_step

    for line in compare_step(runs, out):
        typer.echo(line)
