"""Whether a report's table holds the figures of the result files, and the reasons of what could not run."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from superglobal_core.errors import UserError
from superglobal_core.reporting.collect import Result, Study, Unable
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.study import Group, group_results
from superglobal_core.reporting.tables import map_csv
from superglobal_core.reporting.unable import unable_methods
from superglobal_core.steps.checked import Checked
from superglobal_core.steps.differences import Difference, close

TABLE = "map.csv"
# Which result a row is about, in tables without the column `record`.
KEYS = ("dataset", "descriptor", "method", "distractors")
TOLERANCE = 1e-9  # the table's own rounding, in percent


def table_differences(report: Path, study: Study) -> dict[str, list[Difference]]:
    """Compare `map.csv` of a report with a study's results; return the differences by result file.

    Rows about none of the results are under the table's own path.

    Raises:
        UserError: when there is no such table.
    """
    path = report / TABLE
    stored = _rows(path)
    found: dict[str, list[Difference]] = {}
    taken = []
    groups, labels = group_results(study), Labels(study.suite)
    for group in groups:
        for result in group.results:
            wanted = _wanted(group, result, labels)
            mine = [row for row in stored if _key(row, row) == _key(wanted, row)]
            taken += mine
            found[result.source] = list(_differences(mine, wanted))
    taken += [row for one in unable_methods(study) for row in _rows_of(one, stored, labels)]
    foreign = [row for row in stored if row not in taken]
    found[str(path)] = [Difference("row", _names(row), "no such result") for row in foreign]
    return found


def unable_rows(report: Path, study: Study) -> list[Checked]:
    """Hold the rows of methods that could not run against the reasons that the suite and the files give."""
    path, labels = report / TABLE, Labels(study.suite)
    stored, found = _rows(path), []
    for one in unable_methods(study):
        names = f"{one.method} on {one.dataset} with {one.descriptor}, {one.variant}"
        wanted = _wanted_unable(one, labels)
        mine = _rows_of(one, stored, labels)
        # Every other column is empty: nothing was measured.
        every = {column: "" for row in mine for column in row} | wanted
        said = f"could not run: {one.reason}"
        found.append(Checked(f"{path}, {names}", list(_differences(mine, every)), said=said))
    return found


def _rows_of(one: Unable, stored: Sequence[dict[str, str]], labels: Labels) -> list[dict[str, str]]:
    wanted = _wanted_unable(one, labels)
    return [row for row in stored if not row.get("record") and _key(wanted, {}) == _key(row, {})]


def _wanted_unable(one: Unable, labels: Labels) -> dict[str, str]:
    return next(csv.DictReader(io.StringIO(map_csv([], labels, [one]))))


def _names(row: Mapping[str, str]) -> str:
    return row.get("record") or ", ".join(filter(None, _key(row, {})))


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader(io.StringIO(path.read_text())))
    except (OSError, UnicodeError, csv.Error) as error:
        raise UserError(f"cannot read {path}: {error}; name a report's folder with --report") from error


def _wanted(group: Group, result: Result, labels: Labels) -> dict[str, str]:
    # The report's own writer says what belongs there.
    one = dataclasses.replace(group, results=(result,), comparisons=())
    return next(csv.DictReader(io.StringIO(map_csv([one], labels))))


def _key(row: Mapping[str, str], table: Mapping[str, str]) -> tuple[str | None, ...]:
    return tuple(row.get(key) for key in (("record",) if "record" in table else KEYS))


def _differences(mine: Sequence[Mapping[str, str]], wanted: Mapping[str, str]) -> list[Difference]:
    if len(mine) != 1:
        return [Difference(f"rows of {TABLE}", len(mine), 1)]
    row, found = mine[0], []
    for column, value in wanted.items():
        if column in row and row[column] != value:
            numbers = _number(row[column]), _number(value)
            if None in numbers:
                found.append(Difference(f"{column} in {TABLE}", row[column] or None, value or None))
            else:
                found += close(f"{column} in {TABLE}", *numbers, tolerance=TOLERANCE)
    return found


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None
