"""Verbs about the whole: report, doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import Boxes, Checkpoint, Device, Out, app
from superglobal_core.cli.choices import among
from superglobal_core.cli.output import kept, show
from superglobal_core.errors import UserError
from superglobal_core.reranking.names import METHOD_NAMES


@app.command()
def report(
    results: Annotated[Path, typer.Option(help="a suite's folder of results")],
    out: Out,
    only: Annotated[
        list[str] | None,
        typer.Option(help="only this page: statistics, ablation, parameters or verdict; may be given again"),
    ] = None,
    small: Annotated[
        bool, typer.Option("--small", help="charts as drawings alone, without PDF: smaller pages")
    ] = False,
) -> None:
    """Write the report: pages and tables."""
    from superglobal_core.reporting.report import write_pages, write_report

    if only:
        pages = write_pages(results, out, only, small)
        show(f"written: {', '.join(map(str, pages))}", pages=pages)
        return
    written = write_report(results, out, small)
    show(f"the report is {written}", report=written)


@app.command()
def verify(
    results: Annotated[Path, typer.Argument(help="a suite's folder of results")],
    report: Annotated[Path | None, typer.Option(help="its report's folder: compare its tables too")] = None,
    out: Annotated[Path | None, typer.Option(help="where to write all that was found (JSON)")] = None,
) -> None:
    """Recompute every metric from the stored rankings and say what disagrees."""
    from superglobal_core.steps.verify_results import verify_results

    done = verify_results(results, report, out)
    show(done.lines(), agrees=done.agrees, results=done.as_dict()["results"])
    raise typer.Exit(0 if done.agrees else 1)


@app.command("time")
def time_methods(
    out: Out,
    methods: Annotated[
        str | None,
        typer.Option(
            help=f"names with commas between: {', '.join(METHOD_NAMES)}",
            autocompletion=among(*METHOD_NAMES),
        ),
    ] = None,
    queries: Annotated[
        Path | None, typer.Option(help="query descriptors: .npy or a folder of shards")
    ] = None,
    database: Annotated[
        list[Path], typer.Option("--database", help="database descriptors; give it again for distractors")
    ] = [],  # noqa: B006
    preset: Annotated[
        str | None, typer.Option(help="paper: every method at the paper's size, inputs drawn where not given")
    ] = None,
    shortlist: Annotated[int, typer.Option(help="M: candidates a query")] = 400,
    sizes: Annotated[
        str | None, typer.Option(help="other shortlists to time for scoring, for example 50,100,200")
    ] = None,
    scopes: Annotated[
        str, typer.Option(help="what the clock encloses, with commas between")
    ] = "scoring,from storage,end to end",
    repeats: Annotated[int, typer.Option(help="samples of each method and scope")] = 20,
    timed_queries: Annotated[int, typer.Option(help="queries that are timed, in turn")] = 10,
    budget: Annotated[float, typer.Option(help="seconds a method may take in a scope")] = 30.0,
    query_images: Annotated[
        Path | None, typer.Option(help="folder or list: for local features and end to end")
    ] = None,
    database_images: Annotated[
        list[Path], typer.Option(help="folder or list; give it again for distractors")
    ] = [],  # noqa: B006
    boxes: Boxes = None,
    backbone: Annotated[str | None, typer.Option(help="network that describes the queries")] = None,
    checkpoint: Checkpoint = None,
    descriptor: Annotated[str, typer.Option(help="its preset: superglobal or cvnet-global")] = "superglobal",
    xfeat: Annotated[Path | None, typer.Option(help="xfeat.onnx")] = None,
    rrt: Annotated[Path | None, typer.Option(help="RRT's weights")] = None,
    local: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND=QUERIES,DATABASE[,...]", help="local features that were extracted"),
    ] = None,
    suite: Annotated[Path | None, typer.Option(help="suite.json: names are then its methods'")] = None,
    dataset: Annotated[str | None, typer.Option(help="recorded with the result")] = None,
    precision: Annotated[str, typer.Option(help="of local methods' networks on a GPU")] = "float16",
    seed: Annotated[int, typer.Option(help="of random weights and intervals")] = 0,
    device: Device = "auto",
) -> None:
    """Time rerankers in turn on the same shortlists, scope by scope, strictly alone."""
    from superglobal_core.steps.time import Request, time_step

    request = Request(
        methods=None if methods is None else [name.strip() for name in methods.split(",") if name.strip()],
        queries=queries,
        databases=database,
        shortlist=shortlist,
        sizes=whole_numbers(sizes, "--sizes"),
        scopes=[name.strip() for name in scopes.split(",")],
        repeats=repeats,
        timed_queries=timed_queries,
        budget_s=budget,
        query_images=query_images,
        database_images=database_images,
        boxes=boxes,
        backbone=backbone,
        checkpoint=checkpoint,
        descriptor=descriptor,
        weights={"xfeat": xfeat, "rrt": rrt},
        local=local or [],
        suite=suite,
        dataset=dataset,
        precision=precision,
        seed=seed,
        device=device,
    )
    said: list[str] = []
    show(kept(time_step(request, out, preset), said), out=out, lines=said)


@app.command()
def doctor(
    suite: Annotated[
        list[Path] | None,
        typer.Option(
            help="a suite's YAML to say the cost of; by default paper-small's and paper's; may be given again"
        ),
    ] = None,
    measure: Annotated[
        bool, typer.Option("--measure/--no-measure", help="measure this machine for a few seconds")
    ] = True,
    bandwidth: Annotated[float, typer.Option(help="megabytes a second of the network, assumed")] = 10.0,
    root: Annotated[Path, typer.Option(help="the folder of everything downloaded")] = Path("data"),
    device: Device = "auto",
) -> None:
    """Say what this machine can run, what is missing, and what the paper's suites would cost here."""
    from superglobal_core.steps.doctor import doctor_step

    done = doctor_step(suite or (), measure=measure, bandwidth_mbs=bandwidth, root=root, device=device)
    show(done.lines(), **done.as_dict())


def whole_numbers(text: str | None, option: str) -> list[int]:
    """Read whole numbers with commas between them."""
    try:
        return [] if text is None else [int(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise UserError(
            f"{option} {text}: give whole numbers with commas between them, for example 50,100,200"
        ) from error
