"""What the tests in a browser share."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# Where the last state of every page is kept, to be looked at.
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", ROOT / "test-artifacts" / "screenshots"))

# How to open a page: the file, the window's width in pixels, dark or light; `at` is the address behind '#',
# `scripts` whether JavaScript is on. Returns playwright's page.
OpenPage = Callable[..., Any]


def scrolls_sideways(page: Any) -> bool:
    """Whether a page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def wait_until(page: Any, script: str, arg: Any = None, seconds: float = 30) -> None:
    """Ask a page until a script's answer is true.

    The browser's own waiting asks again from within the page, where the page's security policy forbids it.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(script, arg):
        assert time.monotonic() < end, f"{script} did not come true within {seconds:g} s"
        page.wait_for_timeout(50)
