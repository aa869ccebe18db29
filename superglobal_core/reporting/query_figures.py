"""Every query's AP by every method, failures first, and the queries that gained and lost most."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from superglobal_core.reporting.collect import Result
from superglobal_core.reporting.families import Comparison
from superglobal_core.reporting.pictures import Picture
from superglobal_core.reporting.speed_claim import CLAIMANT
from superglobal_core.reporting.study import Group, ap_changes

CASES = 3  # queries named of each kind
PROTOCOL = "medium"
# Easy AP is near its limit for most queries; `per_query.csv` has it.
TABLE_PROTOCOLS = (PROTOCOL, "hard")
# A hundredth of a point: less would read as no change.
SMALLEST_CHANGE = 1e-4


@dataclasses.dataclass(frozen=True)
class Named:
    """A query's name, and the address of its card where it has one; picture: a small one, if any."""

    name: str
    address: str | None = None
    picture: Picture | None = None


#: the name of a query of a group's
NameQuery = Callable[[Group, int], Named]


@dataclasses.dataclass(frozen=True)
class Row:
    """A query under one protocol: APs (fractions) in the order of the columns, None where there is none.

    change: of the main method from the single stage.
    """

    group: Group
    protocol: str
    query: Named
    aps: tuple[float | None, ...]
    mean: float | None
    change: float | None


@dataclasses.dataclass(frozen=True)
class Mover:
    """A query that gained or lost: how much (a fraction)."""

    query: Named
    change: float


@dataclasses.dataclass(frozen=True)
class Moved:
    """The queries whose Medium AP a reranking raised and lowered most."""

    group: Group
    comparison: Comparison
    gained: tuple[Mover, ...]
    lost: tuple[Mover, ...]


def main_method(group: Group) -> Result:
    """Return the result whose failures are looked for: SuperGlobal's reranking, or else the first reranking."""
    rerankings = [comparison.after for comparison in group.comparisons]
    claimed = [result for result in rerankings if result.record.method == CLAIMANT]
    return next(iter([*claimed, *rerankings, *group.results]))


def average_precision(result: Result, query: int, protocol: str = PROTOCOL) -> float | None:
    """Return one query's AP, a fraction; None where it has no positives."""
    return result.evaluation.figures(protocol).average_precision[query]


def change_of(group: Group, result: Result, query: int, protocol: str = PROTOCOL) -> float | None:
    """Return a query's AP minus the single stage's; None where these cannot be compared."""
    before = next((each.before for each in group.comparisons if each.after is result), None)
    old = None if before is None else average_precision(before, query, protocol)
    new = average_precision(result, query, protocol)
    return None if old is None or new is None else new - old


def columns(groups: Sequence[Group]) -> list[str]:
    """List the names of all methods, the single stages first."""
    found = {result.method: result.is_single_stage for group in groups for result in group.results}
    return sorted(found, key=lambda method: not found[method])


def query_rows(groups: Sequence[Group], name: NameQuery) -> list[Row]:
    """List every query under the protocols of the table: Medium first, and each protocol's failures first.

    A failure is a low AP of the main method; queries without positives come last.
    """
    methods = columns(groups)
    rows = []
    for protocol in TABLE_PROTOCOLS:
        found: list[tuple[float, Row]] = []
        for group in groups:
            main = main_method(group)
            for query in range(main.queries):
                row = _row(group, main, query, protocol, methods, name)
                lowest = average_precision(main, query, protocol)
                found.append((2.0 if lowest is None else lowest, row))
        rows += [row for _, row in sorted(found, key=lambda entry: entry[0])]
    return rows


def _row(
    group: Group, main: Result, query: int, protocol: str, methods: Sequence[str], name: NameQuery
) -> Row:
    of_method = {
        result.method: average_precision(result, query, protocol)
        for result in group.results
        if query < result.queries
    }
    known = [value for value in of_method.values() if value is not None]
    return Row(
        group,
        protocol,
        name(group, query),
        tuple(of_method.get(method) for method in methods),
        sum(known) / len(known) if known else None,
        change_of(group, main, query, protocol),
    )


def moved_most(group: Group, comparison: Comparison, name: NameQuery) -> Moved:
    """Find the queries whose Medium AP gained and lost most, at most `CASES` of each."""
    changes = ap_changes(comparison.before, comparison.after, PROTOCOL)
    gained, lost = (
        tuple(Mover(name(group, query), changes[query] or 0.0) for query in kind) for kind in choose(changes)
    )
    return Moved(group, comparison, gained, lost)


def choose(changes: Sequence[float | None], number: int = CASES) -> tuple[list[int], list[int]]:
    """Return the queries that gained and lost most, the most first; only those that did.

    >>> choose([0.1, None, -0.2, 0.0, 0.3], number=1)
    ([4], [2])
    """
    known = [(change, query) for query, change in enumerate(changes) if change is not None]
    gained = sorted((-change, query) for change, query in known if change >= SMALLEST_CHANGE)
    lost = sorted((change, query) for change, query in known if change <= -SMALLEST_CHANGE)
    return [query for _, query in gained[:number]], [query for _, query in lost[:number]]
