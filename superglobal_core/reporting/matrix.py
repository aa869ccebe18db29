"""The paper's table: methods in rows; data sets, databases and protocols in columns."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting.collect import Figures, Result, Unable
from superglobal_core.reporting.families import Change
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.study import Group

BEST, SECOND = "best", "second"


@dataclasses.dataclass(frozen=True)
class Database:
    """A heading of three columns, one a protocol: a data set with or without distractors."""

    dataset: str
    variant: str
    label: str


@dataclasses.dataclass(frozen=True)
class Cell:
    """One mAP: its figures, place among its descriptor's, and change from the single stage.

    mark: `best` or `second`, or "" where it is neither beyond chance. result: None where there is none,
    for the `reason`, if one is known. distractors: said where the column's results do not agree.
    """

    protocol: str
    result: Result | None
    figures: Figures | None = None
    mark: str = ""
    change: Change | None = None
    reason: str = ""
    distractors: str = ""


@dataclasses.dataclass(frozen=True)
class Row:
    """A method on a descriptor: its cells in the columns' order, three a database."""

    descriptor: str
    descriptor_label: str
    method: str
    label: str
    is_single_stage: bool
    cells: tuple[Cell, ...]

    @property
    def reranker(self) -> str | None:
        """The reranker behind the method, as the results' records name it."""
        return next((cell.result.record.method for cell in self.cells if cell.result), None)

    @property
    def reason(self) -> str:
        """Why no figure stands in the row; empty where one does."""
        return "" if any(cell.result for cell in self.cells) else self.cells[0].reason or "not run"


@dataclasses.dataclass(frozen=True)
class Matrix:
    """All results of a study, or some of its rows."""

    databases: tuple[Database, ...]
    rows: tuple[Row, ...]

    @property
    def marked(self) -> bool:
        """Whether any figure is ahead of the others beyond chance."""
        return any(cell.mark for row in self.rows for cell in row.cells)

    def only(self, rows: Iterable[Row]) -> Matrix:
        """Return the same columns with these rows."""
        return dataclasses.replace(self, rows=tuple(rows))

    @property
    def changes(self) -> Matrix:
        """The rows that hold at least one change from the single stage."""
        return self.only(row for row in self.rows if any(cell.change for cell in row.cells))


def make_matrix(groups: Sequence[Group], unable: Sequence[Unable], labels: Labels) -> Matrix:
    """Put all results into one table, rows by descriptor and method in the suite's order."""
    databases = {
        (group.dataset, group.variant): Database(
            group.dataset, group.variant, _heading([each for each in groups if _same(each, group)], labels)
        )
        for group in groups
    }
    agreed = {key: len(_numbers([each for each in groups if _key(each) == key])) == 1 for key in databases}
    cells: dict[tuple[str, str], dict[tuple[str, str], list[Cell]]] = {}
    names: dict[tuple[str, str], tuple[str, bool]] = {}
    for group in groups:
        for result in group.results:
            key = (group.descriptor, result.method)
            names.setdefault(key, (labels.method(result), result.is_single_stage))
            more = "" if agreed[_key(group)] else labels.distractors(result)
            cells.setdefault(key, {})[_key(group)] = [
                _cell(group, result, protocol, more) for protocol in PROTOCOL_NAMES
            ]
    for each in unable:
        key = (each.descriptor, each.method)
        names.setdefault(key, (labels.named(each.method), False))
        place = (each.dataset, each.variant)
        absent = [Cell(protocol, None, reason=each.reason) for protocol in PROTOCOL_NAMES]
        cells.setdefault(key, {}).setdefault(place, absent)
    order = list(dict.fromkeys(descriptor for descriptor, _ in names))
    rows = [
        Row(
            descriptor,
            labels.descriptor(descriptor),
            method,
            *names[descriptor, method],
            tuple(
                cell
                for place in databases
                for cell in cells[descriptor, method].get(
                    place, [Cell(protocol, None) for protocol in PROTOCOL_NAMES]
                )
            ),
        )
        for descriptor, method in sorted(names, key=lambda key: order.index(key[0]))
    ]
    return Matrix(tuple(databases.values()), tuple(rows))


def marks(group: Group, protocol: str) -> dict[str, str]:
    """Mark the best and the second best method of a descriptor, by file of the result.

    Each is marked only where the next one is worse beyond chance: the paired test's p-value, corrected
    (Holm) for all comparisons on the data set and database, is at most 0.05.
    """
    ranked = sorted(
        (result for result in group.results if result.evaluation.figures(protocol).map is not None),
        key=lambda result: -(result.evaluation.figures(protocol).map or 0.0),
    )
    sure = {
        frozenset((comparison.before.source, comparison.after.source))
        for block in group.family.blocks
        if block.descriptor == group.descriptor
        for comparison in block.comparisons
        if (change := comparison.changes[protocol]) is not None and change.sure
    }
    found = {}
    for mark, better, next_one in zip((BEST, SECOND), ranked, ranked[1:], strict=False):
        if frozenset((better.source, next_one.source)) in sure:
            found[better.source] = mark
    return found


def _cell(group: Group, result: Result, protocol: str, distractors: str) -> Cell:
    change = next(
        (each.changes[protocol] for each in group.comparisons if each.after is result),
        None,
    )
    return Cell(
        protocol,
        result,
        result.evaluation.figures(protocol),
        marks(group, protocol).get(result.source, ""),
        change,
        distractors=distractors,
    )


def _key(group: Group) -> tuple[str, str]:
    return group.dataset, group.variant


def _same(one: Group, other: Group) -> bool:
    return _key(one) == _key(other)


def _numbers(groups: Sequence[Group]) -> set[int | None]:
    return {result.record.distractors for group in groups for result in group.results}


def _heading(groups: Sequence[Group], labels: Labels) -> str:
    dataset = labels.dataset(groups[0].dataset)
    if len(_numbers(groups)) > 1:
        return f"{dataset}, different numbers of distractors"
    return f"{dataset}, {labels.distractors(groups[0].results[0])}"
