"""A chart as part of a page: a drawing that stands without scripts, its caption and files, and its specification."""

from __future__ import annotations

import functools
import hashlib
import json
from base64 import b64encode
from importlib import resources

from markupsafe import Markup

from superglobal_core.reporting.drawing import FONT, Figure
from superglobal_core.reporting.inline_svg import VARIABLES, inline_svg
from superglobal_core.reporting.vega_runtime import packed_runtime, runtime

FIGURE = Markup(
    '<figure class="drawing"><div class="scroll" role="region" aria-label="{title}" tabindex="0">{svg}</div>\n'
    '<figcaption>{caption}<span class="files">This chart as {files}</span></figcaption>{spec}</figure>'
)
FILE = Markup('<a href="figures/{name}.{ending}">{title}</a>')
SPEC = Markup('\n<script type="application/json" class="vega">{spec}</script>')
SCRIPTS = Markup(
    '<script type="text/plain" id="vega-runtime">{runtime}</script>\n'
    '<script type="application/json" id="vega-theme">{theme}</script>\n'
    "<script>{script}</script>\n"
)


class Charts:
    """Puts charts into one page: call it with each, then ask for the scripts that the page needs.

    small: drawings alone, without what answers to the pointer, and without PDF beside them.
    """

    def __init__(self, small: bool = False) -> None:
        self._any, self._small = False, small

    def __call__(self, figure: Figure, titled: bool = True, read: bool = True) -> Markup:
        """Return a chart as `<figure>`; titled, read: whether its caption has the title, and how to read it."""
        self._any = True
        caption = Markup("<b>{}.</b> ").format(figure.title) if titled else Markup()
        if read:
            caption += Markup("{} ").format(figure.reading)
        files = [FILE.format(name=figure.name, ending=end, title=end.upper()) for end in endings(self._small)]
        return FIGURE.format(
            title=figure.title,
            svg=inline_svg(figure, f"{figure.name}-"),
            caption=caption,
            files=Markup(", ").join(files),
            spec=Markup() if self._small else SPEC.format(spec=_json(figure.vega)),
        )

    @property
    def policy(self) -> Markup:
        """The sources of scripts that a page with charts lets run: these, and no other."""
        return Markup(" ".join(f"'sha256-{_digest(text)}'" for text in (_script(), runtime())))

    @property
    def endings(self) -> tuple[str, ...]:
        """The kinds of files that the report's charts are written to."""
        return endings(self._small)

    def scripts(self) -> Markup:
        """Return what makes the page's charts answer to the pointer; nothing where there are no charts."""
        if self._small or not self._any:
            return Markup()
        return SCRIPTS.format(
            runtime=packed_runtime(),
            theme=_json({**VARIABLES, FONT: "inherit"}),
            script=Markup(_script()),
        )


def endings(small: bool) -> tuple[str, ...]:
    """Return the kinds of files that a chart is written to.

    >>> endings(small=True), endings(small=False)
    (('svg',), ('svg', 'pdf'))
    """
    return ("svg",) if small else ("svg", "pdf")


@functools.lru_cache(maxsize=1)
def _script() -> str:
    script = resources.files("superglobal_core.reporting").joinpath("templates", "charts.js")
    return script.read_text(encoding="utf-8")


@functools.lru_cache(maxsize=2)
def _digest(script: str) -> str:
    return b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def _json(value: object) -> Markup:
    """Return JSON that can stand in a script: no name in it ends the script.

    >>> _json({"a": "</script>"})
    Markup('{"a":"\\\\u003c/script>"}')
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
