"""The search page of somebody's own photographs: click on one, see its neighbours before and after reranking."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from superglobal_core.data.photo_folder import LeftOut
from superglobal_core.reasons import writable

#: photographs of one page of the grid
PAGE_SIZE = 120
# Similarities are written as whole numbers of this part: three digits are what a person compares.
UNIT = 1000


@dataclasses.dataclass(frozen=True)
class Shown:
    """A photograph on the page: its name (the path below its folder) and its thumbnail's file name."""

    name: str
    thumbnail: str


@dataclasses.dataclass(frozen=True)
class Neighbours:
    """The neighbours of each of N photographs, (N, k) each, best first.

    before, before_scores: photographs by number, and their cosine similarities; now: their places (from 1)
    after the reranking. after, after_scores: the same of the reranking; was: their places before it.
    """

    before: np.ndarray
    before_scores: np.ndarray
    now: np.ndarray
    after: np.ndarray
    after_scores: np.ndarray
    was: np.ndarray


def quickstart_page(
    folder: Path,
    out: Path,
    photographs: Sequence[Shown],
    neighbours: Neighbours,
    *,
    left_out: Sequence[LeftOut],
    network: str,
    warning: str | None,
    shortlist: int,
    copies: int,
) -> str:
    """Return the page as HTML, for the folder `out` with the thumbnails in `thumbnails/`.

    It asks for nothing beyond this folder but the photographs themselves, which it links to. The same
    photographs and neighbours give the same bytes.
    """
    environment = Environment(
        loader=PackageLoader("superglobal_core.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "sort_keys": True,
        "separators": (",", ":"),
        "ensure_ascii": False,
    }
    styles = [_source(environment, name) for name in ("report.css", "print.css", "quickstart.css")]
    script = _source(environment, "quickstart.js")
    names = [writable(one.name) for one in photographs]
    links = [_link(folder, out, one.name) for one in photographs]
    thumbnails = [f"thumbnails/{one.thumbnail}" for one in photographs]
    return environment.get_template("quickstart.html.j2").render(
        style=Markup("\n".join(styles)),
        script=Markup(script),
        script_digest=base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode(),
        title=writable(folder.resolve().name or "photographs"),
        data={"names": names, "thumbnails": thumbnails, "links": links} | _lists(neighbours),
        photographs=list(zip(names, thumbnails, links, strict=True)),
        page_size=PAGE_SIZE,
        places=neighbours.before.shape[1],
        shortlist=shortlist,
        network=network,
        warning=warning,
        copies=copies,
        left_out=[(writable(one.name), writable(one.reason)) for one in left_out],
    )


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _link(folder: Path, out: Path, name: str) -> str:
    try:
        path = os.path.relpath(os.path.join(folder.resolve(), name), out.resolve())  # noqa: PTH118
    except ValueError:  # another drive
        return (folder.resolve() / name).as_uri()
    return quote(os.fsencode(path.replace(os.sep, "/")))


def _lists(neighbours: Neighbours) -> dict[str, Any]:
    """Return the neighbours as lists of whole numbers, one a photograph."""
    lists = {}
    for field in dataclasses.fields(Neighbours):
        values = getattr(neighbours, field.name)
        if field.name.endswith("_scores"):
            values = np.rint(values.astype(np.float64) * UNIT)
        lists[field.name] = values.astype(np.int64).tolist()
    return lists
