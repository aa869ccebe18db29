"""The command line: one verb a step, each a thin call of one function."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from superglobal_core.errors import UserError
from superglobal_core.reranking.names import METHOD_NAMES

app = typer.Typer(
    name="superglobal",
    help="Landmark retrieval with global features: reproduce, compare, rerank.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Out = Annotated[Path, typer.Option(help="where to write")]
Queries = Annotated[Path, typer.Option(help="query descriptors: .npy or a folder of shards")]
Databases = Annotated[
    list[Path], typer.Option("--database", help="database descriptors; give it again for distractors")
]
Groundtruth = Annotated[
    Path | None, typer.Option(help="gnd_*.pkl: also count the labelled images' exact ranks")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="any parameter of the method; may be given again"),
]
Catalogues = Annotated[
    list[Path], typer.Option("--catalogue", help="a file with entries of your own; may be given again")
]


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
    typer.echo(f"landmarks are in {out}")


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
    from superglobal_core.steps import download as step

    known = load_catalogue(catalogue)
    if list_names:
        for entry in known.values():
            typer.echo(f"{entry.name:20} {entry.title}")
        return
    if not names and not verify:
        raise UserError(f"name what to download: {', '.join(known)}, or check what is there with --verify")
    entries = choose(known, names or list(known))
    wanted = parse_parts(parts, entries)
    if verify:
        typer.echo(step.verify_step(entries, root))
    elif plan:
        typer.echo(step.plan_text(step.plan(entries, root, wanted)))
    else:
        for sentence in step.download_step(
            entries, root, parts=wanted, parallel=parallel, check=check_images, keep_archives=keep_archives
        ):
            typer.echo(sentence)


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
    for sentence in distractors_step(chosen, part, out, load_catalogue(chosen.catalogues), device):
        typer.echo(sentence)


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
    typer.echo(f"{done.used} images: {out}")


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
    typer.echo(f"lists are in {out}")


@app.command()
def extract(
    images: Annotated[Path, typer.Option(help="a folder of images, or a text file with one path a line")],
    out: Out,
    backbone: Annotated[str, typer.Option(help="resnet50, resnet101 or mini")],
    checkpoint: Annotated[
        Path | None, typer.Option(help="weights in CVNet's layout; mini's come with the package")
    ] = None,
    preset: Annotated[str, typer.Option(help="superglobal or cvnet-global")] = "superglobal",
    scales: Annotated[str | None, typer.Option(help="factors, for example 0.7071,1,1.4142")] = None,
    gem_plus: Annotated[
        bool | None, typer.Option("--gem-plus/--no-gem-plus", help="fixed pooling exponent")
    ] = None,
    regional_gem: Annotated[
        bool | None, typer.Option("--regional-gem/--no-regional-gem", help="regional pooling")
    ] = None,
    scale_gem: Annotated[
        bool | None, typer.Option("--scale-gem/--no-scale-gem", help="maximum over scales")
    ] = None,
    relup: Annotated[str | None, typer.Option(help="on, official-off or off")] = None,
    antialias: Annotated[
        bool | None, typer.Option("--antialias/--no-antialias", help="in the downscaling")
    ] = None,
    resize: Annotated[str | None, typer.Option(help="scaling of the float-tensor or the 8-bit-image")] = None,
    crop_rounding: Annotated[str, typer.Option(help="of the boxes: truncate or round")] = "truncate",
    colour: Annotated[str, typer.Option(help="order of the channels: bgr or rgb")] = "bgr",
    exif: Annotated[bool, typer.Option("--exif/--no-exif", help="apply EXIF orientation")] = True,
    boxes: Annotated[
        Path | None, typer.Option(help="query boxes: gnd_*.pkl, .json, or text with id x1 y1 x2 y2")
    ] = None,
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or float16")] = "float32",
    device: Device = "auto",
    shard_size: Annotated[int, typer.Option(help="images a shard")] = 4096,
    on_error: Annotated[str, typer.Option(help="unusable images: stop (and list them) or skip")] = "stop",
    replace: Annotated[bool, typer.Option("--replace", help="make shards of other settings anew")] = False,
) -> None:
    """Describe images: shards of global descriptors."""
    from superglobal_core.data.reading import Reading
    from superglobal_core.networks.settings import preset as make_settings
    from superglobal_core.steps.extract import extract_step

    settings = make_settings(
        preset,
        scales=_numbers(scales, "--scales"),
        gem_plus=gem_plus,
        regional_gem=regional_gem,
        relup=relup,
        antialias=antialias,
        resize=resize,
    ).with_scale_gem(scale_gem)
    done = extract_step(
        images,
        out,
        backbone=backbone,
        settings=settings,
        checkpoint=checkpoint,
        boxes=boxes,
        reading=Reading.chosen(crop_rounding, colour, exif),
        precision=precision,  # type: ignore[arg-type]
        device=device,
        shard_size=shard_size,
        on_error=on_error,  # type: ignore[arg-type]
        replace=replace,
    )
    for entry in done.skipped:
        typer.echo(f"left out: {entry['id']} {entry['reason']}", err=True)
    typer.echo(
        f"{done.described} images described, {done.found_done} of {done.shards} shards were there: {out}"
    )


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
    typer.echo(f"descriptors are in {out}/queries and {out}/database")


@app.command()
def search(
    queries: Queries,
    database: Databases,
    out: Out,
    k: Annotated[int, typer.Option("--k", help="places a query")] = 400,
    groundtruth: Groundtruth = None,
    device: Device = "auto",
) -> None:
    """Search exactly: the best k of each query, ties by index."""
    from superglobal_core.steps.search import search_step

    ranking = search_step(queries, database, k, out, groundtruth, device)
    typer.echo(f"{ranking.indices.shape[0]} queries, {ranking.indices.shape[1]} places each: {out}")


@app.command()
def rerank(
    queries: Queries,
    database: Databases,
    out: Out,
    method: Annotated[str, typer.Option(help=f"one of {', '.join(METHOD_NAMES)}")] = "superglobal",
    shortlist: Annotated[int, typer.Option(help="M: candidates put into a new order")] = 400,
    neighbours: Annotated[
        int | None, typer.Option(help="of a candidate or the query (superglobal: 9)")
    ] = None,
    beta: Annotated[float | None, typer.Option(help="superglobal's weight of a neighbour (0.15)")] = None,
    settings: Settings = None,
    top: Annotated[int | None, typer.Option(help="places to write; the whole database by default")] = None,
    search: Annotated[
        Path | None, typer.Option(help="a search of these descriptors: reuse its shortlist")
    ] = None,
    groundtruth: Groundtruth = None,
    device: Device = "auto",
) -> None:
    """Put each query's shortlist into a new order."""
    from superglobal_core.reranking.methods import make_reranker, parse_settings
    from superglobal_core.steps.rerank import rerank_step

    options = {"shortlist": shortlist, "neighbours": neighbours, "beta": beta}
    reranker = make_reranker(method, **parse_settings(settings or [], options))
    ranking = rerank_step(
        queries, database, reranker, out, search=search, groundtruth=groundtruth, top=top, device=device
    )
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
    for name in ("easy", "medium", "hard"):
        value = content[name]["map"]
        typer.echo(f"{name:7} mAP {'-' if value is None else f'{100 * value:.2f}'}")


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


