"""How a study is made again: the commands from nothing to its report, and the settings they need."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence

from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.surroundings import State

SETTINGS = "suite.json"
SETTINGS_MEANING = "the settings that were used, every default written out, for snakemake --configfile"


@dataclasses.dataclass(frozen=True)
class Remaking:
    """setup: the commands that fetch the code and install it; run: those that compute; commit: None where unknown."""

    commit: str | None
    setup: tuple[str, ...]
    run: tuple[str, ...]


def remaking(study: Study, states: Sequence[State]) -> Remaking:
    """Return the commands; states: of the code, the one to check out first.

    A study without a suite has no command for the whole: its steps ran by hand.
    """
    commit = states[0].commit if states else None
    setup = ["git clone REPOSITORY superglobal", "cd superglobal"]
    if commit:
        setup.append(f"git checkout {shlex.quote(commit)}")
    setup += [
        "make install    # in .venv: the exact versions and hashes of requirements.lock",
        ". .venv/bin/activate",
    ]
    if study.suite is None:
        return Remaking(commit, tuple(setup), ())
    name = study.suite.suite
    results, reports = (shlex.quote(f"{folder}/{name}") for folder in ("results", "reports"))
    run = (
        f"snakemake --cores all --configfile {SETTINGS}",
        f"superglobal verify {results} --report {reports}",
    )
    return Remaking(commit, tuple(setup), run)
