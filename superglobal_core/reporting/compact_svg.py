"""A chart's SVG made small and always the same: no needless digits, attributes or groups."""

from __future__ import annotations

import re
from xml.etree import ElementTree

SVG = "http://www.w3.org/2000/svg"
NUMBERS = ("d", "transform", "x1", "y1", "x2", "y2", "x", "y", "width", "height", "stroke-width")
# What the drawing program writes although it is so anyway.
NEEDLESS = {"opacity": "1", "stroke-miterlimit": "10", "stroke-opacity": "1", "fill-opacity": "1"}
DROPPED = ("role", "aria-roledescription", "aria-hidden", "class", "pointer-events")


def compact(svg: str) -> str:
    """Return the SVG text of a chart that Vega drew, about half as long and looking the same.

    Numbers of places and shapes are rounded to hundredths of a pixel; the font is named once; clips are
    numbered from 0, as Vega numbers them through all charts that a process draws.

    >>> compact(f'<svg xmlns="{SVG}" class="marks"><g opacity="1"><path d="M0.6666,1h2"/></g></svg>')
    '<svg xmlns="http://www.w3.org/2000/svg"><g><path d="M0.67,1h2"/></g></svg>'
    """
    ElementTree.register_namespace("", SVG)
    # The text was drawn a moment ago: no stranger's XML.
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if _is_nothing(child):
                parent.remove(child)
    fonts = {element.attrib["font-family"] for element in root.iter() if "font-family" in element.attrib}
    clips: dict[str, str] = {}
    for element in root.iter():
        element.attrib = {
            name: _value(name, value, clips)
            for name, value in element.attrib.items()
            if name not in DROPPED
            and NEEDLESS.get(name) != value
            and not (name == "font-family" and len(fonts) == 1)
        }
    if len(fonts) == 1:
        root.attrib["font-family"] = fonts.pop()
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True).replace(" />", "/>")


def _is_nothing(element: ElementTree.Element) -> bool:
    """Whether an element draws nothing: hidden, or a background without colour."""
    attributes = element.attrib
    if attributes.get("display") == "none" or attributes.get("opacity") == "0":
        return True
    return attributes.get("class") == "background" and not {"fill", "stroke"} & set(attributes)


def _value(name: str, value: str, clips: dict[str, str]) -> str:
    if name in NUMBERS:
        return re.sub(r"-?\d+\.\d+(?:e-?\d+)?", lambda found: _short(found[0]), value)
    if name == "id":
        return clips.setdefault(value, f"clip{len(clips)}")
    if value.startswith("url(#"):
        return f"url(#{clips.setdefault(value[5:-1], f'clip{len(clips)}')})"
    return value


def _short(number: str) -> str:
    text = f"{float(number):.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
