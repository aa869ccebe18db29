"""Many variants of a descriptor at once: those that differ in the pooling alone share a pass over the images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from superglobal_core.data.boxes import Box
from superglobal_core.data.images import ImageFile
from superglobal_core.data.reading import Reading
from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError
from superglobal_core.features.extraction import shard_plan
from superglobal_core.features.modes import Mode, Precision, chosen_precision
from superglobal_core.features.shard_run import Extraction, OnError, check_request, run_plans, shards_found
from superglobal_core.features.shared_pass import SharedPass, make_describer
from superglobal_core.networks.descriptor import GlobalDescriptor, Pooling
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.progress import Counter


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to describe the images: the descriptor's settings, the reading, the mode and the precision."""

    settings: DescriptorSettings
    reading: Reading = dataclasses.field(default_factory=Reading)
    precision: Precision | None = None
    mode: Mode = "exact"

    def computed(self) -> Precision:
        """Return the precision it is computed with: the mode's own where it names none (UserError for nonsense)."""
        return chosen_precision(self.mode, self.precision)

    def one_pass(self) -> tuple[object, ...]:
        """Return what variants must agree in to share decoding, scaling and the backbone's pass.

        >>> plain = Variant(DescriptorSettings(gem_plus=False, scale_pooling="mean"))
        >>> plain.one_pass() == Variant(DescriptorSettings()).one_pass()
        True
        """
        made = self.settings
        antialias = made.antialias if made.resize == "float-tensor" else None
        alpha = made.relup_alpha if made.relup != "off" else None
        return (
            made.scales,
            made.resize,
            antialias,
            made.relup,
            alpha,
            self.mode,
            self.computed(),
            self.reading,
        )


def passes(variants: Mapping[str, Variant]) -> list[list[str]]:
    """Return the names of the variants that share a pass, pass by pass, in the order of their first.

    >>> changes = {"a": {}, "b": {"relup": "off"}, "c": {"gem_plus": False}}
    >>> passes({name: Variant(DescriptorSettings(**change)) for name, change in changes.items()})
    [['a', 'c'], ['b']]
    """
    groups: dict[tuple[object, ...], list[str]] = {}
    for name, variant in variants.items():
        groups.setdefault(variant.one_pass(), []).append(name)
    return list(groups.values())


def extract_variants(
    files: Sequence[ImageFile],
    backbone: str,
    load: Callable[[DescriptorSettings], GlobalDescriptor],
    out: str | Path,
    variants: Mapping[str, Variant],
    *,
    made_with: Mapping[str, Any],
    boxes: Mapping[str, Box] | None = None,
    device: str = "auto",
    shard_size: int = 4096,
    on_error: OnError = "stop",
    replace: bool = False,
) -> dict[str, Extraction]:
    """Describe images by several variants: the folder `out`/<name> gets the shards that `extract` would write.

    backbone: its name. load: makes the network of some settings, anew each time: once for each pass (see `passes`).
    The other arguments are those of `extract`. Shards that are done are kept, variant by variant.

    Raises:
        UserError: as `extract` does; every folder is looked at before any work.
    """
    check_request(files, boxes, shard_size, on_error)
    if not variants:
        raise UserError("there are no variants: name at least one")
    for variant in variants.values():
        variant.computed()
    where, groups = choose_device(device), passes(variants)
    plans = {
        name: shard_plan(
            files,
            Path(out) / name,
            backbone,
            variant.settings,
            made_with=made_with,
            boxes=boxes,
            reading=variant.reading,
            mode=variant.mode,
            precision=variant.computed(),
            shard_size=shard_size,
        )
        for name, variant in variants.items()
    }
    found = {name: shards_found(plan, on_error, replace) for name, plan in plans.items()}
    done: dict[str, Extraction] = {}
    with Counter("extract variants", len(files) * len(groups)) as counter:
        for names in groups:
            first = variants[names[0]]
            # One network at a time: ReLUP is part of it.
            network = load(first.settings)
            poolings = [Pooling(variants[name].settings) for name in names]
            describer, checks = make_describer(
                files, boxes, network, poolings, where, first.mode, first.computed(), first.reading
            )
            own = [plans[name] for name in names]
            make = SharedPass(own, describer, boxes, on_error).make
            made = run_plans(own, [found[name] for name in names], make, counter, on_error)
            for name, one, check in zip(names, made, checks, strict=True):
                memory = describer.adapting.as_dict()
                done[name] = dataclasses.replace(one, self_check=check, memory=memory)
    return {name: done[name] for name in variants}
