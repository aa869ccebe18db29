"""Verbs that bring data: drawn, downloaded, listed, gathered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from superglobal_core.cli.app import Catalogues, Device, Out, app
from superglobal_core.cli.output import show
from superglobal_core.errors import UserError


@app.command()
def landmarks(
    out: Out,
    seed: Annotated[int, typer.Option(help="everything drawn follows from it")] = 0,
    size: Annotated[int, typer.Option(help="side of an image in pixels")] = 256,
    landmarks: Annotated[int | None, typer.Option(help="how many landmarks")] = None,
    distractors: Annotated[int, typer.Option(help="how many distractor images")] = 2000,
    processes: Annotated[
        int | None, typer.Option(help="how many processes draw; all cores by default")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="draw a folder of other landmarks anew")] = False,
) -> None:
    """Draw the synthetic data set: images, labels, distractors."""
    from superglobal_core.data.landmarks import make_landmarks

    given: dict[str, Any] = {} if landmarks is None else {"landmarks": landmarks}
    make_landmarks(
        out, seed=seed, size=size, distractors=distractors, processes=processes, replace=replace, **given
    )
    show(f"landmarks are in {out}", out=out)


@app.command()
def download(
    names: Annotated[
        list[str] | None, typer.Argument(help="roxford5k, rparis6k, revisitop1m, cvnet-r50, ... (see --list)")
    ] = None,
    root: Annotated[Path, typer.Option(help="the folder of everything downloaded")] = Path("data"),
    catalogue: Catalogues = [],  # noqa: B006
    parts: Annotated[str | None, typer.Option(help="of a distractor set: all, none, or 1,2,7")] = None,
    parallel: Annotated[int, typer.Option(help="how many files at once")] = 4,
    check_images: Annotated[bool, typer.Option("--check-images", help="decode every image")] = False,
    keep_archives: Annotated[bool, typer.Option("--keep-archives", help="also once unpacked")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="only check what is on disk")] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="only say what is there and what would be taken")
    ] = False,
    list_names: Annotated[bool, typer.Option("--list", help="only list what there is")] = False,
) -> None:
    """Download data sets and checkpoints: resumed, from mirrors in turn, verified, unpacked."""
    from superglobal_core.data.catalogue import choose, load_catalogue, parse_parts
    from superglobal_core.steps.download import download_step
    from superglobal_core.steps.download_plan import plan as plan_of
    from superglobal_core.steps.download_plan import plan_text
    from superglobal_core.steps.verify import verify_step

    known = load_catalogue(catalogue)
    if list_names:
        show(
            [f"{entry.name:20} {entry.title}" for entry in known.values()],
            entries=[{"name": each.name, "kind": each.kind, "title": each.title} for each in known.values()],
        )
        return
    if not names and not verify:
        raise UserError(f"name what to download: {', '.join(known)}, or check what is there with --verify")
    entries = choose(known, names or list(known))
    wanted = parse_parts(parts, entries)
    if verify:
        said = verify_step(root, [entry.name for entry in entries] if names else None)
        show(said, agrees=True, said=said)
    elif plan:
        planned = plan_of(entries, root, wanted)
        show(plan_text(planned), root=root, entries=planned)
    else:
        done = download_step(
            entries, root, parts=wanted, parallel=parallel, check=check_images, keep_archives=keep_archives
        )
        show(done, root=root, done=done)


@app.command()
def distractors(
    suite: Annotated[Path, typer.Option(help="suite.json of the results, or a suite's YAML")],
    part: Annotated[int, typer.Option(help="number of the archive, from 1")],
    out: Annotated[Path, typer.Option(help="folder of the suite's features")],
    device: Device = "auto",
) -> None:
    """Download one archive of distractors, describe its images, delete them."""
    from superglobal_core.config import load_suite
    from superglobal_core.data.catalogue import load_catalogue
    from superglobal_core.steps.distractors import distractors_step

    chosen = load_suite(suite)
    done = distractors_step(chosen, part, out, load_catalogue(chosen.catalogues), device)
    show(done, part=part, out=out, done=done)


@app.command()
def gather(
    part: Annotated[list[Path], typer.Option(help="a folder of shards; give it again for the next")],
    out: Out,
    count: Annotated[int | None, typer.Option(help="take just that many, chosen by the seed")] = None,
    seed: Annotated[int, typer.Option(help="of the choice")] = 0,
    listed: Annotated[Path | None, typer.Option(help="a list of images: take just those it names")] = None,
) -> None:
    """Make one folder of shards of several, or of a subset of their images."""
    from superglobal_core.steps.gather import gather_step

    done = gather_step(part, out, count=count, seed=seed, listed=listed)
    if isinstance(done, str):
        show(f"nothing to gather: {done}", cannot_run=done)
    else:
        show(f"{done.used} images: {out}", images=done.used, out=out)


@app.command()
def lists(
    groundtruth: Annotated[Path, typer.Option(help="gnd_*.pkl")],
    query_images: Annotated[Path, typer.Option(help="folder with the query images")],
    database_images: Annotated[Path, typer.Option(help="folder with the database images")],
    out: Annotated[Path, typer.Option(help="folder for queries.txt and database.txt")],
) -> None:
    """List a ground truth's images for `extract`, in its order."""
    from superglobal_core.steps.lists import lists_step

    lists_step(groundtruth, query_images, database_images, out)
    show(f"lists are in {out}", queries=out / "queries.txt", database=out / "database.txt")


@app.command()
def codes(
    codes: Annotated[Path, typer.Option(help=".npz with `names` and packed `codes`")],
    groundtruth: Annotated[Path, typer.Option(help="gnd_*.pkl: which names are queries, which the database")],
    out: Annotated[Path, typer.Option(help="folder for queries/ and database/")],
    bits: Annotated[int | None, typer.Option(help="bits of a code that count; all by default")] = None,
) -> None:
    """Turn packed binary codes into shards of descriptors."""
    from superglobal_core.steps.codes import codes_step

    codes_step(codes, groundtruth, out, bits)
    show(
        f"descriptors are in {out}/queries and {out}/database",
        queries=out / "queries",
        database=out / "database",
    )
