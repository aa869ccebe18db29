"""The part of Vega that draws charts in a page: made once from what vl-convert carries, and shipped packed.

`python -m superglobal_core.reporting.vega_runtime` writes it anew; a test tells when that is due.
"""

from __future__ import annotations

import base64
import functools
import gzip
from importlib import resources
from pathlib import Path

FILE = "vega.js.gz"
#: the release of vl-convert that the file was made with
MADE_WITH = "1.9.0"
NAME = "superglobalVega"
# What bar, line, point, text and rectangle need, and no maps, trees, forces or clouds of words.
MODULES = {
    "transforms": "vega-transforms@5.1.0",
    "layout": "vega-view-transforms@5.1.0",
    "encode": "vega-encode@5.1.0",
    "dataflow": "vega-dataflow@6.1.0",
    "view": "vega-view@6.1.0",
    "parser": "vega-parser@7.1.0",
    # Expressions are interpreted: a page then needs no leave to make code of text.
    "interpreter": "vega-interpreter@2.0.0",
}
SNIPPET = "\n".join(
    [
        *(
            f'import * as {name} from "https://cdn.jsdelivr.net/npm/{module}/+esm";'
            for name, module in MODULES.items()
        ),
        "Object.assign(dataflow.transforms, transforms, layout, encode);",
        f"window.{NAME} = {{ parse: parser.parse, View: view.View, "
        "expressionInterpreter: interpreter.expressionInterpreter };",
    ]
)
# The licences want their text to go with the code.
LICENCES = "vega-licences.txt"


@functools.lru_cache(maxsize=1)
def packed_runtime() -> str:
    """Return the runtime as base64 of gzip, for a page's script to unpack."""
    packed = resources.files("superglobal_core.reporting").joinpath("templates", FILE).read_bytes()
    return base64.b64encode(packed).decode("ascii")


@functools.lru_cache(maxsize=1)
def runtime() -> str:
    """Return the runtime's text, which a page's policy names by its hash."""
    return gzip.decompress(base64.b64decode(packed_runtime())).decode("utf-8")


def bundled_runtime() -> str:
    """Return the runtime's JavaScript, made anew: it puts `parse`, `View` and `expressionInterpreter` on the window."""
    import vl_convert

    licences = (Path(__file__).parent / "templates" / LICENCES).read_text(encoding="utf-8")
    return f"/*\n{licences}*/\n{vl_convert.javascript_bundle(SNIPPET)}\n"


def write_runtime(folder: Path) -> Path:
    """Write the packed runtime into a folder and return its path; the same release gives the same bytes."""
    path = folder / FILE
    path.write_bytes(gzip.compress(bundled_runtime().encode("utf-8"), 9, mtime=0))
    return path


if __name__ == "__main__":
    write_runtime(Path(__file__).parent / "templates")
