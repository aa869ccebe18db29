"""The documentation's site in a real browser, as files: search, links to headings, narrow windows."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser_pages import OpenPage, scrolls_sideways
from doc_pages import build_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The documentation's site."""
    folder = tmp_path_factory.mktemp("site")
    build_site(folder)
    return folder


def test_search_works_without_a_server(site: Path, open_page: OpenPage) -> None:
    page = open_page(site / "index.html")
    found = page.locator("a.md-search-result__link[href*='protocol.html']").first
    # The search's script comes after the page: what is typed before it is there asks nobody.
    for _ in range(30):
        page.fill("input.md-search__input", "")
        page.locator("input.md-search__input").press_sequentially("trapezoid")
        page.wait_for_timeout(1_000)
        if found.is_visible():
            break
    found.click()
    page.wait_for_url("**/protocol.html**")
    assert "trapezoids" in page.inner_text("article")


@pytest.mark.parametrize("name", ["index", "api", "files", "method", "suites", "adding-a-method"])
def test_wide_pages_fit_a_phone(name: str, site: Path, open_page: OpenPage) -> None:
    page = open_page(site / f"{name}.html", width=360)
    assert page.inner_text("h1").strip()
    assert not scrolls_sideways(page)


def test_a_link_to_a_heading_shows_it(site: Path, open_page: OpenPage) -> None:
    page = open_page(site / "faq.html")
    page.click("a[href='timing.html#the-papers-64865x']")
    page.wait_for_url("**/timing.html#the-papers-64865x")
    page.locator("#the-papers-64865x").wait_for()
    assert page.evaluate("document.getElementById('the-papers-64865x').getBoundingClientRect().top") < 900
