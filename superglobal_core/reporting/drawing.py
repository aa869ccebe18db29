"""What all charts share: colours, measures, and `Figure`: one definition drawn as SVG, as PDF, and in the page."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
import textwrap
from collections.abc import Sequence
from typing import Any

from superglobal_core.reporting.compact_svg import compact
from superglobal_core.reporting.steady_pdf import steady

INK, MUTED, LINE, PAPER = "#1c2430", "#5b6675", "#d5dae1", "#fffffe"
# Okabe and Ito's colours, told apart with every common kind of colour blindness; the single stage is grey.
SERIES = (
    *("#8b95a3", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"),
    # As many again for suites of many methods, each next to unlike ones.
    *("#56b4e9", "#7a4a21", "#5b3a8e", "#94a51a", "#b0203a", "#0f6b63"),
)
# Told apart without colour.
MARKERS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")
# Half a side long, as Vega takes shapes of one's own.
STAR = "M0,-1L.2939,-.4045L.9511,-.309L.4755,.1545L.5878,.809L0,.5L-.5878,.809L-.4755,.1545L-.9511,-.309L-.2939,-.4045Z"
# From low to high, one hue: told apart by lightness alone. Ink is read on the first four, paper on the others.
HEAT = ("#eaf2f9", "#cfe1f1", "#a9cbe6", "#7fb2da", "#2f6fa9", "#1d5690", "#0b3c70")

# CSS pixels: narrow enough that the text can be read where a telephone shows a whole chart.
WIDTH = 420
FONT_SIZE = 12
# The first is measured with, whatever fonts a machine has: the drawing program brings it along.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
TITLE_LETTERS = 50  # of a line as wide as a chart
LEGEND_LETTERS = 48  # beside a legend's marks
# The name of what the legend holds of muted series, in every chart.
MUTE = "mute"


@dataclasses.dataclass(frozen=True)
class Figure:
    """A chart: its file name without suffix, title, how to read it in one sentence, and its Vega-Lite definition.

    All that is drawn of it comes from the one definition, and the same definition gives the same bytes.
    """

    name: str
    title: str
    reading: str
    chart: dict[str, Any]

    @functools.cached_property
    def vega(self) -> dict[str, Any]:
        """The definition compiled to Vega, as the page's script draws it."""
        import vl_convert

        text = json.dumps(vl_convert.vegalite_to_vega(self.chart))
        # What a click on the legend chooses is muted here, in the legend too; as a rule all else would be.
        chosen = rf'\(!length\(data\(\\"{MUTE}_store\\"\)\) \|\| \('
        # Where its schema stands on the net is of no use in a page that asks nobody.
        found: dict[str, Any] = json.loads(re.sub(chosen, lambda found: found[0][:-1] + "!(", text))
        found.pop("$schema", None)
        return found

    @functools.cached_property
    def svg(self) -> str:
        """The chart as the text of an SVG file."""
        import vl_convert

        return compact(vl_convert.vega_to_svg(self.vega))

    @functools.cached_property
    def pdf(self) -> bytes:
        """The chart as a PDF file of one page, fonts within."""
        return svg_pdf(self.svg)

    def files(self, endings: Sequence[str] = ("svg", "pdf")) -> dict[str, str | bytes]:
        """Return the chart's files of these kinds by their names within a report."""
        return {
            f"figures/{self.name}.{ending}": self.svg if ending == "svg" else self.pdf for ending in endings
        }


def svg_pdf(svg: str) -> bytes:
    """Return the text of an SVG file as a PDF file of one page, fonts within; the same text gives the same bytes."""
    import vl_convert

    return steady(vl_convert.svg_to_pdf(svg))


def wrapped(text: str, letters: int, lines: int | None = None) -> list[str]:
    """Return a text in lines; what needs more lines ends with an ellipsis.

    >>> wrapped("average query expansion of the ten nearest images found", 24, 2)
    ['average query expansion', 'of the ten nearest …']
    """
    return textwrap.wrap(text, letters, max_lines=lines, placeholder=" \N{HORIZONTAL ELLIPSIS}") or [""]


def broken(name: str) -> list[str]:
    """Return a name of a row in two lines of 24 letters; tables have in full what is longer."""
    return wrapped(name, 24, 2)
