"""Verbs from descriptors to figures: search, rerank, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import (
    Backbone,
    Checkpoint,
    Databases,
    Device,
    Groundtruth,
    LocalFolders,
    Out,
    Queries,
    SayWhy,
    Weights,
    app,
)
from superglobal_core.reranking.names import METHOD_NAMES


@app.command()
def search(
    queries: Queries,
    database: Databases,
    out: Out,
    k: Annotated[int, typer.Option("--k", help="places a query")] = 400,
    groundtruth: Groundtruth = None,
    spare: Annotated[
        bool, typer.Option("--spare", help="as many more places as junk can take, for rerank --junk remove")
    ] = False,
    index: Annotated[
        Path | None, typer.Option(help="an index of this database (see index): search it, approximately")
    ] = None,
    effort: Annotated[
        int | None, typer.Option(help="the index's nprobe or efSearch, in place of its own")
    ] = None,
    device: Device = "auto",
    say_why: SayWhy = False,
) -> None:
    """Search exactly, or an index: the best k of each query, ties by index."""
    from superglobal_core.steps.cannot_run import passed_on
    from superglobal_core.steps.search import search_step

    if say_why and (reason := passed_on("search", out, [queries, *database])):
        typer.echo(f"nothing to search: {reason}")
        return
    ranking = search_step(queries, database, k, out, groundtruth, device, spare, index, effort)
    typer.echo(f"{ranking.indices.shape[0]} queries, {ranking.indices.shape[1]} places each: {out}")


@app.command()
def rerank(
    queries: Queries,
    database: Databases,
    out: Out,
    method: Annotated[
        str, typer.Option(help=f"one of {', '.join(METHOD_NAMES)}, or a method's folder")
    ] = "superglobal",
    shortlist: Annotated[int, typer.Option(help="M: candidates put into a new order")] = 400,
    neighbours: Annotated[
        int | None, typer.Option(help="of a candidate or the query (superglobal: 9)")
    ] = None,
    beta: Annotated[float | None, typer.Option(help="superglobal's weight of a neighbour (0.15)")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="any parameter of the method; may be given again"),
    ] = None,
    top: Annotated[int | None, typer.Option(help="places to write; the whole database by default")] = None,
    search: Annotated[
        Path | None, typer.Option(help="a search of these descriptors: reuse its shortlist")
    ] = None,
    groundtruth: Groundtruth = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="official, paper or cvnet: superglobal's switches and the junk, unless given here"),
    ] = None,
    junk: Annotated[
        str | None,
        typer.Option(
            help="images that a protocol ignores: keep (as by default) or remove from the shortlist"
        ),
    ] = None,
    local_queries: LocalFolders = [],  # noqa: B006
    local_database: LocalFolders = [],  # noqa: B006
    backbone: Backbone = "resnet50",
    checkpoint: Checkpoint = None,
    weights: Weights = None,
    untrained: Annotated[
        bool, typer.Option("--untrained", help="rerank by random weights where a method's are missing")
    ] = False,
    precision: Annotated[str, typer.Option(help="of local methods' networks")] = "float32",
    index: Annotated[
        Path | None, typer.Option(help="an index of this database (see index): it makes the shortlist")
    ] = None,
    reconstruct: Annotated[
        bool, typer.Option("--reconstruct", help="rebuild candidates' vectors from the index")
    ] = False,
    device: Device = "auto",
    say_why: SayWhy = False,
) -> None:
    """Put each query's shortlist into a new order."""
    from superglobal_core.steps.rerank_by_name import Wanted, rerank_by_name
    from superglobal_core.steps.rerank_protocol import protocol_junk

    ranking = rerank_by_name(
        Wanted(
            method,
            shortlist,
            settings or [],
            {"neighbours": neighbours, "beta": beta},
            (backbone, checkpoint, weights, device, precision),
            local_queries,
            local_database,
            untrained,
            protocol,
        ),
        queries,
        database,
        out,
        say_why=say_why,
        search=search,
        groundtruth=groundtruth,
        top=top,
        junk=junk or protocol_junk(protocol),
        device=device,
        index=index,
        reconstruct=reconstruct,
    )
    if isinstance(ranking, str):
        typer.echo(f"{method} cannot run: {ranking}")
        return
    if reconstruct:
        typer.echo(f"vectors {ranking.about['protocol']['vectors']}")
    typer.echo(f"{ranking.indices.shape[0]} queries, {ranking.indices.shape[1]} places each: {out}")


@app.command()
def evaluate(
    groundtruth: Annotated[Path, typer.Option(help="gnd_*.pkl")],
    out: Out,
    ranks: Annotated[
        Path | None, typer.Option(help=".npy (queries x places, best first) or .npz of search, rerank")
    ] = None,
    scores: Annotated[Path | None, typer.Option(help=".npy (queries x database), higher is better")] = None,
    bootstrap: Annotated[int, typer.Option(help="resamples for the intervals; 0 for none")] = 1000,
    seed: Annotated[int, typer.Option(help="the resampling's")] = 0,
    suite: Annotated[str | None, typer.Option(help="recorded with the result")] = None,
    dataset: Annotated[str | None, typer.Option(help="recorded with the result")] = None,
) -> None:
    """Evaluate under the revisited protocol: mAP and mP@k, Easy, Medium, Hard."""
    from superglobal_core.steps.evaluate import evaluate_step

    content = evaluate_step(
        groundtruth,
        out,
        ranks=ranks,
        scores=scores,
        bootstrap=bootstrap,
        seed=seed,
        suite=suite,
        dataset=dataset,
    )
    if "cannot_run" in content:
        typer.echo(f"nothing to evaluate: {content['cannot_run']}")
        return
    for name in ("easy", "medium", "hard"):
        value = content[name]["map"]
        typer.echo(f"{name:7} mAP {'-' if value is None else f'{100 * value:.2f}'}")
