"""The step `compare`: two or more runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from superglobal_core.runs.comparison import compare_runs
from superglobal_core.runs.comparison_page import write_comparison
from superglobal_core.runs.comparison_tables import compare_text


def compare_step(runs: Sequence[Path], out: Path) -> list[str]:
    """Compare results folders with the first of them; write `compare.html`, `.csv`, `.md` and `.json` into `out`.

    Returns:
        Lines for the terminal: the answer first, then the figures that differ and what else does.

    Raises:
        UserError: for fewer than two runs, one named twice, absent or damaged, or `out` that cannot be written.
    """
    comparison = compare_runs(runs)
    page, *files = write_comparison(comparison, Path(out))
    return [
        *compare_text(comparison),
        "",
        f"written: {page} ({', '.join(file.name for file in files)} beside it)",
    ]
