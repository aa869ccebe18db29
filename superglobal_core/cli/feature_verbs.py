"""Verbs that describe images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from superglobal_core.cli.app import Backbone, Boxes, Checkpoint, Device, Out, Weights, app
from superglobal_core.cli.choices import among
from superglobal_core.cli.output import show, show_note
from superglobal_core.errors import UserError

Images = Annotated[Path, typer.Option(help="a folder of images, or a text file with one path a line")]
CropRounding = Annotated[str, typer.Option(help="of the boxes: truncate or round")]
Exif = Annotated[bool, typer.Option("--exif/--no-exif", help="apply EXIF orientation")]
Colour = Annotated[str, typer.Option(help="order of the channels: bgr or rgb")]
Mode = Annotated[
    str,
    typer.Option(
        help="exact, or fast: half precision, checked against exact on a sample",
        autocompletion=among("exact", "fast"),
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        help="float32, bfloat16 or float16; float32 by default, bfloat16 with --mode fast",
        autocompletion=among("float32", "bfloat16", "float16"),
    ),
]
ShardSize = Annotated[int, typer.Option(help="images a shard")]
OnError = Annotated[
    str,
    typer.Option(help="unusable images: stop (and list them) or skip", autocompletion=among("stop", "skip")),
]
Preset = Annotated[
    str,
    typer.Option(
        help="superglobal (also: official, paper) or cvnet-global (also: cvnet)",
        autocompletion=among("superglobal", "official", "paper", "cvnet-global", "cvnet"),
    ),
]
Replace = Annotated[bool, typer.Option("--replace", help="make shards of other settings anew")]


@app.command()
def extract(
    images: Images,
    out: Out,
    backbone: Backbone,
    checkpoint: Checkpoint = None,
    preset: Preset = "superglobal",
    scales: Annotated[str | None, typer.Option(help="factors, for example 0.7071,1,1.4142")] = None,
    gem_plus: Annotated[
        bool | None, typer.Option("--gem-plus/--no-gem-plus", help="fixed pooling exponent")
    ] = None,
    gem_plus_p: Annotated[float | None, typer.Option(help="that exponent, 4.6 in SuperGlobal")] = None,
    regional_gem: Annotated[
        bool | None, typer.Option("--regional-gem/--no-regional-gem", help="regional pooling")
    ] = None,
    regional_p: Annotated[float | None, typer.Option(help="its exponent, 2.5 in SuperGlobal")] = None,
    scale_gem: Annotated[
        bool | None, typer.Option("--scale-gem/--no-scale-gem", help="maximum over scales")
    ] = None,
    relup: Annotated[str | None, typer.Option(help="on, official-off or off")] = None,
    relup_alpha: Annotated[float | None, typer.Option(help="ReLUP's floor, 0.014 in SuperGlobal")] = None,
    inner_normalisation: Annotated[
        bool | None,
        typer.Option(
            "--inner-normalisation/--no-inner-normalisation", help="before the fully connected layer"
        ),
    ] = None,
    antialias: Annotated[
        bool | None, typer.Option("--antialias/--no-antialias", help="in the downscaling")
    ] = None,
    resize: Annotated[str | None, typer.Option(help="scaling of the float-tensor or the 8-bit-image")] = None,
    crop_rounding: CropRounding = "truncate",
    colour: Colour = "bgr",
    exif: Exif = True,
    boxes: Boxes = None,
    mode: Mode = "exact",
    precision: Precision = None,
    device: Device = "auto",
    shard_size: ShardSize = 4096,
    on_error: OnError = "stop",
    replace: Replace = False,
) -> None:
    """Describe images: shards of global descriptors."""
    from superglobal_core.data.reading import Reading
    from superglobal_core.networks.settings import preset as make_settings
    from superglobal_core.steps.extract import extract_step

    settings = make_settings(
        preset,
        scales=_numbers(scales, "--scales"),
        gem_plus=gem_plus,
        gem_plus_p=gem_plus_p,
        regional_gem=regional_gem,
        regional_p=regional_p,
        relup=relup,
        relup_alpha=relup_alpha,
        inner_normalisation=inner_normalisation,
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
        mode=mode,  # type: ignore[arg-type]
        precision=precision,  # type: ignore[arg-type]
        device=device,
        shard_size=shard_size,
        on_error=on_error,  # type: ignore[arg-type]
        replace=replace,
    )
    _note_skipped(done.skipped)
    show(_told(done, out), **_facts(done, out))


@app.command("extract-variants")
def extract_variants(
    images: Images,
    variants: Annotated[
        Path, typer.Option(help='JSON: names to changed settings, for example {"a": {"gem_plus": false}}')
    ],
    out: Annotated[Path, typer.Option(help="the folder for a folder of shards a variant")],
    backbone: Backbone,
    checkpoint: Checkpoint = None,
    preset: Preset = "superglobal",
    crop_rounding: CropRounding = "truncate",
    colour: Colour = "bgr",
    exif: Exif = True,
    boxes: Boxes = None,
    mode: Mode = "exact",
    precision: Precision = None,
    device: Device = "auto",
    shard_size: ShardSize = 4096,
    on_error: OnError = "stop",
    replace: Replace = False,
) -> None:
    """Describe images by many variants at once; those that pool the same maps share the network's work."""
    from superglobal_core.steps.extract_variants import extract_variants_step, read_variants

    chosen = read_variants(
        variants,
        backbone=backbone,
        checkpoint=checkpoint,
        preset=preset,
        crop_rounding=crop_rounding,
        colour=colour,
        exif=exif,
        mode=mode,
        precision=precision,
    )
    done = extract_variants_step(
        images,
        out,
        chosen,
        backbone=backbone,
        checkpoint=checkpoint,
        boxes=boxes,
        device=device,
        shard_size=shard_size,
        on_error=on_error,  # type: ignore[arg-type]
        replace=replace,
    )
    _note_skipped([one for each in done.values() for one in each.skipped])
    show(
        [_told(each, out / name) for name, each in done.items()],
        variants={name: _facts(each, out / name) for name, each in done.items()},
    )


