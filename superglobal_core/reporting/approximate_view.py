"""Comparisons of approximate indexes as the page, the tables and the charts show them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

from superglobal_core.approximate_record import Approximate, Point, Searched, changes, read_approximate
from superglobal_core.config_scale import PLANTED
from superglobal_core.files import finished_files
from superglobal_core.measured_values import Protocol
from superglobal_core.parameter_results import Accuracy
from superglobal_core.reasons import reason_in
from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.labels import Labels
from superglobal_core.timing.statistics import Summary

FOLDER = "approximate"
EXACT = "exact search"
STAGES = {
    "single_stage": "Single stage",
    "reranked": "Reranked",
    "reranked_rebuilt": "Reranked, vectors rebuilt",
}
# Points of mAP under Medium, after reranking: what a reader may take for no loss.
LITTLE = 0.5


@dataclasses.dataclass(frozen=True)
class Row:
    """One search: of an index with one effort, or the exact one.

    changes: points of mAP beyond the exact search's, by stage and protocol; empty for the exact search.
    """

    name: str
    effort: str
    parameters: str
    bytes_a_vector: float
    build_s: float | None
    summary: Summary
    recall: Mapping[str, float]
    accuracies: Mapping[str, Accuracy]
    changes: Mapping[str, Mapping[Protocol, float | None]]

    @property
    def is_exact(self) -> bool:
        return not self.changes

    @property
    def title(self) -> str:
        """The index and its effort, for a sentence."""
        return f"{self.name} ({self.effort})" if self.effort else self.name

    @property
    def lost(self) -> float | None:
        """Points of mAP lost under Medium after reranking."""
        change = 0.0 if self.is_exact else self.changes["reranked"]["medium"]
        return None if change is None else -change


@dataclasses.dataclass(frozen=True)
class ApproximateView:
    """One comparison; source: its file, relative to the results folder; rows: the exact search first."""

    title: str
    source: str
    found: Approximate
    rows: tuple[Row, ...]
    places: tuple[str, ...]
    sentences: tuple[str, ...]


def approximate_views(study: Study, labels: Labels) -> tuple[list[ApproximateView], list[tuple[str, str]]]:
    """Read every comparison below a study's `approximate/`, whatever its name.

    Returns:
        The views, and the sources with reasons of those that could not run.

    Raises:
        UserError: when a file is damaged.
    """
    views, unable = [], []
    for path in _paths(study.root / FOLDER):
        source = path.relative_to(study.root).as_posix()
        reason = reason_in(path)
        if reason is not None:
            unable.append((source, reason))
            continue
        found = read_approximate(path)
        rows = tuple(_rows(found))
        places = tuple(found.indexes[0].points[0].recall)
        title = _title(path.relative_to(study.root / FOLDER), found, labels)
        views.append(ApproximateView(title, source, found, rows, places, tuple(_sentences(found, rows))))
    return views, unable


def _paths(folder: Path) -> list[Path]:
    return [path for path in finished_files(folder, "**/*.json") if not path.name.endswith(".record.json")]


def _title(path: Path, found: Approximate, labels: Labels) -> str:
    folders = path.with_suffix("").parts
    size = f"{texts.count(found.database)} vectors of {texts.count(found.dimension)} dimensions"
    if len(folders) == 2 and folders[0] == PLANTED:
        return f"Planted landmarks · {size}"
    if len(folders) == 3:
        return f"{labels.dataset(folders[1])} · {labels.descriptor(folders[0])} · {size}"
    return " · ".join([*folders, size])


def _rows(found: Approximate) -> Iterator[Row]:
    exact = found.exact
    yield Row(
        EXACT,
        "",
        "",
        exact.bytes_a_vector,
        None,
        exact.summary,
        dict.fromkeys(found.indexes[0].points[0].recall, 1.0),
        _accuracies(exact),
        {},
    )
    for index in found.indexes:
        parameters = ", ".join(f"{name} {value}" for name, value in index.parameters.items())
        for point in index.points:
            effort = "" if point.effort is None else f"{index.effort_name} {point.effort}"
            yield Row(
                index.name,
                effort,
                parameters,
                index.bytes_a_vector,
                index.build_s,
                point.summary,
                point.recall,
                _accuracies(point),
                {
                    "single_stage": changes(exact.single_stage, point.single_stage),
                    "reranked": changes(exact.reranked, point.reranked),
                    "reranked_rebuilt": changes(exact.reranked, point.reranked_rebuilt),
                },
            )


def _accuracies(searched: Searched) -> dict[str, Accuracy]:
    found = {"single_stage": searched.single_stage, "reranked": searched.reranked}
    return found | ({"reranked_rebuilt": searched.reranked_rebuilt} if isinstance(searched, Point) else {})


def _sentences(found: Approximate, rows: tuple[Row, ...]) -> Iterator[str]:
    exact = found.exact
    cut = changes(exact.single_stage_whole, exact.single_stage)["medium"]
    if cut is not None:
        after = changes(exact.reranked_whole, exact.reranked)["medium"]
        yield (
            f"An index finds {texts.count(found.k)} places a query and no more: of the exact search's mAP Medium that "
            f"alone takes {_lost(-cut)}, and {_lost(-(after or 0.0))} after reranking. All rows, the exact search's "
            "too, are cut off there, so that differences are the index's own."
        )
    good = [row for row in rows if not row.is_exact and row.lost is not None and row.lost <= LITTLE]
    if not good:
        yield f"After reranking, no index loses {LITTLE:g} points of mAP Medium or less."
        return
    fastest = min(good, key=lambda row: row.summary.median)
    smallest = min(good, key=lambda row: row.bytes_a_vector)
    ratio = exact.summary.median / fastest.summary.median
    yield (
        f"Of the searches that lose at most {LITTLE:g} points of mAP Medium after reranking, the fastest is "
        f"{fastest.title} with {texts.milliseconds(fastest.summary.median)} ms a query (exact: "
        f"{texts.milliseconds(exact.summary.median)} ms, {texts.times(ratio)}), the smallest {smallest.title} with "
        f"{whole(smallest.bytes_a_vector)} bytes a vector (exact: {whole(exact.bytes_a_vector)})."
    )


def _lost(value: float) -> str:
    return f"{value:.2f} points".replace("-", texts.MINUS)


def whole(value: float) -> str:
    """Return bytes as a whole number.

    >>> whole(1024.0), whole(58.9)
    ('1,024', '59')
    """
    return f"{value:,.0f}"
