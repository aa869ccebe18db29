"""The step `ablation-features`: a split's descriptors with every change of an ablation."""

from __future__ import annotations

from pathlib import Path

from superglobal_core.ablation_plan import base_named
from superglobal_core.config import read_saved_suite
from superglobal_core.errors import unknown_name
from superglobal_core.results import recorded
from superglobal_core.steps.extract import inputs_of, weights_of
from superglobal_core.steps.extract_variants import extract_variants_step, variant_of
from superglobal_core.steps.inputs import given_files

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
        for cropped in (True, False):
            mine = {
                name: variant_of(extract) for name, extract in wanted.items() if extract.query_crop is cropped
            }
            if mine:
                extract_variants_step(
                    images,
                    out,
                    mine,
                    backbone=start.extract.backbone,
                    checkpoint=checkpoint,
                    boxes=boxes if cropped else None,
                    device=device,
                    replace=True,
                )
        facts["inputs"] = [
            *given_files(suite=suite),
            # All variants were made of the same images: any of them has their digest.
            *(
                given
                for name in list(wanted)[:1]
                for given in inputs_of(
                    images, Path(out) / name, weights_of(start.extract.backbone, checkpoint), boxes
                )
            ),
        ]
        facts["parameters"] = {"base": base, "split": split, "variants": list(wanted)}
    return len(wanted)
