"""Verbs about the whole: report, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import Out, app


@app.command()
def report(
    results: Annotated[Path, typer.Option(help="a suite's folder of results")],
    out: Out,
) -> None:
    """Write the report: one page and tables."""
    from superglobal_core.reporting.report import write_report

    typer.echo(f"the report is {write_report(results, out)}")


@app.command()
def doctor() -> None:
    """Say what this machine can run and what is missing."""
    from superglobal_core.doctor import examine

    for finding in examine():
        typer.echo(f"{'ok     ' if finding.ok else 'missing'}  {finding.name:13} {finding.found}")
        if not finding.ok and finding.advice:
            typer.echo(f"{'':23} {finding.advice}")
