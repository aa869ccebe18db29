"""Which changes an ablation measures: one switch, module or parameter at a time."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any

from superglobal_core.config import Extract, Suite
from superglobal_core.config_ablation import Ablation, Tuning
from superglobal_core.descriptor_switches import SETTINGS, settings_of
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.protocol_switches import SWITCHES, Preset, Touches, Value, shown

#: steps in whose results a change of the images' descriptors shows
EXTRACTED: tuple[Touches, ...] = ("queries", "images", "network", "pooling")
MODULES = {
    "gem_plus": ("GeM+", "pooling", "GeM with a fixed exponent in place of the learned one."),
    "regional_gem": ("Regional-GeM", "pooling", "Each position averaged with its neighbourhood's GeM."),
    "scale_gem": ("Scale-GeM", "pooling", "The maximum over scales in place of their mean."),
    "relup": ("ReLUP", "network", "max(x, alpha) in place of ReLU in the first stages."),
}
PARAMETERS = {
    "gem_plus_p": ("p of GeM+", "gem_plus", "pooling", "The fixed exponent of the last pooling."),
    "regional_p": ("p of Regional-GeM", "regional_gem", "pooling", "The exponent over a neighbourhood."),
    "relup_alpha": ("alpha of ReLUP", "relup", "network", "The threshold of ReLUP."),
}


NO_EFFECT = {
    "antialias": "the 8-bit resize has no antialiasing to switch",
    "crop_rounding": "whole queries have no corners to round",
}


@dataclasses.dataclass(frozen=True)
class Change:
    """One change from the base: a row of a table.

    settings: what differs, by the keys of `Extract` or the reranking's parameters. folder: the name
    of the folder that its descriptors go by.
    """

    table: str
    name: str
    preset_value: str
    changed_value: str
    who: str
    touches: Touches
    settings: dict[str, Any]

    @property
    def folder(self) -> str:
        return re.sub(r"[^A-Za-z0-9.]+", "-", f"{self.name}-{self.changed_value}").strip("-").lower()

    @property
    def extracted(self) -> bool:
        """Whether descriptors change; otherwise the base's are taken."""
        return self.touches in EXTRACTED

    def touches_split(self, split: str) -> bool:
        """Whether a split's descriptors change: those of the queries alone for a change of their reading."""
        return self.extracted and (split == "queries" or self.touches != "queries")


@dataclasses.dataclass(frozen=True)
class Base:
    """What changes are made from: a suite's descriptor, or its modules on another backbone."""

    name: str
    descriptor: str
    extract: Extract
    preset: Preset
    backbone: str | None
    changes: tuple[Change, ...]


def values_of(extract: Extract) -> dict[str, Any]:
    """Return every switch and module of a descriptor as it is in effect."""
    settings, _ = settings_of(extract)
    values = {name: getattr(settings, name) for name in SETTINGS}
    values["scale_gem"] = settings.scale_pooling == "max"
    return values | {
        name: getattr(extract, name) for name in ("query_crop", "crop_rounding", "colour", "exif")
    }


def bases(suite: Suite) -> list[Base]:
    """Return what a suite's ablation starts from: its descriptor, and that on each other backbone.

    Raises:
        UserError: when the descriptor is not the preset's.
    """
    ablation = suite.ablation
    if ablation is None:
        return []
    extract = suite.descriptors[ablation.descriptor].extract
    assert extract is not None
    found = [
        Base(
            ablation.descriptor,
            ablation.descriptor,
            extract,
            ablation.preset,
            None,
            (*switch_changes(ablation, extract), *module_changes(ablation, extract)),
        )
    ]
    for other in ablation.backbones:
        if other.missing is None and ablation.modules:
            network = {"backbone": other.backbone, "checkpoint": other.checkpoint, "download": other.download}
            changed = extract.model_copy(update=network)
            name = f"{ablation.descriptor}-on-{other.backbone}"
            changes = module_changes(ablation, changed)
            found.append(
                Base(name, ablation.descriptor, changed, ablation.preset, other.backbone, tuple(changes))
            )
    return found


def ablated_datasets(suite: Suite) -> list[str]:
    """Return the data sets that a suite's ablation is measured on."""
    return (suite.ablation.datasets or list(suite.datasets)) if suite.ablation else []


def tunings(suite: Suite) -> dict[str, Tuning]:
    """Return a suite's tunings by the names of their files."""
    found = suite.ablation.tuning if suite.ablation else []
    return {f"{each.tuned_on}-to-{each.reported_on or 'other-half'}": each for each in found}