@app.command("train-mini")
def train_mini(
    out: Annotated[Path, typer.Option(help="the checkpoint to write (.safetensors)")],
    seed: Annotated[int, typer.Option(help="of the data, the weights and the batches")] = 0,
) -> None:
    """Train the mini network on landmarks of other seeds (under an hour on two cores)."""
    from superglobal_core.training.mini import train_mini as train

    train(out, seed=seed)
    typer.echo(f"the checkpoint is {out}")


def _numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UserError(
            f"{option} {text}: give numbers with commas between them, for example 0.7071,1,1.4142"
        ) from error


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a user's error is one line on stderr and exit code 2."""
    warnings.showwarning = _show_warning
    command = typer.main.get_command(app)
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        status = command(args=arguments or ["--help"], prog_name="superglobal", standalone_mode=False)
    except UserError as error:
        _fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has left; the files are written.
        sys.stdout = None
        sys.exit(0)
    except MemoryError:
        _fail("not enough memory for this: take smaller sizes, or a machine with more")
    except (OSError, RecursionError, UnicodeError) as error:
        # Whatever the steps did not foresee of files and their contents.
        _fail(f"{type(error).__name__}: {error}; check the paths and contents that were named")
    except KeyboardInterrupt:
        _fail("interrupted; the same command goes on where it was", 130)
    except Exception as error:
        # The command-line parser's own errors; its classes move between releases, their method does not.
        if not hasattr(error, "format_message"):
            raise
        context = getattr(error, "ctx", None)
        usage = f" (see {context.command_path} --help)" if context else ""
        _fail(f"{error.format_message()}{usage}" if error.format_message() else "no command was given")
    else:
        sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, code: int = 2) -> None:
    print("superglobal: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(code)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"superglobal: note: {message}", file=sys.stderr)


if __name__ == "__main__":
    main()
