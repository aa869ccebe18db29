"""The step `leaderboard`: the methods of many runs in one table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from superglobal_core.runs.leaderboard_page import write_leaderboard
from superglobal_core.runs.leaderboard_tables import leaderboard_text
from superglobal_core.runs.marks import mark_best
from superglobal_core.runs.standings import gather


def leaderboard_step(folders: Sequence[Path], out: Path | None = None, by: str | None = None) -> list[str]:
    """Gather the runs that folders are or contain; write the table into `out`, where it is given.

    by: the column to sort by; by default the first.

    Returns:
        The table as lines for the terminal.

    Raises:
        UserError: when there is no run, none can be read, no such column, or `out` cannot be written.
    """
    board = gather(folders, by)
    marks = mark_best(board)
    lines = leaderboard_text(board, marks)
    if out is not None:
        page, *files = write_leaderboard(board, marks, Path(out))
        lines += ["", f"written: {page} ({', '.join(file.name for file in files)} beside it)"]
    return lines
