"""The documentation's pages as the tests read them: examples, commands, headings, links."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
# The pages that show how something is used. Those in config/ and reports/ hold no example.
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


class Block(NamedTuple):
    """A fenced block: the language behind its fence, and what is in it."""

    language: str
    text: str


def read(page: str) -> str:
    """Return a page's Markdown."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, *languages: str) -> list[Block]:
    """Return a page's fenced blocks, of these languages or of all."""
    found = [Block(*match) for match in _FENCE.findall(read(page))]
    return [block for block in found if not languages or block.language in languages]


def commands(text: str) -> list[list[str]]:
    """Return a block's commands, each as words; an indented line goes on with the one before it.

    >>> commands("superglobal a\\n    --b c\\nmake d  # why")
    [['superglobal', 'a', '--b', 'c'], ['make', 'd']]
    """
    lines = re.sub(r"\\?\n[ \t]+", " ", text).splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def prose(page: str) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", read(page))


def inline_code(page: str) -> list[str]:
    """Return the code within a page's sentences and tables."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(page))]


def build_site(folder: Path) -> None:
    """Build the documentation's site as `make docs` does, into another folder."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
