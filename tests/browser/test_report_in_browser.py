"""A report's pages in a browser: the committed sample of the suite `mini`, and a made-up one whose charts answer."""

from __future__ import annotations

import csv
import functools
import io
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import html5lib
import pytest
from browser_pages import ROOT, SCREENSHOTS, OpenPage, scrolls_sideways, wait_until
from made_up_results import EVIL, QUERIES, Page, make_results

from superglobal_core.reporting.report import write_report

PAPER_WIDTH = 1032  # of A4 on its side, less the margins, in CSS pixels
SAMPLE = ROOT / "reports/published/mini"
PAGES = sorted(path.name for path in SAMPLE.glob("*.html"))
# What is drawn several times stands in the page once: names of pictures that are missing or cannot be decoded.
PICTURES = """async () => {
    const uses = [...document.querySelectorAll("svg use")].map(one => one.getAttribute("href"));
    const lost = uses.filter(href => document.querySelector(href)?.closest("svg") === null);
    for (const node of [...document.images, ...document.querySelectorAll("svg image")]) {
        const picture = new Image();
        picture.src = node.src ?? node.getAttribute("href");
        try { await picture.decode(); } catch { lost.push(node.id || node.alt); }
    }
    return lost;
}"""
CHECKS = Path(__file__).with_name("page_checks.js").read_text()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a report of made-up results, with names that must be escaped."""
    results = make_results(tmp_path_factory.mktemp("made") / "results")
    return write_report(results, results.parent / "out").parent


def test_the_sample_has_every_page_and_stays_small() -> None:
    assert {
        *(
            "index.html",
            "speed.html",
            "ablation.html",
            "parameters.html",
            "statistics.html",
            "approximate.html",
        ),
        *("verdict.html", "queries.html", "queries-2.html", "provenance.html"),
    } <= set(PAGES)
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 3_000_000


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_readable_on_every_screen(open_page: OpenPage, name: str) -> None:
    """Narrow and dark, then wide and light; the fixture holds that nothing is asked for and nothing complains."""
    page = open_page(SAMPLE / name, 360, dark=True)
    assert not scrolls_sideways(page)
    assert page.evaluate(CHECKS) == []
    page.screenshot(path=SCREENSHOTS / f"mini-{Path(name).stem}-360-dark.png")
    page.set_viewport_size({"width": 1600, "height": 900})
    page.emulate_media(color_scheme="light")
    assert not scrolls_sideways(page)
    assert page.evaluate(CHECKS) == []
    assert page.evaluate(PICTURES) == []


def test_the_checks_find_what_is_wrong(made: Path, open_page: OpenPage) -> None:
    page = open_page(made / "verdict.html")
    page.evaluate(
        """() => { document.querySelector("main").innerHTML +=
        '<h5>deep</h5><p style="color: #999">pale</p><img src="data:,"><input><b id="a"></b><b id="a"></b>' }"""
    )
    found = " ".join(page.evaluate(CHECKS))
    assert all(word in found for word in ("h5", "contrast 2.", "no alt", "no label", "two elements are #a"))
    assert page.evaluate(PICTURES) == [""]


def test_the_pictures_of_the_queries_are_there(open_page: OpenPage) -> None:
    page = open_page(SAMPLE / "queries-2.html")
    assert page.locator("article svg use").count() > page.locator("svg image").count() > 100


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_valid_and_its_links_lead_somewhere(name: str) -> None:
    text = (SAMPLE / name).read_text()
    html5lib.HTMLParser(strict=True).parse(text)
    for link in Page(text).attributes("href"):
        file, place = urldefrag(link)
        if re.match(r"(https?|data):", file):
            continue
        target = SAMPLE / unquote(file) if file else SAMPLE / name
        assert target.is_file(), link
        if place and target.suffix == ".html":
            assert unquote(place) in ids_of(target), link


@functools.cache
def ids_of(page: Path) -> frozenset[str]:
    return frozenset(Page(page.read_text()).attributes("id"))


def rows_of(page: Any) -> list[str]:
    """Return the names of the first table's rows that are shown, from above."""
    return page.locator("table[data-tools] >> nth=0").evaluate(
        "table => [...table.tBodies[0].rows].filter(row => !row.hidden).map(row => row.cells[0].innerText.trim())"
    )


def figures_of(page: Any, column: int) -> list[float]:
    return page.locator("table[data-tools] >> nth=0").evaluate(
        "(table, column) => [...table.tBodies[0].rows].filter(row => !row.hidden && row.cells.length > column)"
        ".map(row => parseFloat(row.cells[column].innerText))",
        column,
    )