@app.command()
def local(
    images: Images,
    out: Out,
    kind: Annotated[
        str,
        typer.Option(
            help="rootsift, xfeat or cvnet-maps", autocompletion=among("rootsift", "xfeat", "cvnet-maps")
        ),
    ],
    weights: Weights = None,
    backbone: Backbone = "resnet50",
    checkpoint: Checkpoint = None,
    boxes: Boxes = None,
    crop_rounding: CropRounding = "truncate",
    exif: Exif = True,
    precision: Annotated[str, typer.Option(help="of maps: float32, bfloat16 or float16")] = "float16",
    device: Device = "auto",
    shard_size: ShardSize = 256,
    on_error: OnError = "stop",
    replace: Replace = False,
) -> None:
    """Extract local features, for reranking pair by pair."""
    from superglobal_core.data.reading import Reading
    from superglobal_core.reranking.local_methods import Means
    from superglobal_core.steps.local import local_step

    done = local_step(
        images,
        out,
        kind,
        Means(backbone, checkpoint, weights, device, precision),
        boxes=boxes,
        reading=Reading.chosen(crop_rounding, "bgr", exif),
        shard_size=shard_size,
        on_error=on_error,  # type: ignore[arg-type]
        replace=replace,
    )
    _note_skipped(done.skipped)
    show(_told(done, out), **_facts(done, out))


@app.command("check-fast")
def check_fast(
    queries: Annotated[Path, typer.Option(help="the queries' descriptors, made by extract --mode fast")],
    database: Annotated[Path, typer.Option(help="the database's")],
    query_images: Annotated[Path, typer.Option(help="the images that the queries' were made of")],
    database_images: Annotated[Path, typer.Option(help="the images that the database's were made of")],
    groundtruth: Annotated[Path, typer.Option(help="gnd_*.pkl")],
    out: Out,
    checkpoint: Checkpoint = None,
    bound: Annotated[float, typer.Option(help="points of mAP that it may change by")] = 0.5,
    device: Device = "auto",
) -> None:
    """Say what the fast mode costs in mAP: describe labelled images exactly as well, and compare."""
    from superglobal_core.steps.check_fast import check_fast_step

    done = check_fast_step(
        queries,
        database,
        query_images,
        database_images,
        groundtruth,
        out,
        checkpoint=checkpoint,
        bound=bound,
        device=device,
    )
    show(
        [
            *(
                f"{name}: mAP {each['exact']:.2f} exact, {each['fast']:.2f} fast, {each['change']:+.2f} points"
                for name, each in done["map_percent"].items()
            ),
            f"the comparison is {out}",
        ],
        map_percent=done["map_percent"],
        out=out,
    )


@app.command("train-mini")
def train_mini(
    out: Annotated[Path, typer.Option(help="the checkpoint to write (.safetensors)")],
    seed: Annotated[int, typer.Option(help="of the data, the weights and the batches")] = 0,
) -> None:
    """Train the mini network on landmarks of other seeds (under an hour on two cores)."""
    from superglobal_core.training.mini import train_mini as train

    train(out, seed=seed)
    show(f"the checkpoint is {out}", out=out)


def _numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise UserError(
            f"{option} {text}: give numbers with commas between them, for example 0.7071,1,1.4142"
        ) from error


def _note_skipped(skipped: list[Any]) -> None:
    for entry in skipped:
        show_note(f"left out: {entry['id']} {entry['reason']}")


def _told(done: Any, out: Path) -> str:
    return f"{done.described} images described, {done.found_done} of {done.shards} shards were there: {out}"


def _facts(done: Any, out: Path) -> dict[str, Any]:
    facts = {name: getattr(done, name) for name in ("described", "found_done", "shards", "skipped")}
    return facts | {"out": out}
