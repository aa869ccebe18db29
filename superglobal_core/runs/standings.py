"""Many runs in one table: a row for each method, a column for each data set, database and protocol."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from superglobal_core.errors import UserError, name_list, unknown_name
from superglobal_core.measured_values import TOLERANCE
from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Result
from superglobal_core.reporting.study import group_results
from superglobal_core.runs.columns import Column, Database, database_of, make_columns
from superglobal_core.runs.differences import said_by, unlike_keys
from superglobal_core.runs.run import Run, find_runs, read_runs, short_names

# Other ways to sort, beside the columns.
BY_NAME = ("method", "run", "date")


@dataclasses.dataclass(frozen=True)
class Standing:
    """One method's figures. runs: all that have the same ones; results: the first's, same: those of the others."""

    runs: tuple[Run, ...]
    descriptor: str
    method: str
    results: Mapping[Database, Result]
    same: tuple[Mapping[Database, Result], ...] = ()

    def value(self, column: Column) -> float | None:
        """Return the mAP, a fraction; None where there is none."""
        result = self.results.get(column.database)
        return result.evaluation.figures(column.protocol).map if result else None

    @property
    def names(self) -> str:
        """The runs' names."""
        return ", ".join(run.name for run in self.runs)

    @property
    def _records(self) -> list[Result]:
        return [result for results in (self.results, *self.same) for result in results.values()]

    @property
    def date(self) -> str:
        """When the last of the figures was made."""
        return max(result.record.date for result in self._records)

    @property
    def machine(self) -> str:
        """Processors and GPUs."""
        found = dict.fromkeys(
            " + ".join(str(part) for key in ("cpu", "gpu") if (part := result.record.hardware.get(key)))
            for result in self._records
        )
        return "; ".join(name for name in found if name) or "not recorded"

    @property
    def commit(self) -> str:
        """The code's commits, shortened."""
        found = dict.fromkeys(
            texts.short_commit(result.record.code.get("commit") or "not recorded")
            + ("+" if result.record.code.get("dirty") else "")
            for result in self._records
        )
        return ", ".join(found)


@dataclasses.dataclass(frozen=True)
class Leaderboard:
    """All runs' methods in one table, sorted by `by`. disagreeing, left_out: sentences."""

    columns: tuple[Column, ...]
    standings: tuple[Standing, ...]
    by: str
    disagreeing: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def runs(self) -> int:
        """How many runs stand in the table."""
        return len({run.name for standing in self.standings for run in standing.runs})


def gather(folders: Sequence[Path], by: str | None = None) -> Leaderboard:
    """Read all runs that the folders are or contain, and put their methods into one table.

    by: a column's id, or method, run or date; by default the first column.

    Raises:
        UserError: when a folder has no run, no run can be read, or there is no such column.
    """
    places = {path.resolve(): path for folder in folders for path in find_runs(Path(folder))}
    runs, left_out = _readable(list(places.values()))
    if not runs:
        raise UserError(f"none of the runs can be read: {name_list(left_out, 3)}")
    results = [
        (run, result) for run in runs for group in group_results(run.study) for result in group.results
    ]
    columns = make_columns(results)
    chosen = by or columns[0].id
    known = [column.id for column in columns]
    if chosen not in known and chosen not in BY_NAME:
        raise unknown_name("column", chosen, [*known, *BY_NAME])
    standings = _folded(_standings(results), columns)
    standings.sort(key=_sort_key(chosen, columns))
    if chosen == "date":
        standings.reverse()
    return Leaderboard(
        columns, tuple(standings), chosen, tuple(_disagreeing(standings, columns)), tuple(left_out)
    )


def _readable(places: Sequence[Path]) -> tuple[list[Run], list[str]]:
    """Return the runs that can be read, named among all of them, and why the others cannot."""
    runs, left_out = [], []
    for name, place in zip(short_names(places), places, strict=True):
        try:
            (run,) = read_runs([place])
        except UserError as error:
            left_out.append(f"{name} is left out: {error}")
        else:
            runs.append(dataclasses.replace(run, name=name))
    return runs, left_out


def _standings(results: Sequence[tuple[Run, Result]]) -> list[Standing]:
    grouped: dict[tuple[str, str, str], tuple[Run, str, str, dict[Database, Result]]] = {}
    for run, result in results:
        key = run.name, result.descriptor, result.method
        descriptor, method = run.labels.descriptor(result.descriptor), run.labels.method(result)
        _, _, _, mine = grouped.setdefault(key, (run, descriptor, method, {}))
        mine.setdefault(database_of(result), result)
    return [Standing((run,), descriptor, method, mine) for run, descriptor, method, mine in grouped.values()]


def _folded(standings: Sequence[Standing], columns: Sequence[Column]) -> list[Standing]:
    """Put rows of the same method with the same figures, to a billionth, into one."""
    kept: list[Standing] = []
    for standing in standings:
        for place, other in enumerate(kept):
            if _alike(other, standing) and not any(_apart(other, standing, each) for each in columns):
                kept[place] = dataclasses.replace(
                    other, runs=(*other.runs, *standing.runs), same=(*other.same, standing.results)
                )
                break
        else:
            kept.append(standing)
    return kept


def _alike(one: Standing, two: Standing) -> bool:
    return (one.descriptor, one.method) == (two.descriptor, two.method)


def _apart(one: Standing, two: Standing, column: Column) -> bool:
    first, second = one.value(column), two.value(column)
    if first is None or second is None:
        return first is not second
    return abs(first - second) > TOLERANCE


def _disagreeing(standings: Sequence[Standing], columns: Sequence[Column]) -> Iterator[str]:
    """Name the rows of one method whose figures for the same column differ, and the settings that do."""
    for place, one in enumerate(standings):
        for two in standings[place + 1 :]:
            unlike = [
                column
                for column in columns
                if one.value(column) is not None
                and two.value(column) is not None
                and _apart(one, two, column)
            ]
            if not _alike(one, two) or not unlike:
                continue
            shown = [f"{column.id} {_precise(one.value(column), two.value(column))}" for column in unlike]
            shared = [data for data in one.results if data in two.results]
            settings = dict.fromkeys(
                key
                for data in shared
                for key, _ in unlike_keys("", [said_by(each.results[data].record) for each in (one, two)])
            )
            why = f"; their settings differ in {name_list(settings, 4)}" if settings else ""
            what = f"{one.method} ({one.descriptor}) has other figures in {one.names} and {two.names}"
            yield f"{what}: {name_list(shown, 4)}{why}."


def _precise(first: float | None, second: float | None) -> str:
    """Write two figures in percent with as many digits as tell them apart."""
    assert first is not None
    assert second is not None
    digits = next(
        (digits for digits in range(2, 12) if f"{100 * first:.{digits}f}" != f"{100 * second:.{digits}f}"), 12
    )
    return f"{100 * first:.{digits}f} and {100 * second:.{digits}f}"


def _sort_key(by: str, columns: Sequence[Column]) -> Callable[[Standing], tuple[Any, ...]]:
    column = next((each for each in columns if each.id == by), None)

    def key(standing: Standing) -> tuple[Any, ...]:
        names = (standing.descriptor, standing.method, standing.names)
        if column is not None:
            value = standing.value(column)
            return (value is None, -(value or 0.0), *names)
        if by == "run":
            return (standing.names, standing.descriptor, standing.method)
        return (
            (standing.date, *names)
            if by == "date"
            else (standing.method, standing.descriptor, standing.names)
        )

    return key
