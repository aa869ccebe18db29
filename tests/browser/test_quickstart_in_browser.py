"""The search page of somebody's own photographs, in a real browser."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from browser_pages import OpenPage, scrolls_sideways, wait_until
from helpers import encoded, picture

from superglobal_core.reporting import quickstart_page
from superglobal_core.steps.quickstart import quickstart_step

NAMES = ["<script>alert(1)<.jpg", "100% #1?.jpg", "below/日本 ☃.png", "page-2.jpg", "a.webp", "z.jpg"]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a few small photographs with odd names, three on a page of the grid."""
    folder = tmp_path_factory.mktemp("photos & more")
    (folder / "below").mkdir()
    for seed, name in enumerate(NAMES):
        (folder / name).write_bytes(encoded(picture(seed), Path(name).suffix))
    (folder / "broken.jpg").write_bytes(b"no picture")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quickstart_page, "PAGE_SIZE", 3)
        out = tmp_path_factory.mktemp("made") / "out"
        return quickstart_step(folder, out, backbone="mini", device="cpu").page


def order(page: object, row: str) -> list[str]:
    return page.locator(f"#{row} img").evaluate_all("all => all.map(one => one.alt)")  # type: ignore[attr-defined]


def test_a_click_shows_the_neighbours_and_back_shows_the_grid(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file)
    assert page.locator("#grid img").count() == 3
    name = page.locator("#grid img").first.get_attribute("alt")
    page.locator("#grid a").first.click()
    assert page.locator("#query-name").inner_text() == name
    others = sorted(other for other in NAMES if other != name)
    assert sorted(order(page, "before")) == sorted(order(page, "after")) == others
    assert page.locator("#after li").first.inner_text().startswith("1")
    assert page.locator("#before .moved").all_inner_texts() == [
        _mark(place, order(page, "after").index(other) + 1, "now")
        for place, other in enumerate(order(page, "before"), start=1)
    ]
    assert page.locator("#after .moved").all_inner_texts() == [
        _mark(order(page, "before").index(other) + 1, place, "was")
        for place, other in enumerate(order(page, "after"), start=1)
    ]
    page.locator("#before a").first.click()
    assert page.locator("#query-name").inner_text() != name
    page.go_back()
    assert page.locator("#query-name").inner_text() == name
    page.go_back()
    assert page.locator("#all").is_visible()
    assert not page.locator("#query").is_visible()


def _mark(was: int, now: int, told: str) -> str:
    if was == now:
        return "= same place"
    way = f"▲ up {was - now}" if now < was else f"▼ down {now - was}"
    return f"{way}, {told} {now if told == 'now' else was}"


def test_every_picture_loads(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file, at=quote(NAMES[0], safe=""))
    wait_until(page, "[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    assert page.locator("#query img").count() == 11


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_a_deep_link(page_file: Path, open_page: OpenPage, name: str) -> None:
    page = open_page(page_file, at=quote(name, safe=""))
    assert page.locator("#query-name").inner_text() == name
    target = page.locator("#query-link").evaluate("link => decodeURIComponent(link.href)")
    assert target.endswith("/" + name)


def test_the_keyboard_is_enough(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file, at="page-2")
    page.locator("#grid a").nth(1).focus()
    name = page.locator("#grid img").nth(1).get_attribute("alt")
    page.keyboard.press("Enter")
    assert page.locator("#query-name").inner_text() == name
    assert page.evaluate("document.activeElement.id") == "query-name"
    page.keyboard.press("ArrowRight")
    wait_until(page, f"document.title.startsWith({sorted(NAMES)[5]!r})")
    page.keyboard.press("ArrowLeft")
    wait_until(page, f"document.title.startsWith({name!r}) && document.activeElement.id === 'query-name'")
    page.keyboard.press("Escape")
    page.locator("#all").wait_for()
    # Back on the grid's page with this photograph, which has the focus.
    assert page.evaluate("document.activeElement.querySelector('img').alt") == name
    assert page.locator(".pager [aria-current]").first.inner_text() == "2"


def test_names_are_found(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file)
    page.locator("#find").fill("BELOW")
    assert page.locator("#grid img").evaluate_all("all => all.map(one => one.alt)") == ["below/日本 ☃.png"]
    assert page.locator("#found").inner_text() == "1 of 6 photographs"
    page.locator("#find").fill("")
    assert page.locator("#grid img").count() == 3
    page.locator("#find").fill("no such name")
    assert page.locator("#grid img").count() == 0


@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (1600, True)])
def test_nothing_scrolls_sideways(page_file: Path, open_page: OpenPage, width: int, dark: bool) -> None:
    assert not scrolls_sideways(open_page(page_file, width, dark))
    page = open_page(page_file, width, dark, at=quote(NAMES[2], safe=""))
    assert page.locator("#after img").count() == 5
    assert not scrolls_sideways(page)


def test_without_scripts_it_says_so_and_shows_all(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file, 360, scripts=False)
    assert page.locator("noscript .note").is_visible()
    assert "Without JavaScript" in page.locator("noscript .note").inner_text()
    assert page.locator("noscript img").count() == len(NAMES)
    assert not page.locator("#all").is_visible()
    assert not scrolls_sideways(page)


def test_what_is_left_out_is_named(page_file: Path, open_page: OpenPage) -> None:
    page = open_page(page_file)
    page.get_by_role("link", name="1 left out").click()
    assert "broken.jpg cannot be decoded" in page.locator("#left-out").inner_text()
    assert page.locator("#grid img").count() == 3
