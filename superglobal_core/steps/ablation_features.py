"""The step `ablation-features`: a split's descriptors with every change of an ablation."""

from __future__ import annotations

from pathlib import Path

from superglobal_core.config import Extract, read_saved_suite
from superglobal_core.descriptor_switches import settings_of
from superglobal_core.errors import unknown_name
from superglobal_core.results import recorded
from superglobal_core.steps.ablate import base_named
from superglobal_core.steps.extract import extract_step

SPLITS = ("queries", "database")


def ablation_features_step(
    suite: str | Path,
    base: str,
    split: str,
    images: str | Path,
    out: str | Path,
    *,
    checkpoint: str | Path | None = None,
    boxes: str | Path | None = None,
    device: str = "auto",
) -> int:
    """Extract a folder for each change that touches the split below `out`, with a `record.json` beside them.

    On another backbone the base itself is extracted too, into `base`. Finished ones are kept.

    Returns:
        How many there are.
    """
    if split not in SPLITS:
        raise unknown_name("split", split, SPLITS)
    start = base_named(read_saved_suite(suite), base)
    wanted = {
        change.folder: start.extract.model_copy(update=change.settings)
        for change in start.changes
        if change.touches_split(split)
    }
    if start.backbone is not None:
        wanted = {"base": start.extract, **wanted}
    Path(out).mkdir(parents=True, exist_ok=True)
    with recorded("ablation-features", out) as facts:
        for name, extract in wanted.items():
            _extract(extract, images, Path(out) / name, checkpoint, boxes, device)
        facts["parameters"] = {"base": base, "split": split, "variants": list(wanted)}
    return len(wanted)


def _extract(
    extract: Extract,
    images: str | Path,
    out: Path,
    checkpoint: str | Path | None,
    boxes: str | Path | None,
    device: str,
) -> None:
    settings, reading = settings_of(extract)
    extract_step(
        images,
        out,
        backbone=extract.backbone,
        settings=settings,
        checkpoint=checkpoint,
        boxes=boxes if extract.query_crop else None,
        reading=reading,
        precision=extract.precision,
        device=device,
        replace=True,
    )
