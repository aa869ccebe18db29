"""The page of a leaderboard, and its writing."""

from __future__ import annotations

import itertools
from pathlib import Path

from superglobal_core.files import check_writable, write_json, write_text
from superglobal_core.reporting.shell import Page
from superglobal_core.runs.leaderboard_tables import (
    Marks,
    headline,
    leaderboard_csv,
    leaderboard_json,
    leaderboard_markdown,
)
from superglobal_core.runs.page import render
from superglobal_core.runs.standings import Leaderboard

FILES = {
    "leaderboard.csv": "the table with all digits, as CSV",
    "leaderboard.md": "the table as Markdown",
    "leaderboard.json": "everything, for programs",
}


def write_leaderboard(board: Leaderboard, marks: Marks, out: Path) -> list[Path]:
    """Write `leaderboard.html`, `.csv`, `.md` and `.json`; the same runs give the same bytes.

    Returns:
        Their paths, the page first.

    Raises:
        UserError: when they cannot be written.
    """
    page = out / "leaderboard.html"
    check_writable(page)
    write_text(out / "leaderboard.csv", leaderboard_csv(board, marks))
    write_text(out / "leaderboard.md", leaderboard_markdown(board, marks))
    write_json(out / "leaderboard.json", leaderboard_json(board, marks))
    databases = [
        (label, len(list(columns)))
        for label, columns in itertools.groupby(board.columns, key=lambda column: column.label)
    ]
    content = {
        "board": board,
        "marks": marks,
        "databases": databases,
        "headline": headline(board),
        "downloads": FILES,
    }
    write_text(page, render(Page(page.name, "methods of all runs"), "leaderboard.html.j2", content))
    return [page, *(out / name for name in FILES)]
