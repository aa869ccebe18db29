"""The words of a comparison: what its page and its tables say alike."""

from __future__ import annotations

from collections.abc import Iterator

from superglobal_core.reporting import texts
from superglobal_core.runs.comparison import Comparison
from superglobal_core.runs.figures import Against, Row
from superglobal_core.runs.orders import Orders

NO_ORDER = Orders(None, "")


def figure(row: Row) -> str:
    """Return a figure's names, as in the folders."""
    return f"{'/'.join(row.names)} {row.protocol}"


def moved_words(comparison: Comparison, row: Row, each: Against) -> str:
    """Name the queries that changed most, with the change of their AP in points."""
    return ", ".join(
        f"{comparison.query(row.names.dataset, number)} {exact_points(change)}"
        for number, change in each.moved
    )


def exact_points(fraction: float | None) -> str:
    """Return a difference of fractions in points, in powers of ten where two digits would show nothing.

    >>> exact_points(0.0125), exact_points(-2e-9), exact_points(0.0)
    ('+1.25', '−2.0e-07', '0.00')
    """
    if fraction is None or fraction == 0 or abs(fraction) >= 5e-5:
        return texts.points(None if fraction is None else 100 * fraction)
    return f"{100 * fraction:+.1e}".replace("-", texts.MINUS, 1 if fraction < 0 else 0)


def time_cells(comparison: Comparison) -> Iterator[list[str]]:
    """Yield the cells of each time: what, of what, shortlist, seconds a run, ratios, with what chance allows."""
    names = [run.name for run in comparison.runs]
    for row in comparison.times.rows:
        shortlist = "" if row.shortlist is None else str(row.shortlist)
        seconds = [
            texts.significant(row.seconds[name]) if name in row.seconds else texts.ABSENT for name in names
        ]
        ratios = []
        for name in names[1:]:
            if name not in row.ratios:
                ratios.append(texts.ABSENT)
                continue
            judged = row.judged[name] if row.judged else None
            chance = " (may be chance)" if judged is not None and judged.verdict is None else ""
            ratios.append(f"{texts.significant(row.ratios[name])}{chance}")
        yield [row.what, row.name, shortlist, *seconds, *ratios]


def order_of(comparison: Comparison, row: Row, each: Against) -> Orders:
    """Return how the rankings of a figure compare; empty words where one run has none."""
    return comparison.orders.get((row.names, each.run.name), NO_ORDER)
