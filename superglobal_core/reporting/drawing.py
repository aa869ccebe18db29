"""What all charts share: colours, style, and the way to SVG that gives the same bytes each time."""

from __future__ import annotations

import dataclasses
import io
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, LINE, PAPER = "#1c2430", "#5b6675", "#d5dae1", "#fffffe"
# Okabe and Ito's colours, told apart with every common kind of colour blindness; the single stage is grey.
SERIES = (
    *("#8b95a3", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"),
    # As many again for suites of many methods, each next to unlike ones.
    *("#56b4e9", "#7a4a21", "#5b3a8e", "#94a51a", "#b0203a", "#0f6b63"),
)
# Told apart without colour.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
# From low to high, one hue: told apart by lightness alone. Ink is read on the first four, paper on the others.
HEAT = ("#eaf2f9", "#cfe1f1", "#a9cbe6", "#7fb2da", "#2f6fa9", "#1d5690", "#0b3c70")

# Inches: narrow enough that the text can be read where a telephone shows a whole chart.
WIDTH = 5.0
TITLE_LETTERS = 68  # of a line as wide as a chart
LEGEND_LETTERS = 64  # beside a legend's marks
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "superglobal",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial"],
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": LINE,
    "axes.facecolor": PAPER,
    "figure.facecolor": PAPER,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.parse_math": False,
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.hspace": 0.06,
}


@dataclasses.dataclass(frozen=True)
class Figure:
    """A chart: its file name without suffix, title, how to read it in one sentence, and the SVG."""

    name: str
    title: str
    reading: str
    svg: str


def to_svg(draw: Any, panels: int, height: float) -> str:
    """Return the SVG of a chart.

    draw: takes the panels' axes, one below the other; height: of the whole, in inches.
    """
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    # Whatever this user's matplotlibrc says, the same results give the same bytes.
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        canvas = Canvas(figsize=(WIDTH, height), layout="constrained")
        draw(canvas.subplots(panels, 1, squeeze=False)[:, 0])
        out = io.StringIO()
        canvas.savefig(out, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return out.getvalue()


def set_title(axes: Axes, text: str) -> None:
    """Write a panel's title, broken into lines; no character of it is special."""
    axes.set_title(textwrap.fill(text, TITLE_LETTERS - 6), parse_math=False)


def set_whole_title(axes: Axes, text: str) -> None:
    """Write the title of a chart of one panel from the chart's left edge, whatever room its labels take."""
    axes.figure.suptitle(
        broken(text, TITLE_LETTERS, 3), x=0.01, ha="left", fontsize=STYLE["axes.titlesize"], parse_math=False
    )


def broken(name: str, letters: int = 24, lines: int = 2) -> str:
    """Return a name in lines of some letters; what is longer ends with an ellipsis, as tables have it in full.

    >>> broken("average query expansion of the ten nearest images found", 24)
    'average query expansion\\nof the ten nearest …'
    """
    return "\n".join(textwrap.wrap(name, letters, max_lines=lines, placeholder=" \N{HORIZONTAL ELLIPSIS}"))


def name_rows(axes: Axes, names: Sequence[str], above: float, below: float) -> None:
    """Make rows of a dot plot, the first on top: their names at the left, free space above and below."""
    axes.set_yticks(range(len(names)), list(names))
    for label in axes.get_yticklabels():
        label.set_parse_math(False)
    axes.set_ylim(len(names) - 1 + below, -above)
    axes.tick_params(length=0)
    axes.grid(axis="x")
    axes.spines["bottom"].set_visible(False)


def add_legend(axes: Axes, handles: Sequence[Any], names: Sequence[str]) -> None:
    """Write the legend above the chart, in two columns where the names are short, in lines where one is long."""
    legend = axes.figure.legend(
        handles,
        [textwrap.fill(name, LEGEND_LETTERS) for name in names],
        loc="outside upper left",
        ncols=2 if max(map(len, names)) < 27 else 1,
        frameon=False,
        handlelength=1.1,
        handleheight=0.9,
        borderaxespad=0.2,
        columnspacing=1.6,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def log_limits(axes: Axes, side: str, values: Sequence[float]) -> None:
    """Make an axis logarithmic, a decade long at least, with plain numbers at its ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = math.log10(min(values)) - 0.15, math.log10(max(values)) + 0.15
    middle, half = (low + high) / 2, max(0.5, (high - low) / 2)
    getattr(axes, f"set_{side}scale")("log")
    getattr(axes, f"set_{side}lim")(10 ** (middle - half), 10 ** (middle + half))
    axis = axes.xaxis if side == "x" else axes.yaxis
    steps = (1.0, 2.0, 5.0) if half < 1.1 else (1.0,)
    axis.set_major_locator(LogLocator(subs=steps, numticks=20))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:,.9g}" if value < 1 else f"{value:,.0f}")
    )


def plain_grid(axes: Axes) -> None:
    """Show the grid, and ticks as quiet numbers."""
    axes.grid(True)
    axes.tick_params(length=0)
    axes.tick_params(axis="both", labelcolor=MUTED)
