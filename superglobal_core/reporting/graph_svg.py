"""The picture of a run's graph, as an SVG in a page's colours or in a file's."""

from __future__ import annotations

from markupsafe import Markup, escape

from superglobal_core.reporting.drawing import INK, LINE, MUTED, PAPER
from superglobal_core.reporting.graph_layout import Layout, layered
from superglobal_core.reporting.step_graph import Graph, Node

# Pixels.
BOX, HEIGHT, GAP, ROW, BEND, MARGIN = 210, 80, 64, 14, 6, 8
LETTERS = {14: 22, 12: 26}  # by size of the letters: how many of them a box has room for
TITLE = "The steps of this run and what they read, from left to right"
# By their names in the style sheet of the pages.
PLAIN = {"ink": INK, "muted": MUTED, "line": LINE, "card": PAPER, "soft": "#eef0f2", "accent": "#0a5c96"}
THEMED = {name: f"var(--{name})" for name in PLAIN}
Places = dict[int, tuple[float, float]]


def graph_svg(graph: Graph, *, inline: bool = False) -> Markup:
    """Return the graph as `<svg>`: inline, in the variables of the pages' style; else a file of its own.

    Text and lines alone, a few kB; boxes with round corners are steps, those with a broken line data.
    """
    colours = THEMED if inline else PLAIN
    layout = layered(len(graph.nodes), graph.edges)
    places, height = _places(layout)
    width = MARGIN * 2 + len(layout.layers) * (BOX + GAP) - GAP
    space = Markup("") if inline else Markup(' xmlns="http://www.w3.org/2000/svg"')
    font = "inherit" if inline else "system-ui, sans-serif"
    style = Markup(
        ".w-edge{{fill:none;stroke:{muted};stroke-width:1.2}}.w-arrow{{fill:{muted}}}"
        ".w-step{{fill:{card};stroke:{accent}}}.w-data{{fill:{soft};stroke:{muted};stroke-dasharray:4 3}}"
        ".w-name{{font-size:14px;font-weight:600;fill:{ink}}}.w-text{{font-size:12px;fill:{muted}}}"
    ).format(**colours)
    parts = [
        Markup(
            '<svg{} class="workflow" width="{}" height="{}" viewBox="0 0 {} {}" role="img" '
            'aria-labelledby="workflow-svg-title" font-family="{}">'
        ).format(space, width, _number(height), width, _number(height), font),
        Markup('<title id="workflow-svg-title">{}</title><style>{}</style>').format(TITLE, style),
        Markup(
            '<defs><marker id="workflow-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path class="w-arrow" d="M0 0L8 4L0 8z"/></marker></defs>'
        ),
    ]
    if not inline:
        parts.append(Markup('<rect width="100%" height="100%" fill="{}"/>').format(colours["card"]))
    parts += [_hop(one, other, places, layout.nodes) for one, other in layout.hops]
    parts += [_box(node, *places[number]) for number, node in enumerate(graph.nodes)]
    return Markup("\n").join([*parts, Markup("</svg>")])


def _places(layout: Layout) -> tuple[Places, float]:
    """Return the left upper corner of each box, the point of each bend, and the height of the whole."""

    def tall(item: int) -> float:
        return HEIGHT if item < layout.nodes else BEND

    heights = [sum(map(tall, layer)) + ROW * (len(layer) - 1) for layer in layout.layers]
    whole = max(heights, default=0)
    places: Places = {}
    for number, (layer, height) in enumerate(zip(layout.layers, heights, strict=True)):
        y = MARGIN + (whole - height) / 2
        for item in layer:
            places[item] = (MARGIN + number * (BOX + GAP), y)
            y += tall(item) + ROW
    return places, whole + 2 * MARGIN


def _hop(one: int, other: int, places: Places, nodes: int) -> Markup:
    """Draw a line from the right side of a box or bend to the left of another, and straight through a bend."""

    def middle(item: int) -> float:
        return places[item][1] + (HEIGHT if item < nodes else BEND) / 2

    start, end = places[one][0] + BOX, places[other][0]
    half = (start + end) / 2
    curve = (start, middle(one)), (half, middle(one)), (half, middle(other)), (end, middle(other))
    first, *rest = (f"{_number(x)} {_number(y)}" for x, y in curve)
    path = f"M{first}C{' '.join(rest)}"
    if other < nodes:
        return Markup('<path class="w-edge" marker-end="url(#workflow-arrow)" d="{}"/>').format(path)
    return Markup('<path class="w-edge" d="{}H{}"/>').format(path, _number(end + BOX))


def _box(node: Node, x: float, y: float) -> Markup:
    lines = [
        line
        for line in ((node.name, 14), *((subject, 12) for subject in node.subjects), (node.amount, 12))
        if line[0]
    ]
    top = y + (HEIGHT - 17 * len(lines)) / 2 + 13
    shape = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="{}"/>').format(
        "w-step" if node.is_step else "w-data", _number(x), _number(y), BOX, HEIGHT, 8 if node.is_step else 0
    )
    texts = [
        Markup('<text class="{}" x="{}" y="{}">{}</text>').format(
            "w-name" if size == 14 else "w-text", _number(x + 10), _number(top + 17 * row), _short(text, size)
        )
        for row, (text, size) in enumerate(lines)
    ]
    whole = Markup("<title>{}</title>").format(node.sentence)
    return Markup("<g>{}{}{}</g>").format(whole, shape, Markup("").join(texts))


def _short(text: str, size: int) -> Markup:
    letters = LETTERS[size]
    return escape(text if len(text) <= letters else text[: letters - 1] + "\N{HORIZONTAL ELLIPSIS}")


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
