"""A chart's SVG made part of a page: its own ids, the page's colours, a name for screen readers."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from markupsafe import Markup

from superglobal_core.reporting.drawing import HEAT, INK, LINE, MUTED, PAPER, SERIES, Figure

# The page defines these, for light and dark.
VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    PAPER: "var(--card)",
    **{colour: f"var(--series-{number})" for number, colour in enumerate(SERIES)},
    **{colour: f"var(--heat-{number})" for number, colour in enumerate(HEAT)},
}


def inline_svg(figure: Figure, prefix: str) -> Markup:
    """Return a chart as an `<svg>` element for HTML.

    prefix: put before every id, so that several charts can stand in one page.
    """
    # The text was drawn a moment ago, by matplotlib: no stranger's XML.
    root = ElementTree.fromstring(figure.svg)
    for parent in root.iter():
        for child in [child for child in parent if child.tag.endswith(("}style", "}metadata"))]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {
            _name(key): _value(_name(key), value, prefix) for key, value in element.attrib.items()
        }
        # Nothing but white space stands between elements.
        element.tail = None
    title = ElementTree.Element("title", {"id": f"{prefix}title"})
    title.text = figure.title
    root.insert(0, title)
    root.attrib = {
        "class": "chart",
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": f"{prefix}title",
    }
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _name(key: str) -> str:
    return key.rpartition("}")[2]


def _value(key: str, value: str, prefix: str) -> str:
    if key == "id":
        return prefix + value
    if key == "href":
        return "#" + prefix + value.removeprefix("#")
    if key == "clip-path":
        return value.replace("url(#", f"url(#{prefix}")
    return _themed(value) if key == "style" else value


def _themed(style: str) -> str:
    for colour, variable in VARIABLES.items():
        style = style.replace(colour, variable)
    return re.sub(
        r"font-family:[^;]+",
        "font-family: inherit",
        re.sub(r"font: ([\d.]+px)[^;]*", r"font-size: \1", style),
    )
