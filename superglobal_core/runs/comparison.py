"""Two or more runs compared: figures, rankings, times, provenance, and one sentence that answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from superglobal_core.errors import UserError, name_list
from superglobal_core.reporting.sources import find_datasets
from superglobal_core.runs.agreement import DIFFERS, IDENTICAL
from superglobal_core.runs.differences import (
    CODE,
    KINDS,
    MACHINE,
    PACKAGES,
    READ,
    SETTINGS,
    SUITE,
    Difference,
    find_differences,
)
from superglobal_core.runs.figures import Names, Row, compare_figures, comparisons, results_by_names
from superglobal_core.runs.orders import Orders, compare_orders
from superglobal_core.runs.run import Run, read_runs
from superglobal_core.runs.times import Times, compare_times

# What the answer names of a suite, of settings and of what was read: more stands below it.
NAMED = 3


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Everything that several runs have in common or apart; the first run is the reference.

    orders: by the result's names and the other run's name. only: for each run the results that it has and
    another lacks, with the reason where the run that lacks it says one.
    """

    runs: tuple[Run, ...]
    rows: tuple[Row, ...]
    orders: Mapping[tuple[Names, str], Orders]
    times: Times
    differences: tuple[Difference, ...]
    only: tuple[tuple[str, str], ...]
    queries: Mapping[str, tuple[str, ...]]

    @property
    def answer(self) -> str:
        """The outcome in one sentence for each run beside the first."""
        return " ".join(_answer(self, run) for run in self.runs[1:])

    def query(self, dataset: str, number: int) -> str:
        """Return a query's name; its number where the ground truth is not at hand."""
        names = self.queries.get(dataset, ())
        return names[number] if number < len(names) else f"query {number}"


def compare_runs(folders: Sequence[Path]) -> Comparison:
    """Read runs and compare each with the first.

    Raises:
        UserError: for fewer than two, one named twice, absent or damaged.
    """
    if len(folders) < 2:
        raise UserError("one run has nothing to be compared with: name two folders of results, or more")
    runs = read_runs(folders)
    rows = compare_figures(runs)
    return Comparison(
        tuple(runs),
        tuple(rows),
        _orders(runs),
        compare_times(runs),
        tuple(find_differences(runs)),
        tuple(_only(runs, rows)),
        _queries(runs),
    )


def _orders(runs: Sequence[Run]) -> dict[tuple[Names, str], Orders]:
    first, *others = runs
    mine = results_by_names(first)
    found = {}
    for other in others:
        theirs = results_by_names(other)
        for names in mine:
            if names in theirs:
                found[names, other.name] = compare_orders(first, mine[names], other, theirs[names])
    return found


def _only(runs: Sequence[Run], rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Return what is not in all runs: names, and in which runs it is."""
    reasons = {
        (run.name, Names(each.dataset, each.descriptor, each.variant, each.method)): each.reason
        for run in runs
        for each in run.study.unable
    }
    found = []
    for row in rows:
        have = [run.name for run in runs if row.results[run.name] is not None]
        if row.protocol != "easy" or len(have) == len(runs):
            continue
        why = [
            f"{run.name}: {reasons[run.name, row.names]}" for run in runs if (run.name, row.names) in reasons
        ]
        found.append(
            ("/".join(row.names), f"only in {name_list(have)}" + "".join(f"; {each}" for each in why))
        )
    return found


def _queries(runs: Sequence[Run]) -> dict[str, tuple[str, ...]]:
    """Return the names of queries by data set, from the first run that has its ground truth."""
    found: dict[str, tuple[str, ...]] = {}
    for run in runs:
        for name, files in find_datasets(run.study).items():
            if files.truth is not None:
                found.setdefault(name, files.truth.query_names)
    return found


def _answer(comparison: Comparison, run: Run) -> str:
    first = comparison.runs[0].name
    shared = [against for _, against in comparisons(comparison.rows) if against.run is run]
    if not shared:
        return f"{run.name} and {first} have no figure in common: there is nothing to compare."
    differing = [against for against in shared if against.differs]
    apart = _apart(comparison, run)
    end = (
        f"the runs differ in {apart}." if apart else "nothing that the records tell differs between the runs."
    )
    if not differing:
        return f"All {len(shared)} figures of {run.name} are those of {first} to the last digit; {end}"
    sure = sum(against.sure for against in differing)
    uncompared = sum(bool(against.why) for against in differing)
    beyond = "none beyond chance" if sure == 0 else f"{sure} beyond chance"
    if uncompared == len(differing):
        beyond = "on other queries or another database, so that chance is not judged"
    elif uncompared:
        beyond += f", {uncompared} not judged"
    verb = "differs" if len(differing) == 1 else "differ"
    if all(against.agreement not in (DIFFERS, IDENTICAL) for against in differing):
        # No printed digit changed: how little it is says more than whether chance explains it.
        coarsest = min(differing, key=lambda against: int(against.agreement.rpartition("-")[2]))
        beyond = f"by no more than {coarsest.agreement.removeprefix('to ')}, {beyond}"
    return f"{len(differing)} of {len(shared)} figures of {run.name} {verb} from {first}, {beyond}; {end}"


def _apart(comparison: Comparison, run: Run) -> str:
    """Say in a few words what differs between a run and the first."""
    first = comparison.runs[0].name
    mine = [each for each in comparison.differences if each.between(first, run.name)]
    keys = {kind: list(dict.fromkeys(each.key for each in mine if each.kind == kind)) for kind in KINDS}
    words = ["machine"] if keys[MACHINE] else []
    words += [f"{name_list(keys[PACKAGES], NAMED)} version"] if keys[PACKAGES] else []
    words += ["commit" if "commit" in keys[CODE] else "code"] if keys[CODE] else []
    words += [f"the suite's {name_list(keys[SUITE], NAMED)}"] if keys[SUITE] else []
    words += [f"settings ({name_list(keys[SETTINGS], NAMED)})"] if keys[SETTINGS] else []
    words += [f"what was read ({name_list(keys[READ], NAMED)})"] if keys[READ] else []
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + (words[-1] if words else "")
