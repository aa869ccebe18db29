"""The switches of a descriptor as a suite asks for them, without torch."""

from __future__ import annotations

from superglobal_core.config import Extract
from superglobal_core.data.reading import Reading
from superglobal_core.networks.settings import DescriptorSettings, preset

SETTINGS: tuple[str, ...] = (
    *("gem_plus", "gem_plus_p", "regional_gem", "regional_p", "relup", "relup_alpha"),
    *("inner_normalisation", "antialias", "resize"),
)


def settings_of(extract: Extract) -> tuple[DescriptorSettings, Reading]:
    """Return the settings and the reading of images that a suite's `extract` asks for.

    >>> settings, reading = settings_of(Extract(backbone="mini", gem_plus_p=3))
    >>> settings.gem_plus_p, settings.regional_p, reading.colour
    (3.0, 2.5, 'bgr')
    """
    scales = None if extract.scales is None else tuple(extract.scales)
    changed = {name: getattr(extract, name) for name in SETTINGS}
    settings = preset(extract.preset, scales=scales, **changed).with_scale_gem(extract.scale_gem)
    return settings, Reading.chosen(extract.crop_rounding, extract.colour, extract.exif)
