"""What the tests in a browser share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# How to open a page: the file, the window's width in pixels, dark or light; `at` is the address behind '#',
# `scripts` whether JavaScript is on. Returns playwright's page.
OpenPage = Callable[..., Any]


def scrolls_sideways(page: Any) -> bool:
    """Whether a page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