def test_results_are_sorted_and_filtered(open_page: OpenPage) -> None:
    page = open_page(SAMPLE / "index.html")
    written = rows_of(page)
    assert len(written) == 11
    medium = page.locator("table[data-tools] >> nth=0").locator("button.sort", has_text="Medium").first
    column = 3  # method, descriptor, Easy, which is hidden at first, Medium
    medium.click()
    values = figures_of(page, column)
    assert values == sorted(values, reverse=True)
    assert len(values) > 3
    assert page.locator("th[aria-sort=descending]").count() == 1
    medium.click()
    assert figures_of(page, column) == values[::-1]
    medium.click()
    assert rows_of(page) == written
    bar = page.locator(".tools").first
    bar.locator("input[type=search]").fill("expansion query")
    assert rows_of(page) == ["average query expansion", "alpha query expansion"]
    assert bar.locator(".status").inner_text() == "2 of 11 rows"


def test_columns_are_chosen_and_what_is_shown_is_copied(open_page: OpenPage) -> None:
    page = open_page(SAMPLE / "index.html")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    bar = page.locator(".tools").first
    bar.locator("summary").click()
    for name in ("Descriptor", "Landmarks (synthetic), with 500 distractors Hard"):
        bar.get_by_label(name, exact=True).uncheck()
    bar.get_by_label("Landmarks (synthetic), without distractors Easy").check()
    bar.locator("input[type=search]").fill("superglobal reranking")
    copied = {}
    for title in ("Markdown", "CSV", "LaTeX"):
        bar.get_by_role("button", name=title).click()
        bar.locator(".status", has_text=f"copied as {title}").wait_for()
        copied[title] = page.evaluate("navigator.clipboard.readText()")
    head, row = csv.reader(io.StringIO(copied["CSV"]))
    with (SAMPLE / "map.csv").open() as table:
        known = next(
            line
            for line in csv.DictReader(table)
            if line["method"] == "superglobal" and line["distractors"] == "0"
        )
    place = head.index("Landmarks (synthetic), without distractors Easy")
    assert row[0] == "SuperGlobal reranking"
    assert row[place].startswith(f"{float(known['easy_map_percent']):.2f}")
    assert not [
        name for name in head if name in ("Descriptor", "Landmarks (synthetic), with 500 distractors Hard")
    ]
    assert copied["Markdown"].splitlines()[1] == "|" + " --- |" * len(head)
    assert copied["LaTeX"].count(" & ") == 2 * (len(head) - 1)


def test_queries_begin_with_the_worst_and_lead_to_their_pictures(open_page: OpenPage) -> None:
    page = open_page(SAMPLE / "queries.html")
    table = page.locator("table[data-tools] >> nth=0")
    superglobal = [words.strip() for words in table.locator("thead tr:last-child th").all_inner_texts()]
    column = next(place for place, words in enumerate(superglobal) if "SuperGlobal" in words)
    values = figures_of(page, column)
    assert values == sorted(values)
    worst = rows_of(page)[0]
    table.locator("tbody a").first.click()
    page.wait_for_url(re.compile(r"queries-\d+\.html#"))
    card = page.locator("article:has(:target)")
    assert page.locator(":target svg:visible").count() == 20
    assert worst in card.inner_text()
    assert card.locator("svg:visible").count() > 20
    assert card.evaluate("card => card.getBoundingClientRect().top < innerHeight / 2")


def test_a_made_up_name_is_text(made: Path, open_page: OpenPage) -> None:
    page = open_page(made / "index.html")
    assert EVIL in rows_of(page)
    for name in sorted(path.name for path in made.glob("*.html")):
        page.goto((made / name).as_uri())
        assert page.evaluate("document.querySelectorAll('main script:not([type]), img[onerror]').length") == 0


def test_charts_answer_to_the_pointer_and_mute_their_series(made: Path, open_page: OpenPage) -> None:
    page = open_page(made / "index.html")
    figure = page.locator("figure.drawing").first
    figure.scroll_into_view_if_needed()
    live = figure.locator(".live svg")
    live.wait_for()
    live.locator(".mark-rect path, .mark-bar path").first.hover()
    bubble = page.locator(".bubble")
    bubble.wait_for()
    assert re.search(r"\d+\.\d\d", bubble.inner_text())
    # The letters of a drawing are those of the page, without the spacing of anything else.
    spacing = live.locator("text").evaluate_all(
        "all => [...new Set(all.map(one => getComputedStyle(one).letterSpacing))]"
    )
    assert spacing == ["normal"]
    before = live.locator(".mark-rect path, .mark-bar path").evaluate_all(
        "all => all.map(one => getComputedStyle(one).opacity)"
    )
    live.locator(".role-legend-label text").first.click()
    wait_until(
        page,
        "before => JSON.stringify([...document.querySelector('figure.drawing .live svg')"
        ".querySelectorAll('.mark-rect path, .mark-bar path')].map(one => getComputedStyle(one).opacity))"
        " !== JSON.stringify(before)",
        before,
    )


