"""The step `extract-variants`: images described by many variants of a descriptor, in as few passes as they need."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from superglobal_core.config import Extract
from superglobal_core.config_variants import parse_variants
from superglobal_core.data.boxes import load_boxes
from superglobal_core.data.images import list_images
from superglobal_core.data.strict_yaml import load_yaml
from superglobal_core.descriptor_switches import settings_of
from superglobal_core.errors import UserError
from superglobal_core.features.shard_run import Extraction, OnError
from superglobal_core.features.variant_extraction import Variant, extract_variants, passes
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.results import recorded
from superglobal_core.steps.extract import (
    descriptor_of,
    inputs_of,
    made_with,
    protocol_of,
    run_facts,
    weights_of,
)


def read_variants(path: str | Path, **common: Any) -> dict[str, Variant]:
    """Read a JSON (or YAML) file that maps names to what each changes in the descriptor that `common` describes.

    common: keys and values of a suite's `extract` that hold where a variant says nothing else.

    Raises:
        UserError: when the file is absent or says what a suite's `extract` may not say, variant by variant.
    """
    try:
        content = load_yaml(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the variants {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"{path} is no valid JSON: {' '.join(str(error).split())}") from error
    made = {}
    for name, extract in parse_variants(content, str(path), common).items():
        try:
            made[name] = variant_of(extract)
        except UserError as error:
            raise UserError(f"{path}: {name}: {error}") from error
    return made


def variant_of(extract: Extract) -> Variant:
    """Return the variant that a suite's `extract` asks for.

    >>> variant_of(Extract(backbone="mini", gem_plus=False)).settings.gem_plus
    False
    """
    return Variant(*settings_of(extract), extract.precision, extract.mode)


def extract_variants_step(
    images: str | Path,
    out: str | Path,
    variants: Mapping[str, Variant],
    *,
    backbone: str,
    checkpoint: str | Path | None = None,
    boxes: str | Path | None = None,
    device: str = "auto",
    shard_size: int = 4096,
    on_error: OnError = "stop",
    replace: bool = False,
) -> dict[str, Extraction]:
    """Extract each variant into `out`/<name>, with a `record.json` beside its shards, as `extract` would.

    A record's parameters name the variants that were extracted with it: its wall time is that of all.
    """
    out, files = Path(out), list_images(images)
    weights = weights_of(backbone, checkpoint)
    with ExitStack() as stack:
        facts = {name: stack.enter_context(recorded("extract", out / name)) for name in variants}
        done = extract_variants(
            files,
            backbone,
            lambda settings: load_checkpoint(weights, backbone, settings),
            out,
            variants,
            made_with=made_with(weights),
            boxes=load_boxes(boxes, [file.id for file in files]) if boxes is not None else None,
            device=device,
            shard_size=shard_size,
            on_error=on_error,
            replace=replace,
        )
        for name, one in variants.items():
            facts[name]["descriptor"] = descriptor_of(
                backbone, one.settings, one.reading, weights, one.mode, one.precision
            )
            facts[name]["parameters"] = {
                "images": len(files),
                "shard_size": shard_size,
                "on_error": on_error,
                "skipped": done[name].skipped,
                "variants": list(variants),
                "passes": len(passes(variants)),
                **run_facts(done[name]),
            }
            facts[name]["protocol"] = protocol_of(one.settings, one.reading, query_crop=boxes is not None)
            facts[name]["inputs"] = inputs_of(images, out / name, weights, boxes)
    return done
