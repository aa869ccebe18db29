"""A chart's definition drawn as SVG and PDF, and put into a page: the same bytes, every value, names as text."""

from __future__ import annotations

import gzip
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from superglobal_core.reporting.charts import Charts
from superglobal_core.reporting.compact_svg import compact
from superglobal_core.reporting.curves import Curve, Sizes, curves_chart
from superglobal_core.reporting.drawing import MUTE, Figure
from superglobal_core.reporting.statistics_figures import ranking_figure
from superglobal_core.reporting.steady_pdf import steady
from superglobal_core.reporting.vega_runtime import FILE, MADE_WITH, packed_runtime, write_runtime

EVIL = '</script><script>alert(1)</script> & "q" \' $x$ %d={{ 1 }}'


def made(name: str = "better") -> Figure:
    curves = [
        Curve(name, name, [(10, 0.125, (0.1, 0.2)), (100, 1.25, None)], [(10, 0.125), (100, 1.25)]),
        Curve("disk", "disk", [], [(10, 3.0), (100, 30.0)], dashed=True),
    ]
    chart = curves_chart(curves, Sizes("vectors", (8, 125), [10, 100]), "seconds", "Time", "{:.3f} s".format)
    return Figure("time", f"Time of {name}", "Lower is faster.", chart)


def words(svg: str) -> str:
    return " ".join(" ".join(ElementTree.fromstring(svg).itertext()).split())


def test_the_same_chart_gives_the_same_bytes() -> None:
    # In one process, the drawing program numbers clips and a PDF's objects differently each time.
    found = {(figure.svg, figure.pdf) for figure in (made() for _ in range(6))}
    assert len(found) == 1
    assert next(iter(found))[1].startswith(b"%PDF-")


def test_every_value_is_in_the_specification() -> None:
    text = json.dumps(made().vega)
    assert all(said in text for said in ('"0.125 s"', '"1.250 s"', '"0.100 s to 0.200 s"', '"value": 30'))
    assert "http" not in text


def test_a_pdf_keeps_all_its_objects() -> None:
    pdf = made().pdf
    start = int(pdf.rpartition(b"startxref\n")[2].split()[0])
    assert pdf[start : start + 5] == b"xref\n"
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n", pdf[start:])]
    assert len(places) == len(re.findall(rb"\d+ 0 obj\n", pdf)) > 5
    for number, place in enumerate(places, 1):
        assert pdf[place:].startswith(b"%d 0 obj\n" % number)
    references = {int(number) for number in re.findall(rb"/\w+ \[?(\d+) 0 R", pdf)}
    assert references <= set(range(1, len(places) + 1))
    assert steady(pdf) == pdf


def test_a_small_drawing_has_the_same_words_and_shapes() -> None:
    import vl_convert

    whole = vl_convert.vega_to_svg(made().vega)
    small = compact(whole)
    assert len(small) < 0.75 * len(whole)
    assert words(small) == words(whole)
    assert compact(small) == small


@pytest.mark.parametrize("name", [EVIL, "", "0", "a\nb", "名前", "x" * 200])
def test_odd_names_are_text(name: str) -> None:
    figure = ranking_figure("ranking", name or "-", [(name, 0.5, (0.4, 0.6)), (name, 0.25, None)])
    assert figure is not None
    assert {"50.00", "25.00"} <= set(words(figure.svg).split())
    chart = Charts()
    html = chart(figure)
    assert html.count("<script") == html.count("</script>") == 1
    specification = re.search(r'<script type="application/json" class="vega">(.*?)</script>', html, re.S)
    assert specification is not None
    assert json.loads(specification[1]) == figure.vega
    assert figure.pdf.startswith(b"%PDF-")


def test_charts_of_one_page_share_no_ids_and_take_its_colours() -> None:
    chart = Charts()
    assert chart.scripts() == ""
    first, second = chart(made()), chart(Figure("other", "Other", "", made().chart))
    ids = re.findall(r' id="([^"]+)"', first + second)
    assert len(ids) == len(set(ids))
    assert all(used in ids for used in re.findall(r"url\(#([^)]+)\)", first + second))
    drawn = re.sub(r"<script.*?</script>", "", first + second, flags=re.S)
    assert not re.findall(r"#[0-9a-f]{6}\b", drawn)
    assert 'role="img"' in first
    assert '<a href="figures/time.pdf">' in first
    assert chart.scripts().count("<script") == 3


def test_a_page_lets_no_other_script_run() -> None:
    chart = Charts()
    chart(made())
    assert re.fullmatch(r"'sha256-[\w+/=]{44}' 'sha256-[\w+/=]{44}'", chart.policy)


def test_a_click_on_the_legend_mutes_in_the_legend_too() -> None:
    def tests(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["test"]] if isinstance(value.get("test"), str) else []
            return own + [found for part in value.values() for found in tests(part)]
        return [found for part in value for found in tests(part)] if isinstance(value, list) else []

    (legend,) = made().vega["legends"]
    assert all(f'(!length(data("{MUTE}_store")) || !(' in test for test in tests(legend))
    assert len(tests(legend)) >= 2


def test_the_shipped_runtime_is_small_and_current(tmp_path: Path) -> None:
    assert len(packed_runtime()) < 250_000
    if not version("vl-convert-python").startswith(MADE_WITH):
        pytest.skip("another release of vl-convert than the runtime was made with")
    shipped = Path(__file__).parents[2] / "superglobal_core" / "reporting" / "templates" / FILE
    # The text, as another zlib may pack it otherwise.
    again = gzip.decompress(write_runtime(tmp_path).read_bytes())
    assert gzip.decompress(shipped.read_bytes()) == again
