"""A run: a results folder as read, and a short name that tells it from the others."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from superglobal_core.errors import UserError
from superglobal_core.files import finished_files
from superglobal_core.reporting.collect import Study, read_study
from superglobal_core.reporting.labels import Labels

# How far below a named folder runs are looked for: images and features lie deeper.
DEPTH = 4


@dataclasses.dataclass(frozen=True)
class Run:
    """One results folder. name: the last parts of its path, as many as tell the runs apart."""

    name: str
    study: Study

    @property
    def labels(self) -> Labels:
        return Labels(self.study.suite)


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """Read results folders, in the given order.

    Raises:
        UserError: when a folder is named twice, is absent, holds no evaluation or is damaged.
    """
    folders = [Path(folder) for folder in folders]
    seen: dict[Path, Path] = {}
    for folder in folders:
        place = folder.resolve()
        if place in seen:
            raise UserError(
                f"{seen[place]} and {folder} are one folder: name runs that lie in different ones"
            )
        seen[place] = folder
    return [Run(name, read_study(folder)) for name, folder in zip(short_names(folders), folders, strict=True)]


def short_names(folders: Sequence[Path]) -> list[str]:
    """Return the last parts of each path, as few for all as tell every one from the others.

    >>> short_names([Path("results/mini"), Path("results/paper")])
    ['mini', 'paper']
    >>> short_names([Path("here/results/mini"), Path("there/results/mini")])
    ['here/results/mini', 'there/results/mini']
    """
    parts = [[part for part in folder.resolve().parts if part != folder.anchor] for folder in folders]
    names: list[str] = []
    for length in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(each[-length:]) for each in parts]
        if len(set(names)) == len(names):
            break
    return names


def find_runs(folder: Path) -> list[Path]:
    """List the results folders that a folder is or contains, sorted; nothing is looked for inside of a run.

    Raises:
        UserError: when there is no such folder, or no run in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}: name a folder of results, or one that contains some")
    found: list[Path] = []
    for place, below, _ in os.walk(folder):
        here = Path(place)
        if _is_run(here):
            found.append(here)
            below.clear()
        elif len(here.relative_to(folder).parts) >= DEPTH:
            below.clear()
        else:
            below[:] = sorted(name for name in below if not name.startswith("."))
    if not found:
        raise UserError(
            f"{folder} is no folder of results and contains none: "
            "name one that a suite was computed in (it has a suite.json, or an evaluation/)"
        )
    return sorted(found)


def _is_run(folder: Path) -> bool:
    return (folder / "suite.json").is_file() or bool(finished_files(folder / "evaluation", "**/*.json"))