def test_series_are_muted_by_the_keyboard_too(made: Path, open_page: OpenPage) -> None:
    page = open_page(made / "index.html", 360)
    figure = page.locator("figure.drawing").first
    figure.scroll_into_view_if_needed()
    names = figure.get_by_role("group", name="Mute series of the chart").get_by_role("button")
    names.first.wait_for(state="attached")
    legend = figure.locator(".live .role-legend-label text")
    assert names.all_inner_texts() == legend.all_text_contents()
    group = figure.locator(".mutes")
    assert group.bounding_box()["width"] <= 1
    opacities = "all => all.map(one => getComputedStyle(one).opacity)"
    marks = figure.locator(".live .mark-rect path, .live .mark-bar path")
    before = marks.evaluate_all(opacities)
    names.first.focus()
    assert group.bounding_box()["width"] > 100
    assert not scrolls_sideways(page)
    pressed = "document.querySelector('.mutes button').ariaPressed"
    page.keyboard.press("Enter")
    wait_until(page, f"{pressed} === 'true'")
    assert marks.evaluate_all(opacities) != before
    # Those who point and those who press see the same state.
    legend.first.click()
    wait_until(page, f"{pressed} === 'false'")
    assert marks.evaluate_all(opacities) == before


def test_live_charts_fit_a_telephone_in_the_dark(made: Path, open_page: OpenPage) -> None:
    page = open_page(made / "index.html", 360, dark=True)
    figure = page.locator("figure.drawing").first
    figure.scroll_into_view_if_needed()
    figure.locator(".live svg").wait_for()
    assert not scrolls_sideways(page)
    assert page.evaluate(CHECKS) == []


def test_made_up_pages_are_valid(made: Path) -> None:
    for page in made.glob("*.html"):
        html5lib.HTMLParser(strict=True).parse(page.read_text())


def test_the_keyboard_reaches_everything(made: Path, open_page: OpenPage) -> None:
    page = open_page(made / "index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    wait_until(page, "location.hash === '#content'")
    page.locator("table[data-tools] button.sort").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort]").count() == 1
    # Everything that can be pressed has its turn.
    left_out = page.evaluate(
        """() => [...document.querySelectorAll("a[href], button, input, select, summary")]
            .filter(one => one.checkVisibility() && one.tabIndex < 0).map(one => one.outerHTML)"""
    )
    assert left_out == []


def test_without_scripts_everything_stands_there(made: Path, open_page: OpenPage) -> None:
    page = open_page(made / "queries.html", scripts=False)
    assert page.locator("tbody tr").count() >= QUERIES
    page.goto((made / "index.html").as_uri())
    assert page.locator("figure.drawing svg.chart").first.is_visible()


def lost_on_paper(page: Any) -> list[str]:
    """Return what is cut at the edge of a page's paper, or folded there."""
    page.emulate_media(media="print")
    found: list[str] = page.evaluate(
        """width => {
            const wide = [...document.querySelectorAll("main table, figure svg, .workflow, .places")]
                .filter(one => one.checkVisibility() && one.getBoundingClientRect().right > width + 1);
            // The text of buttons is not repeated with a table's head, plain text is.
            const heads = [...document.querySelectorAll(".sort")]
                .filter(one => getComputedStyle(one).display !== "contents");
            const folded = [...document.querySelectorAll("details:not(.record, .tools *, [open]) > :not(summary)")]
                .filter(one => !one.checkVisibility());
            return [...wide, ...heads, ...folded].map(one => one.outerHTML.slice(0, 200));
        }""",
        PAPER_WIDTH,
    )
    return found


@pytest.mark.parametrize("name", PAGES)
def test_nothing_of_the_sample_is_lost_on_paper(open_page: OpenPage, name: str) -> None:
    assert lost_on_paper(open_page(SAMPLE / name, PAPER_WIDTH)) == []


def test_nothing_of_made_up_results_is_lost_on_paper(made: Path, open_page: OpenPage) -> None:
    for page in sorted(made.glob("*.html")):
        assert lost_on_paper(open_page(page, PAPER_WIDTH)) == [], page.name


def test_a_printed_page_has_its_drawings_and_no_tools(open_page: OpenPage) -> None:
    page = open_page(SAMPLE / "index.html")
    page.emulate_media(media="print")
    assert page.locator("figure.drawing svg.chart").first.is_visible()
    assert page.locator(".tools:visible").count() == 0
    assert len(page.pdf(format="A4", path=SCREENSHOTS / "mini-index.pdf")) > 50_000
