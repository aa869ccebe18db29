"""The protocol switches: where published numbers quietly differ, and what each preset chooses.

Known without torch: configuration and reports read it too.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, get_args

from superglobal_core.errors import unknown_name

Preset = Literal["official", "paper", "cvnet"]
Touches = Literal["queries", "images", "network", "pooling", "shortlist", "reranking"]
Value = bool | str

PRESETS: tuple[Preset, ...] = get_args(Preset)


@dataclasses.dataclass(frozen=True)
class Switch:
    """One line of the protocol that can be switched.

    touches: the first step whose result changes with it; what comes before is shared. values: all
    that it can be. official: SuperGlobal's release as it behaves; paper: its text and Figure 4;
    cvnet: CVNet's release. who: who does what, a sentence.
    """

    name: str
    touches: Touches
    values: tuple[Value, ...]
    official: Value
    paper: Value
    cvnet: Value
    who: str

    def of(self, preset: Preset) -> Value:
        """Return the value in a preset."""
        return {"official": self.official, "paper": self.paper, "cvnet": self.cvnet}[preset]

    def others(self, preset: Preset) -> tuple[Value, ...]:
        """Return the values that a preset does not have."""
        return tuple(value for value in self.values if value != self.of(preset))


@dataclasses.dataclass(frozen=True)
class Fixed:
    """A line of the protocol that cannot be switched here, and why."""

    name: str
    reason: str


SWITCHES = (
    Switch(
        "query_crop",
        "queries",
        (True, False),
        True,
        True,
        True,
        "The protocol crops queries to their boxes; DOLG's printed figures are of whole query images.",
    ),
    Switch(
        "crop_rounding",
        "queries",
        ("truncate", "round"),
        "truncate",
        "truncate",
        "truncate",
        "SuperGlobal and CVNet truncate the boxes' corners, DELG rounds them.",
    ),
    Switch(
        "antialias",
        "images",
        (True, False),
        True,
        True,
        True,
        "torchvision scales tensors down with antialiasing since 0.17, without it before.",
    ),
    Switch(
        "resize",
        "images",
        ("float-tensor", "8-bit-image"),
        "float-tensor",
        "float-tensor",
        "8-bit-image",
        "SuperGlobal scales the normalised tensor, CVNet the 8-bit image.",
    ),
    Switch(
        "colour",
        "images",
        ("bgr", "rgb"),
        "bgr",
        "bgr",
        "bgr",
        "The released networks were trained on BGR; RGB costs accuracy silently.",
    ),
    Switch(
        "exif",
        "images",
        (True, False),
        True,
        True,
        True,
        "OpenCV applies an image's EXIF orientation, as the releases do; other decoders do not.",
    ),
    Switch(
        "relup",
        "network",
        ("on", "official-off", "off"),
        "on",
        "on",
        "off",
        "SuperGlobal uses ReLUP; its release's switch leaves two of stage 1's activations as they are; CVNet has ReLU.",
    ),
    Switch(
        "inner_normalisation",
        "pooling",
        (True, False),
        True,
        True,
        False,
        "SuperGlobal's release normalises the pooled vector before the projection, CVNet does not.",
    ),
    Switch(
        "junk",
        "shortlist",
        ("keep", "remove"),
        "keep",
        "keep",
        "remove",
        "SuperGlobal reranks the raw shortlist, CVNet one without the images that a protocol ignores.",
    ),
    Switch(
        "query_neighbour",
        "reranking",
        (False, True),
        False,
        True,
        False,
        "In the paper's Figure 4 the query is among a candidate's neighbours, in the release it is not.",
    ),
    Switch(
        "normalise_refined",
        "reranking",
        (False, True),
        False,
        False,
        False,
        "The release does not normalise refined descriptors again.",
    ),
    Switch(
        "expand_against",
        "reranking",
        ("refined", "original"),
        "refined",
        "refined",
        "refined",
        "The release compares the expanded query with the refined descriptors.",
    ),
)

FIXED = (
    Fixed(
        "images",
        "Since 2022 only face-blurred copies of Oxford and Paris are served: what was used is in the data's manifest.",
    ),
    Fixed(
        "distractor list",
        "The list of R1M names more images than its archives hold: the number really searched is shown instead.",
    ),
    Fixed(
        "training set",
        "38 of 70 ROxford and 36 of 70 RParis query landmarks are in GLDv2-clean, which the networks were trained on.",
    ),
)


def preset_values(preset: str) -> dict[str, Value]:
    """Return every switch's value in a preset.

    Raises:
        UserError: for an unknown preset.

    >>> preset_values("cvnet")["junk"]
    'remove'
    """
    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    return {switch.name: switch.of(preset) for switch in SWITCHES}


def reranking_values(preset: str) -> dict[str, Any]:
    """Return the parameters of SuperGlobal's reranking in a preset.

    >>> reranking_values("paper")
    {'query_neighbour': True, 'normalise_refined': False, 'expand_against': 'refined'}
    """
    values = preset_values(preset)
    return {switch.name: values[switch.name] for switch in SWITCHES if switch.touches == "reranking"}


def shown(value: object) -> str:
    """Return a switch's value as people say it.

    >>> shown(True), shown("rgb"), shown(0.014)
    ('on', 'rgb', '0.014')
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
