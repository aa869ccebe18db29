"""What a global descriptor is made of: every switch of its computation, and the presets."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal, get_args

from superglobal_core.errors import UserError, unknown_name

ReLUPMode = Literal["on", "official-off", "off"]
ScalePooling = Literal["max", "mean", "mean-of-normalised"]
Resize = Literal["float-tensor", "8-bit-image"]

MOST_EXPONENT = 100


@dataclasses.dataclass(frozen=True)
class DescriptorSettings:
    """The switches of one global descriptor; the defaults are SuperGlobal as released.

    scales: factors of the image's height and width, each rounded down by `int()`.
    gem_plus: pool with the fixed exponent `gem_plus_p` instead of the checkpoint's learned one.
    regional_gem: average each position with its 5x5 neighbourhood's GeM (exponent `regional_p`).
    scale_pooling: `max` (Scale-GeM) takes the elementwise maximum of the normalised per-scale
        descriptors, `mean` the mean of them as they are, `mean-of-normalised` CVNet's mean.
    relup: `on`; `official-off` is what the release's switch does (the two inner activations of
        stage 1 stay ReLUP); `off` is ReLU everywhere.
    relup_alpha: ReLUP's floor, in the activations' own scale.
    inner_normalisation: L2-normalise the pooled vector before the fully connected layer; a backbone
        without that layer (torchvision's) shows it with the pooling `mean` of scales alone.
    resize: where scaling happens, `float-tensor` (SuperGlobal: bilinear on the normalised tensor,
        antialiased or not) or `8-bit-image` (CVNet: OpenCV, area downwards, linear upwards).

    Source: SuperGlobal, section 3 and its release; CVNet's release.
    """

    scales: tuple[float, ...] = (0.7071, 1.0, 1.4142)
    gem_plus: bool = True
    gem_plus_p: float = 4.6
    regional_gem: bool = True
    regional_p: float = 2.5
    scale_pooling: ScalePooling = "max"
    relup: ReLUPMode = "on"
    relup_alpha: float = 0.014
    inner_normalisation: bool = True
    resize: Resize = "float-tensor"
    antialias: bool = True

    def __post_init__(self) -> None:
        if not self.scales:
            raise UserError("scales is empty: name at least one, for example --scales 1")
        for scale in self.scales:
            # Beyond 8 an ordinary photograph no longer fits in memory: surely a slip.
            if not (math.isfinite(scale) and 0.05 <= scale <= 8):
                raise UserError(f"scale {scale:g} is outside 0.05 to 8: correct --scales")
        # Below 1 a generalised mean is none; an exponent beyond 100 leaves float32's range.
        for name in ("gem_plus_p", "regional_p"):
            if not 1 <= getattr(self, name) <= MOST_EXPONENT:
                raise UserError(
                    f"{name} is {getattr(self, name):g}: give an exponent from 1 (the mean) to {MOST_EXPONENT}"
                )
        if not (math.isfinite(self.relup_alpha) and self.relup_alpha >= 0):
            raise UserError(
                f"relup_alpha is {self.relup_alpha:g}: give a finite floor, 0 (plain ReLU) or above"
            )
        for name, allowed in (("relup", ReLUPMode), ("scale_pooling", ScalePooling), ("resize", Resize)):
            if getattr(self, name) not in get_args(allowed):
                raise unknown_name(name, str(getattr(self, name)), get_args(allowed))

    def smallest_side(self) -> int:
        """Return the smallest image side, in pixels, that the network can take at every scale.

        Regional-GeM needs 3 positions a side in the last map (stride 32), hence 65 px.

        >>> DescriptorSettings().smallest_side()
        92
        """
        wanted = 65 if self.regional_gem else 1
        return next(side for side in range(1, 4000) if int(side * min(self.scales)) >= wanted)

    def with_scale_gem(self, wanted: bool | None) -> DescriptorSettings:
        """Return the settings with Scale-GeM switched on or off; None leaves it as it is.

        >>> DescriptorSettings().with_scale_gem(False).scale_pooling
        'mean'
        """
        if wanted is None or wanted == (self.scale_pooling == "max"):
            return self
        return dataclasses.replace(self, scale_pooling="max" if wanted else "mean")

    def as_dict(self) -> dict[str, object]:
        """Return the settings as plain values, for records."""
        return dataclasses.asdict(self) | {"scales": list(self.scales)}


PRESETS: dict[str, DescriptorSettings] = {
    "superglobal": DescriptorSettings(),
    "cvnet-global": DescriptorSettings(
        gem_plus=False,
        regional_gem=False,
        scale_pooling="mean-of-normalised",
        relup="off",
        inner_normalisation=False,
        resize="8-bit-image",
    ),
}

# Other names of presets. The paper's text and the release describe an image alike (they differ in the reranking).
ALIASES = {"official": "superglobal", "paper": "superglobal", "cvnet": "cvnet-global"}


def preset(name: str, **changes: object) -> DescriptorSettings:
    """Return a preset with some switches changed; a change of None keeps the preset's value.

    >>> preset("superglobal", gem_plus=False, antialias=None).gem_plus
    False
    >>> preset("paper") == preset("official") == preset("superglobal")
    True
    """
    if name not in PRESETS and name not in ALIASES:
        raise unknown_name("preset", name, [*PRESETS, *ALIASES])
    changed = {key: value for key, value in changes.items() if value is not None}
    return dataclasses.replace(PRESETS[ALIASES.get(name, name)], **changed)  # type: ignore[arg-type]
