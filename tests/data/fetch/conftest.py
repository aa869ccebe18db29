"""A server on loopback and a folder for what it gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fetching import CONTENT
from servers import Server, without_proxies


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server({"a.bin": CONTENT, "mirror/a.bin": CONTENT}) as server:
        yield server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "root"
