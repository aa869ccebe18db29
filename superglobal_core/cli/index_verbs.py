"""Verbs about approximate search: index, approximate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from superglobal_core.cli.app import Databases, Device, Out, Queries, SayWhy, app
from superglobal_core.cli.choices import among
from superglobal_core.cli.output import show
from superglobal_core.search.index_kinds import KINDS, parse_index, wanted_index


@app.command()
def index(
    database: Databases,
    out: Out,
    kind: Annotated[
        str, typer.Option(help=f"one of {', '.join(KINDS)}", autocompletion=among(*KINDS))
    ] = "ivfpq",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="any parameter of the kind; may be given again"),
    ] = None,
    seed: Annotated[int, typer.Option(help="of the training")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="build it anew, whatever is there")] = False,
) -> None:
    """Build an approximate index of a database; one that is there and agrees is kept."""
    from superglobal_core.steps.index import index_step

    facts, kept = index_step(database, wanted_index(kind, settings or []), out, seed=seed, replace=replace)
    done = "kept, as parameters and data agree" if kept else f"built in {facts.train_s + facts.add_s:.1f} s"
    show(
        f"{facts.database} rows, {facts.bytes_a_vector:.1f} bytes each, {done}: {out}",
        kept=kept,
        facts=facts,
        out=out,
    )


@app.command()
def approximate(
    queries: Queries,
    database: Databases,
    groundtruth: Annotated[Path, typer.Option(help="gnd_*.pkl")],
    out: Out,
    kinds: Annotated[
        str,
        typer.Option(help="indexes with commas between them, each KIND or KIND:NAME=VALUE:NAME=VALUE/VALUE"),
    ] = ",".join(KINDS),
    k: Annotated[int, typer.Option("--k", help="places a query")] = 400,
    shortlist: Annotated[int, typer.Option(help="M of SuperGlobal's reranking")] = 400,
    neighbours: Annotated[int, typer.Option(help="its K")] = 9,
    beta: Annotated[float, typer.Option(help="its beta")] = 0.15,
    repeats: Annotated[int, typer.Option(help="samples of each search's time")] = 5,
    budget: Annotated[
        float, typer.Option(help="seconds a search may be timed; never fewer than a sample")
    ] = 20,
    seed: Annotated[int, typer.Option(help="of the training")] = 0,
    suite: Annotated[str | None, typer.Option(help="recorded with the result")] = None,
    dataset: Annotated[str | None, typer.Option(help="recorded with the result")] = None,
    device: Device = "auto",
    say_why: SayWhy = False,
) -> None:
    """Compare approximate indexes with the exact search: recall, mAP with and without reranking, bytes, time."""
    from superglobal_core.reranking.superglobal import SuperGlobalReranker
    from superglobal_core.steps.approximate import approximate_step
    from superglobal_core.steps.cannot_run import attempted, passed_on

    if say_why and (reason := passed_on("approximate", out, [queries, *database])):
        show(f"nothing to compare: {reason}", cannot_run=reason, out=out)
        return
    wanted = [parse_index(text) for text in kinds.split(",") if text.strip()]
    reranker = SuperGlobalReranker(shortlist, neighbours, beta)
    done = attempted(
        "approximate",
        out,
        "approximate search",
        lambda: approximate_step(
            queries, database, groundtruth, wanted, out, k=k, reranker=reranker, repeats=repeats,
            budget_s=budget, seed=seed, suite=suite, dataset=dataset, device=device,
        ),
        say_why,
    )  # fmt: skip
    if isinstance(done, str):
        show(f"approximate search cannot run: {done}", cannot_run=done, out=out)
    else:
        show(f"{done.summary}: {out}", summary=done.summary, out=out)
