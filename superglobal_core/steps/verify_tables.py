"""Whether a report's table holds the figures of the result files."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from superglobal_core.errors import UserError
from superglobal_core.reporting.collect import Result, Study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.study import Group, group_results
from superglobal_core.reporting.tables import map_csv
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
    foreign = [row for row in stored if row not in taken]
    found[str(path)] = [
        Difference("row", ", ".join(filter(None, _key(row, row))), "no such result") for row in foreign
    ]
    return found


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
