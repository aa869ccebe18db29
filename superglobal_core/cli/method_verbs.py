"""Verbs about methods: a new one, whether it conforms, and what the workflow does around programs."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import Boxes, Databases, LocalFolders, Out, Queries, SayWhy, app
from superglobal_core.cli.choices import among
from superglobal_core.cli.output import show

Search = Annotated[Path, typer.Option(help="the search of these descriptors")]
Truth = Annotated[Path, typer.Option(help="gnd_*.pkl")]
Images = Annotated[Path, typer.Option(help="a folder of images, or a text file with one path a line")]
Stage = Annotated[str, typer.Option(help="reranker or search", autocompletion=among("reranker", "search"))]
Shortlist = Annotated[int, typer.Option(help="M: candidates put into a new order")]
Folder = Annotated[Path, typer.Option("--method", help="the method's folder")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="a parameter, for the record; may be given again"),
]


@app.command("check-method")
def check_method(
    methods: Annotated[
        list[str] | None, typer.Argument(metavar="NAME_OR_FOLDER", help="methods, or folders of methods")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="all methods in workflow/methods")] = False,
    weights: Annotated[Path | None, typer.Option(help="for a class that needs weights: its file")] = None,
    dimension: Annotated[int, typer.Option(help="of the descriptors that are drawn")] = 32,
    out: Annotated[Path | None, typer.Option(help="also write the findings here (JSON)")] = None,
) -> None:
    """Check on small data that a method keeps to what every method does."""
    from superglobal_core.steps.check_method import check_step

    found = []

    def lines() -> Iterator[str]:
        for name, finding in check_step(
            methods or [], every=every, weights=weights, dimension=dimension, json=out
        ):
            found.append({"method": name, **dataclasses.asdict(finding)})
            reason = f": {finding.reason}" if finding.reason else ""
            yield f"{finding.state:8}  {name}  {finding.check}{reason}"

    show(lines(), checks=found)
    raise typer.Exit(int(any(one["state"] == "failed" for one in found)))


@app.command("new-method")
def new_method(
    name: Annotated[str, typer.Argument(help="the folder's name, by which suites call the method")],
    kind: Annotated[
        str,
        typer.Option(
            help="reranker, program, descriptor or results",
            autocompletion=among("reranker", "program", "descriptor", "results"),
        ),
    ],
    folder: Annotated[Path, typer.Option(help="the folder above it")] = Path("workflow/methods"),
) -> None:
    """Write a method's folder to begin with."""
    from superglobal_core.steps.new_method import new_method_step

    show(new_method_step(name, kind, folder), name=name, folder=folder / name)


@app.command("hand-over")
def hand_over(
    queries: Queries,
    database: Databases,
    search: Search,
    groundtruth: Truth,
    out: Out,
    stage: Stage = "reranker",
    shortlist: Shortlist = 400,
    local_queries: LocalFolders = [],  # noqa: B006
    local_database: LocalFolders = [],  # noqa: B006
) -> None:
    """Write the folder that a method's program is given."""
    from superglobal_core.steps.hand_over import hand_over_step

    reason = hand_over_step(
        queries,
        database,
        out,
        search=search,
        groundtruth=groundtruth,
        stage=stage,  # type: ignore[arg-type]
        shortlist=shortlist,
        local_queries=local_queries,
        local_database=local_database,
    )
    show(
        f"nothing to hand over: {reason}" if reason else f"what a program is given: {out}",
        cannot_run=reason,
        out=out,
    )


@app.command("hand-over-images")
def hand_over_images(images: Images, out: Out, boxes: Boxes = None) -> None:
    """Write the folder that a program which describes images is given."""
    from superglobal_core.steps.hand_over import hand_over_images_step

    count = hand_over_images_step(images, out, boxes)
    show(f"{count} images: {out}", images=count, out=out)


@app.command()
def attempt(
    method: Folder,
    out: Annotated[Path, typer.Option(help="the file that the program leaves")],
    log: Annotated[Path, typer.Option(help="where what it says goes")],
) -> None:
    """Run a method's program (bash, from standard input); where it fails, write why in place of its result."""
    from superglobal_core.steps.attempt import attempt_step

    code, reason = attempt_step(method, sys.stdin.read(), out, log)
    show([f"it cannot run: {reason}"] if reason is not None else [], cannot_run=reason, out=out)
    raise typer.Exit(code)


@app.command()
def adopt(
    order: Annotated[
        Path, typer.Option(help="what was left: .npy (queries x places) of integers, best first")
    ],
    queries: Queries,
    database: Databases,
    search: Search,
    groundtruth: Truth,
    out: Out,
    method: Annotated[str, typer.Option(help="the method's name, for the record")],
    stage: Stage = "reranker",
    shortlist: Shortlist = 400,
    settings: Settings = None,
    brought: Annotated[
        bool,
        typer.Option("--brought", help="numbers are places in the ground truth's list, not database rows"),
    ] = False,
    say_why: SayWhy = False,
) -> None:
    """Check an order that a program left, or a ranking brought along, and make it a ranking."""
    from superglobal_core.reranking.methods import parse_settings
    from superglobal_core.steps.adopt import Adopted, adopt_step

    adopted = Adopted(order, method, stage, shortlist, parse_settings(settings or []), brought)  # type: ignore[arg-type]
    done = adopt_step(
        adopted, queries, database, out, search=search, groundtruth=groundtruth, say_why=say_why
    )
    if isinstance(done, str):
        show(f"no ranking: {done}", cannot_run=done, out=out)
    else:
        show(f"{len(done.indices)} queries: {out}", queries=len(done.indices), out=out)


@app.command("adopt-descriptors")
def adopt_descriptors(
    rows: Annotated[Path, typer.Option(help="what was left: .npy (images x dimensions)")],
    images: Images,
    out: Out,
    method: Annotated[str, typer.Option(help="the method's name, for the record")],
    settings: Settings = None,
    digest: Annotated[str | None, typer.Option(help="of the method's folder, for the record")] = None,
    boxes: Boxes = None,
    say_why: SayWhy = False,
) -> None:
    """Check descriptors that a program left, and make shards of them."""
    from superglobal_core.reranking.methods import parse_settings
    from superglobal_core.steps.adopt_descriptors import adopt_descriptors_step

    reason = adopt_descriptors_step(
        rows,
        images,
        out,
        method=method,
        parameters=parse_settings(settings or []),
        digest=digest,
        boxes=boxes,
        say_why=say_why,
    )
    show(f"no descriptors: {reason}" if reason else f"descriptors are in {out}", cannot_run=reason, out=out)
