"""A real browser: pages open as files, and neither ask for anything elsewhere nor complain."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_pages import SCREENSHOTS, OpenPage


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The installed Chromium, without a window."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        message = "there is no Chromium on PATH: install it to try the pages in a browser"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Any, request: pytest.FixtureRequest) -> Iterator[OpenPage]:
    """Open pages; at the end of the test no console error and no request but file: and data: may have come.

    The last state of each page is kept as a screenshot.
    """
    pages: list[Any] = []
    problems: list[str] = []

    def told(message: Any) -> None:
        if message.type in ("error", "warning"):
            problems.append(f"console: {message.text}")

    def asked(asked: Any) -> None:
        if not re.match(r"(file|data|blob):", asked.url):
            problems.append(f"request: {asked.url}")

    def open_page(
        path: Path, width: int = 1280, dark: bool = False, at: str = "", scripts: bool = True
    ) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
        )
        page = context.new_page()
        page.set_default_timeout(45_000)  # other tests may take both cores
        page.on("console", told)
        page.on("pageerror", lambda error: problems.append(f"error: {error}"))
        page.on("request", asked)
        page.on("requestfailed", lambda failed: problems.append(f"failed: {failed.url}"))
        page.goto(path.resolve().as_uri() + (f"#{at}" if at else ""))
        pages.append(page)
        return page

    yield open_page
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(pages):
        name = re.sub(r"[^\w.-]+", "-", request.node.name).strip("-")
        # A long page is a slow picture that nobody looks at to its end.
        height = min(page.evaluate("document.documentElement.scrollHeight"), 6_000)
        view = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height}
        page.screenshot(path=SCREENSHOTS / f"{name}-{number}.png", full_page=True, clip=view)
        page.context.close()
    assert not problems, problems
