"""What the tests of downloads share: contents, and one download."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

from superglobal_core.data.catalogue import Entry, RemoteFile
from superglobal_core.data.fetch import Fetched, fetch
from superglobal_core.progress import Transfers

CONTENT = random.Random(0).randbytes(200_000)


OTHER = random.Random(1).randbytes(200_000)


PAGE = b"<!DOCTYPE html><html><title>Google Drive - Quota exceeded</title></html>"


HOMEPAGE = "https://example.org/home"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def get(root: Path, urls: list[str], *, attempts: int = 3, **facts: Any) -> Fetched:
    file = RemoteFile(name="a.bin", urls=urls, **facts)
    entry = Entry(
        name="set",
        title="a set",
        kind="features",
        folder="f",
        files=[file],
        licence="none",
        homepage=HOMEPAGE,
    )
    with Transfers() as progress:
        return fetch(file, entry, root, progress=progress, attempts=attempts, back_off=0.01)


def lying(root: Path) -> list[str]:
    """What lies in the file's folder."""
    folder = root / "f"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
