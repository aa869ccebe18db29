"""Verbs about parameters: sweep, tune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from superglobal_core.cli.app import Backbone, Checkpoint, Databases, Device, Out, Queries, app
from superglobal_core.cli.output import show
from superglobal_core.errors import UserError

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
    show(
        f"{len(done.points)} combinations of M, K and beta: {out}",
        combinations=len(done.points),
        out=out,
    )


@app.command()
def tune(
    groundtruth: Annotated[Path, typer.Option(help="gnd_*.pkl of the data set to tune on")],
    out: Out,
    half: Annotated[
        bool, typer.Option("--half", help="tune on half of the queries, report on the other half")
    ] = False,
    report_groundtruth: Annotated[
        Path | None, typer.Option(help="gnd_*.pkl of the data set to report on, instead of --half")
    ] = None,
    queries: Annotated[
        Path | None, typer.Option(help="query descriptors to tune on (or give --query-images)")
    ] = None,
    database: Annotated[
        list[Path], typer.Option("--database", help="database descriptors; give it again for distractors")
    ] = [],  # noqa: B006
    candidate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=QUERIES,DATABASE[,...]",
            help="descriptors to choose instead, made with other p, p_r or alpha; may be given again",
        ),
    ] = None,
    report_queries: Annotated[Path | None, typer.Option(help="query descriptors to report on")] = None,
    report_database: Annotated[
        list[Path], typer.Option(help="database descriptors to report on; may be given again")
    ] = [],  # noqa: B006
    report_candidate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=QUERIES,DATABASE[,...]", help="each --candidate's on the data set to report on"
        ),
    ] = None,
    query_images: Annotated[
        Path | None, typer.Option(help="folder or list of query images: descriptors are extracted from them")
    ] = None,
    images: Annotated[
        list[Path], typer.Option(help="folder or list of database images; give it again for distractors")
    ] = [],  # noqa: B006
    report_query_images: Annotated[Path | None, typer.Option(help="query images to report on")] = None,
    report_images: Annotated[
        list[Path], typer.Option(help="database images to report on; may be given again")
    ] = [],  # noqa: B006
    backbone: Backbone = "resnet50",
    checkpoint: Checkpoint = None,
    precision: Annotated[
        str, typer.Option(help="of the extraction: float32, bfloat16 or float16")
    ] = "float32",
    p: Annotated[str, typer.Option("--p", help="values of GeM+'s exponent to try, from images")] = "4.6",
    p_r: Annotated[str, typer.Option("--p-r", help="values of Regional-GeM's exponent to try")] = "2.5",
    alpha: Annotated[str, typer.Option(help="values of ReLUP's floor to try")] = "0.014",
    shortlists: Annotated[
        str, typer.Option(help="values of M, with commas between them; the defaults are tried besides")
    ] = "50,100,200,400",
    neighbours: Neighbours = "0,1,3,5,9,15",
    betas: Betas = "0,0.05,0.15,0.3,1",
    protocol: Annotated[str, typer.Option(help="whose mAP is maximised: easy, medium or hard")] = "medium",
    seed: Annotated[int, typer.Option(help="of the halves and the intervals")] = 0,
    suite: Annotated[str | None, typer.Option(help="recorded with the result")] = None,
    dataset: Annotated[str | None, typer.Option(help="recorded with the result")] = None,
    report_dataset: Annotated[str | None, typer.Option(help="recorded with the result")] = None,
    device: Device = "auto",
) -> None:
    """Choose parameters on some queries, and report them on others beside the defaults.

    The defaults are always among the settings to choose from, whatever the values given.
    """
    from superglobal_core.reranking.grid import read_grid, read_numbers
    from superglobal_core.steps.tune import DataSet, tune_step
    from superglobal_core.steps.tuning_inputs import Exponents, Network, tuning_source

    grid = read_grid(shortlists, neighbours, betas)
    exponents = Exponents(read_numbers(p, "--p"), read_numbers(p_r, "--p-r"), read_numbers(alpha, "--alpha"))
    network = Network(backbone, checkpoint, precision, device)  # type: ignore[arg-type]
    work = out.with_suffix(".work")
    report = None
    if report_groundtruth is not None:
        source = tuning_source(
            report_groundtruth,
            report_queries,
            report_database,
            report_candidate or [],
            report_query_images,
            report_images,
            exponents,
            network,
            work / "reported",
            option="--report-",
        )
        report = DataSet(report_groundtruth, source, report_dataset)
    elif report_queries or report_database or report_candidate or report_query_images or report_images:
        raise UserError("--report-groundtruth is missing: the labels of the data set to report on")
    source = tuning_source(
        groundtruth,
        queries,
        database,
        candidate or [],
        query_images,
        images,
        exponents,
        network,
        work / "tuned",
    )
    done = tune_step(
        DataSet(groundtruth, source, dataset),
        report,
        grid,
        out,
        half=half,
        criterion=protocol,
        seed=seed,
        device=device,
        suite=suite,
    )
    chosen = done.tuned
    sides = (("tuned on", done.tuned_on), ("reported on", done.reported_on))
    show(
        [
            f"chosen of {done.settings_tried} settings: descriptor {chosen.descriptor}, M {chosen.shortlist}, "
            f"K {chosen.neighbours}, beta {chosen.beta:g}",
            *(
                f"{what:11} {side.dataset}, {side.part}: {_figures(side, done.criterion)}"
                for what, side in sides
            ),
        ],
        settings_tried=done.settings_tried,
        tuned=chosen,
        map={
            what.replace(" ", "_"): {
                "dataset": side.dataset,
                "part": side.part,
                "untuned": side.untuned.map,
                "tuned": side.tuned.map,
            }
            for what, side in sides
        },
        out=out,
    )


def _figures(side: Any, protocol: str) -> str:
    untuned, tuned = (accuracy.map[protocol] for accuracy in (side.untuned, side.tuned))
    if untuned is None or tuned is None:
        return f"no query has positives under {protocol.capitalize()}"
    return f"mAP {protocol.capitalize()} {100 * untuned:.2f} untuned, {100 * tuned:.2f} tuned"
