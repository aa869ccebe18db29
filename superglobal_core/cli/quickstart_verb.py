"""The verb for somebody's own photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import Device, app
from superglobal_core.cli.choices import among
from superglobal_core.cli.output import show, show_note


@app.command()
def quickstart(
    folder: Annotated[Path, typer.Argument(help="photographs, also in folders below")],
    out: Annotated[
        Path | None, typer.Option(help="where to write; quickstart-NAME in the current folder by default")
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="resnet50, resnet101, torchvision-resnet50 or mini; the best that is there by default"
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="its weights; looked for where download puts them by default")
    ] = None,
    device: Device = "auto",
    mode: Annotated[
        str,
        typer.Option(
            help="exact, or fast: half precision, checked against exact on a sample",
            autocompletion=among("exact", "fast"),
        ),
    ] = "exact",
    root: Annotated[Path, typer.Option(help="the folder of everything downloaded")] = Path("data"),
) -> None:
    """Make a search page of a folder of photographs: click on one, see its neighbours."""
    from superglobal_core.reasons import writable
    from superglobal_core.steps.quickstart import quickstart_step

    done = quickstart_step(
        folder,
        out,
        backbone=backbone,
        checkpoint=checkpoint,
        device=device,
        mode=mode,  # type: ignore[arg-type]
        root=root,
    )
    left_out = {writable(one.name): one.reason for one in done.left_out}
    for name, reason in left_out.items():
        show_note(f"left out: {name} {reason}")
    if done.network.warning:
        show_note(f"note: {done.network.warning}")
    news = "nothing has changed" if done.unchanged else f"{done.described} of them described now"
    show(
        [f"network: {done.network.title}", f"{done.photographs} photographs, {news}", f"open {done.page}"],
        network=done.network.title,
        photographs=done.photographs,
        described=done.described,
        left_out=left_out,
        page=done.page,
    )
