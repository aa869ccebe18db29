"""Verbs that set runs beside each other: compare, leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import Out, app
from superglobal_core.cli.output import show


@app.command()
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(help="folders of results, two or more; the first is the reference", metavar="RUN..."),
    ],
    out: Out,
) -> None:
    """Set runs side by side: which digits changed, beyond chance or not, and what differs in their provenance."""
    from superglobal_core.steps.compare import compare_step

    lines = compare_step(runs, out)
    show(lines, runs=runs, out=out, page=out / "compare.html", figures=out / "compare.json", lines=lines)


@app.command()
def leaderboard(
    folders: Annotated[
        list[Path], typer.Argument(help="folders of results, or folders that contain some", metavar="DIR...")
    ],
    out: Annotated[Path | None, typer.Option(help="where to write the page and its files")] = None,
    by: Annotated[
        str | None, typer.Option(help="sort by DATASET/plain/medium and the like, method, run or date")
    ] = None,
) -> None:
    """Gather the methods of many runs into one table: best and second best where they are so beyond chance."""
    from superglobal_core.steps.leaderboard import leaderboard_step

    lines = leaderboard_step(folders, out, by)
    show(lines, folders=folders, out=out, lines=lines)
