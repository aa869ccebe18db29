"""Verbs about methods: check-method."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import app


@app.command("check-method")
def check_method(
    methods: Annotated[
        list[str] | None, typer.Argument(metavar="NAME_OR_FOLDER", help="methods, or folders of methods")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="all methods in workflow/methods")] = False,
    json: Annotated[Path | None, typer.Option(help="also write the findings here")] = None,
) -> None:
    """Check on small data that a method keeps to what every method does."""
    from superglobal_core.steps.check_method import check_step

    failed = False
    for name, finding in check_step(methods or [], every=every, json=json):
        failed |= finding.state == "failed"
        reason = f": {finding.reason}" if finding.reason else ""
        typer.echo(f"{finding.state:8}  {name}  {finding.check}{reason}")
    raise typer.Exit(int(failed))
