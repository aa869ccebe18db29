"""Whether two runs of one suite have the same results, digit for digit, wherever each ran."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

# What is told by a clock differs between any two runs: all of speedup.csv, and columns of others.
CLOCKED = {
    "map.csv": {"date"},
    "verdict.csv": {"explained"},
    "approximate.csv": {"build_s", "ms_a_query", "ms_low", "ms_high"},
}


def tables(folder: Path, suite: str) -> list[str]:
    """Return the names of a run's tables that no clock fills."""
    found = {path.name for path in (folder / "reports" / suite).glob("*.csv")}
    return sorted(found - {"speedup.csv"})


def rankings(folder: Path, suite: str) -> list[Path]:
    """Return the places of a run's rankings below its folder."""
    return sorted(path.relative_to(folder) for path in folder.glob(f"results/{suite}/rankings/**/*.npz"))


def differences(here: Path, there: Path, suite: str) -> list[str]:
    """Return in what the tables and rankings of two runs differ, each in a few words; nothing when they are equal."""
    found = []
    for name in sorted({*tables(here, suite), *tables(there, suite)}):
        ours, theirs = (_unclocked(folder / "reports" / suite / name) for folder in (here, there))
        if ours != theirs:
            found.append(f"table {name}")
    for path in sorted({*rankings(here, suite), *rankings(there, suite)}):
        if not _same_arrays(here / path, there / path):
            found.append(f"ranking {path}")
    return found


def _unclocked(path: Path) -> list[dict[str, str]] | None:
    """Return a table's rows, every figure as it is written, without what a clock told; None without a table."""
    if not path.exists():
        return None
    with path.open(newline="") as table:
        return [
            {name: value for name, value in row.items() if name not in CLOCKED.get(path.name, ())}
            for row in csv.DictReader(table)
        ]


def _same_arrays(here: Path, there: Path) -> bool:
    if not (here.exists() and there.exists()):
        return False
    with np.load(here) as ours, np.load(there) as theirs:
        return sorted(ours) == sorted(theirs) and all(
            np.array_equal(ours[name], theirs[name]) for name in ours
        )
