"""A chart's SVG made part of a page: its own ids, the page's colours, a name for screen readers."""

from __future__ import annotations

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
    # The text was drawn a moment ago: no stranger's XML.
    root = ElementTree.fromstring(figure.svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = _attributes(element.attrib, prefix)
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


def _attributes(found: dict[str, str], prefix: str) -> dict[str, str]:
    kept, style = {}, []
    for key, value in found.items():
        name = key.rpartition("}")[2]
        if name in ("fill", "stroke") and value in VARIABLES:
            style.append(f"{name}:{VARIABLES[value]}")
        elif name == "id":
            kept[name] = prefix + value
        elif name == "href":
            kept[name] = "#" + prefix + value.removeprefix("#")
        elif name != "font-family":  # the page's own
            kept[name] = value.replace("url(#", f"url(#{prefix}")
    return kept | ({"style": ";".join(style)} if style else {})
