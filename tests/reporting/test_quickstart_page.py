"""The search page of somebody's own photographs, as a file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import html5lib
import numpy as np

from superglobal_core.data.photo_folder import LeftOut
from superglobal_core.reporting.quickstart_page import Neighbours, Shown, quickstart_page

ODD = ["<script>alert(1)</script>.jpg", "a b#1?.jpg", "trip/日本 ☃.png", "</script><!--.jpg", "q\"'&amp;.jpg"]


def neighbours(count: int, places: int) -> Neighbours:
    """Some other photograph at every place."""
    rows = (np.arange(count)[:, None] + np.arange(1, places + 1)) % count
    scores = np.tile(np.linspace(0.9, -0.1, places, dtype=np.float32), (count, 1))
    ranks = np.tile(np.arange(1, places + 1), (count, 1))
    return Neighbours(rows, scores, ranks, rows[:, ::-1], scores, ranks[:, ::-1])


def page(names: list[str], **changes: Any) -> str:
    options: dict[str, Any] = {
        "left_out": [],
        "network": "a network",
        "warning": None,
        "shortlist": len(names) - 1,
        "copies": 0,
    }
    shown = [Shown(name, f"{hashlib.sha256(name.encode()).hexdigest()[:20]}.webp") for name in names]
    found = neighbours(len(names), min(10, len(names) - 1))
    return quickstart_page(Path("/p/my photos"), Path("/p/out"), shown, found, **options | changes)


def data_of(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found
    return json.loads(found[1])


def test_odd_names_are_text() -> None:
    text = page(ODD, left_out=[LeftOut("<img src=x>.jpg", "is <b>empty</b>")])
    document = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    assert len(document.findall(".//script")) == 2
    assert data_of(text)["names"] == ODD
    images = document.findall(".//noscript//img")
    assert [image.get("alt") for image in images] == ODD
    assert [item.text for item in document.findall(".//section[@id='left-out']//b")] == ["<img src=x>.jpg"]


def test_links_lead_to_the_photographs_themselves() -> None:
    links = data_of(page(ODD))["links"]
    assert links[1] == "../my%20photos/a%20b%231%3F.jpg"
    assert all(re.fullmatch(r"\.\./my%20photos/[\w./%~-]+", link) for link in links)


def test_nothing_but_its_own_script_may_run_and_nothing_comes_from_elsewhere() -> None:
    text = page(ODD)
    script = text[text.rindex("<script>") + len("<script>") : text.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert (
        f"default-src 'none'; img-src 'self' file: data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
        in text
    )
    assert not re.search(r"https?://", text)


def test_it_says_what_was_computed() -> None:
    text = page(ODD, warning="expect <weak> results", copies=2, left_out=[LeftOut("x.jpg", "is empty")])
    for said in (
        "<strong>Please note.</strong> expect &lt;weak&gt; results",
        "the 4 most similar of all others",
        "the photograph itself is left out",
        "SuperGlobal, of the first 4",
        "2 of them are exact copies of another one",
        '<a href="#left-out">1 left out</a>',
    ):
        assert said in text
    assert "Please note" not in page(ODD)


def test_scores_are_whole_thousandths() -> None:
    data = data_of(page(ODD))
    assert data["before_scores"][0] == [900, 567, 233, -100]
    assert data["after"][0] == [4, 3, 2, 1]
    assert data["was"][0] == [4, 3, 2, 1]


def test_ten_thousand_photographs_stay_below_fifteen_megabytes() -> None:
    names = [f"a long name of a folder/another one below/DSC{number:06d}.jpg" for number in range(10_000)]
    text = page(names)
    assert len(text.encode()) < 15_000_000
    assert text == page(names)
