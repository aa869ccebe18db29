"""How images are read: the protocol switches between the file and the network's input."""

from __future__ import annotations

import dataclasses
from typing import Literal, get_args

from superglobal_core.errors import unknown_name

CropRounding = Literal["truncate", "round"]
Colour = Literal["bgr", "rgb"]
Exif = Literal["applied", "ignored"]


@dataclasses.dataclass(frozen=True)
class Reading:
    """The switches of reading an image; the defaults are the official release's.

    crop_rounding: a query box's coordinates are truncated by `int()` (SuperGlobal, CVNet) or rounded
        to the nearest pixel (DELG).
    colour: order of the channels that the network sees. With `rgb` the normalisation's means and
        deviations follow the colours, as a loader with Pillow and torchvision gives them; every backbone expects
        BGR (torchvision's weights are turned round on loading) and then loses accuracy silently.
    exif: whether an orientation in the file's EXIF data is applied (OpenCV does) or ignored.

    Source: the releases of SuperGlobal, CVNet and DELG.

    >>> Reading(colour="rgb").as_dict()
    {'crop_rounding': 'truncate', 'colour': 'rgb', 'exif': 'applied'}
    """

    crop_rounding: CropRounding = "truncate"
    colour: Colour = "bgr"
    exif: Exif = "applied"

    def __post_init__(self) -> None:
        for name, allowed in (("crop_rounding", CropRounding), ("colour", Colour), ("exif", Exif)):
            if getattr(self, name) not in get_args(allowed):
                raise unknown_name(name.replace("_", "-"), str(getattr(self, name)), get_args(allowed))

    @classmethod
    def chosen(
        cls, crop_rounding: str | None = None, colour: str | None = None, exif: bool | None = None
    ) -> Reading:
        """Return the defaults with some switches changed; None keeps one as it is.

        Raises:
            UserError: for a value that is none of the allowed ones.
        """
        values = {
            "crop_rounding": crop_rounding,
            "colour": colour,
            "exif": None if exif is None else ("applied" if exif else "ignored"),
        }
        return cls(**{name: value for name, value in values.items() if value is not None})  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, str]:
        """Return the switches as plain values, for records."""
        return dataclasses.asdict(self)
