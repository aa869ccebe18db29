"""Verbs from descriptors to figures: search, rerank, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
from superglobal_core.cli.choices import among
from superglobal_core.cli.output import show
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
        show(f"nothing to search: {reason}", cannot_run=reason, out=out)
        return
    ranking = search_step(queries, database, k, out, groundtruth, device, spare, index, effort)
    _show_ranking(ranking, out, [])


@app.command()
def rerank(
    queries: Queries,
    database: Databases,
    out: Out,
    method: Annotated[
        str,
        typer.Option(
            help=f"one of {', '.join(METHOD_NAMES)}, or a method's folder",
            autocompletion=among(*METHOD_NAMES),
        ),
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
    top: Annotated[
        int | None,
        typer.Option(help="places to write; by default all, or what --search or --index found"),
    ] = None,
    search: Annotated[
        Path | None, typer.Option(help="a search of these descriptors: reuse its shortlist")
    ] = None,
    groundtruth: Groundtruth = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="official, paper or cvnet: superglobal's switches and the junk, unless given here",
            autocompletion=among("official", "paper", "cvnet"),
        ),
    ] = None,
    junk: Annotated[
        str | None,
        typer.Option(
            help="images that a protocol ignores: keep (as by default) or remove from the shortlist",
            autocompletion=among("keep", "remove"),
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
        show(f"{method} cannot run: {ranking}", cannot_run=ranking, out=out)
        return
    vectors = ranking.about["protocol"]["vectors"] if reconstruct else None
    _show_ranking(ranking, out, [f"vectors {vectors}"] if reconstruct else [], method=method, vectors=vectors)


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
        show(f"nothing to evaluate: {content['cannot_run']}", cannot_run=content["cannot_run"], out=out)
        return
    maps = {name: content[name]["map"] for name in ("easy", "medium", "hard")}
    show(
        [f"{name:7} mAP {'-' if value is None else f'{100 * value:.2f}'}" for name, value in maps.items()],
        map=maps,
        out=out,
    )


def _show_ranking(ranking: Any, out: Path, before: list[str], **facts: Any) -> None:
    queries, places = ranking.indices.shape
    show(
        [*before, f"{queries} queries, {places} places each: {out}"],
        queries=queries,
        places=places,
        out=out,
        **facts,
    )