def ablation_files(suite: Suite) -> list[str]:
    """List the files that a suite's ablation makes, relative to its folder of results."""
    datasets = ablated_datasets(suite)
    files = [f"ablation/{base.name}/{dataset}.json" for base in bases(suite) for dataset in datasets]
    if suite.ablation and suite.ablation.grids:
        files += [f"sweeps/{suite.ablation.descriptor}/{dataset}/plain.json" for dataset in datasets]
    return files + [f"tuning/{name}.json" for name in tunings(suite)]


def base_named(suite: Suite, name: str) -> Base:
    """Return one of the bases of a suite's ablation.

    Raises:
        UserError: when the suite has no ablation, or none from this base.
    """
    found = {base.name: base for base in bases(suite)}
    if not found:
        raise UserError(
            f"the suite {suite.suite} has no ablation: add the key `ablation` (see config/README.md)"
        )
    if name not in found:
        raise unknown_name("base", name, found)
    return found[name]


def switch_changes(ablation: Ablation, extract: Extract) -> Iterator[Change]:
    """Yield one change a value of each switch that is not the preset's.

    Raises:
        UserError: when the descriptor has another value than the preset.
    """
    values = values_of(extract)
    for switch in SWITCHES:
        own = switch.of(ablation.preset)
        if values.get(switch.name, own) != own:
            raise UserError(
                f"descriptors.{ablation.descriptor} has {switch.name} {shown(values[switch.name])}, which in the "
                f"preset '{ablation.preset}' is {shown(own)}: choose the preset or the descriptor that fits"
            )
        if switch.name in _wanted(ablation) and _has_effect(switch.name, values):
            for value in switch.others(ablation.preset):
                yield Change(
                    "switches",
                    switch.name,
                    shown(own),
                    shown(value),
                    switch.who,
                    switch.touches,
                    {switch.name: value},
                )


def module_changes(ablation: Ablation, extract: Extract) -> Iterator[Change]:
    """Yield each module switched over, all of them off, and other values of their parameters."""
    if not ablation.modules:
        return
    values = values_of(extract)
    on = {name: values[name] not in (False, "off") for name in MODULES}
    for name, (label, touches, who) in MODULES.items():
        yield _module(
            label, shown(on[name]), shown(not on[name]), who, touches, {name: _state(name, not on[name])}
        )
    if all(on.values()):
        every = {name: _state(name, False) for name in MODULES}
        yield _module(
            "all four",
            "on",
            "off",
            "Plain GeM: the learned exponent, ReLU, the mean over scales.",
            "network",
            every,
        )
    others = (ablation.exponents, ablation.regional_exponents, ablation.thresholds)
    for (name, (label, module, touches, who)), numbers in zip(PARAMETERS.items(), others, strict=True):
        for number in numbers if on[module] else ():
            if number != values[name]:
                yield _module(label, shown(values[name]), shown(float(number)), who, touches, {name: number})


def not_measured(ablation: Ablation, extract: Extract) -> Iterator[tuple[str, str, str]]:
    """Yield table, name and reason of what an ablation has no row for."""
    values = values_of(extract)
    for switch in SWITCHES:
        if not _has_effect(switch.name, values):
            yield "switches", switch.name, NO_EFFECT[switch.name]
        elif switch.name not in _wanted(ablation):
            yield "switches", switch.name, "the suite's `ablation.switches` leaves it out"
    if not ablation.modules:
        yield "modules", "all of them", "the suite's `ablation.modules` is false"
        return
    asked = {"exponents": ablation.exponents, "regional_exponents": ablation.regional_exponents}
    asked["thresholds"] = ablation.thresholds
    for (name, (label, module, _, _)), (key, numbers) in zip(PARAMETERS.items(), asked.items(), strict=True):
        if values[module] in (False, "off"):
            yield "modules", label, f"{MODULES[module][0]} is off in the preset"
        elif not set(numbers) - {values[name]}:
            yield "modules", label, f"the suite's `ablation.{key}` names no other value"


def _wanted(ablation: Ablation) -> Sequence[str]:
    if isinstance(ablation.switches, list):
        return ablation.switches
    return [switch.name for switch in SWITCHES] if ablation.switches else []


def _has_effect(name: str, values: dict[str, Any]) -> bool:
    if name == "antialias":
        return values["resize"] == "float-tensor"
    return name != "crop_rounding" or values["query_crop"]


def _state(name: str, on: bool) -> Value:
    if name == "relup":
        return "on" if on else "off"
    return on


def _module(label: str, own: str, other: str, who: str, touches: str, settings: dict[str, Any]) -> Change:
    return Change("modules", label, own, other, who, touches, settings)  # type: ignore[arg-type]
