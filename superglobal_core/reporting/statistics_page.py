"""The page `statistics.html`: which differences of a study can be told from chance, and which could be at all."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence

from superglobal_core.evaluation.paired import RESAMPLES
from superglobal_core.evaluation.power import LEVEL
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Result, Study
from superglobal_core.reporting.drawing import Figure
from superglobal_core.reporting.families import RESAMPLES_AT_MOST, Block, Change, Comparison, Family
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.shell import Page, Part
from superglobal_core.reporting.statistics_figures import Interval, ranked, ranking_figure
from superglobal_core.reporting.statistics_tables import (
    full_name,
    statistics_csv,
    statistics_latex,
    statistics_markdown,
)
from superglobal_core.reporting.study import Group

PAGE = Page("statistics.html", "Statistics")
SINGLE_STAGES = "Single stages of all descriptors"


@dataclasses.dataclass(frozen=True)
class Power:
    """What one protocol's comparisons could show, in points, over the pairs whose APs differ.

    typical, smallest, largest: smallest true difference found in 80 % of cases, corrected: median and
    extremes of the pairs; alone: the median without correction. None where no pair's APs differ.
    """

    protocol: str
    queries: str
    comparisons: int
    shown: int
    typical: float | None
    smallest: float | None
    largest: float | None
    alone: float | None

    @property
    def for_one_point(self) -> int | None:
        """About how many queries a typical pair needs for a difference of one point; None if these are enough."""
        if self.typical is None or self.typical <= 1 or not self.queries.isdigit():
            return None
        return math.ceil(int(self.queries) * self.typical**2)


@dataclasses.dataclass(frozen=True)
class BlockView:
    """One block's results by number and its comparisons by the results' places."""

    title: str
    names: tuple[str, ...]
    results: tuple[Result, ...]
    comparisons: tuple[Comparison, ...]

    def change(self, row: int, column: int, protocol: str) -> Change | None:
        """Return the change from the column's result to the row's."""
        for comparison in self.comparisons:
            if comparison.before is self.results[column] and comparison.after is self.results[row]:
                return comparison.changes[protocol]
        return None

    def name(self, result: Result) -> str:
        return next(name for name, mine in zip(self.names, self.results, strict=True) if mine is result)


@dataclasses.dataclass(frozen=True)
class FamilyView:
    """What the page shows of one family."""

    title: str
    sentences: tuple[str, ...]
    powers: tuple[Power, ...]
    blocks: tuple[BlockView, ...]
    left_out: tuple[str, ...]
    ranked: tuple[tuple[str, float, Interval], ...]  # name, Medium mAP, interval
    ranking: Figure | None


def statistics_part(study: Study, groups: Sequence[Group], labels: Labels) -> Part | None:
    """Return the page with its tables as files, or None where no two results are on the same data."""
    families = list({id(group.family): group.family for group in groups}.values())
    families = [family for family in families if any(len(block.results) > 1 for block in family.blocks)]
    if not families:
        return None
    note = study.suite.note if study.suite else None
    views = [_family_view(number, family, labels) for number, family in enumerate(families, 1)]
    what = "every two results compared: difference, interval, p-values and verdict, as"
    return Part(
        PAGE,
        "statistics.html.j2",
        {
            "families": views,
            "labels": labels,
            "resamples": (RESAMPLES, RESAMPLES_AT_MOST),
        },
        {
            "statistics.csv": (statistics_csv(families, labels), f"{what} CSV, with full digits"),
            "statistics.md": (statistics_markdown(families, labels, note), f"{what} Markdown"),
            "statistics.tex": (statistics_latex(families, labels, note), f"{what} LaTeX"),
        },
        [view.ranking for view in views if view.ranking is not None],
    )


def _family_view(number: int, family: Family, labels: Labels) -> FamilyView:
    results = [result for block in family.blocks if block.descriptor is not None for result in block.results]
    searched = list(dict.fromkeys(labels.distractors(result) for result in results))
    where = searched[0] if len(searched) == 1 else "different numbers of distractors"
    powers = tuple(_power(family, protocol) for protocol in PROTOCOL_NAMES)
    title = f"{labels.dataset(family.dataset)} · {where}"
    best_first = ranked(results, labels)
    ranking = ranking_figure(f"ranking-{number}", title, best_first)
    return FamilyView(
        title,
        tuple(_sentences(family, powers)),
        powers,
        tuple(_block_view(block, labels) for block in family.blocks if block.comparisons),
        tuple(
            f"{full_name(after, block, labels)} is not compared with {full_name(before, block, labels)}: {why}."
            for block in family.blocks
            for before, after, why in block.left_out
        ),
        tuple(best_first),
        ranking,
    )


def _block_view(block: Block, labels: Labels) -> BlockView:
    title = SINGLE_STAGES if block.descriptor is None else labels.descriptor(block.descriptor)
    names = [
        labels.descriptor(result.descriptor) if block.descriptor is None else labels.method(result)
        for result in block.results
    ]
    return BlockView(title, tuple(names), block.results, block.comparisons)


def _power(family: Family, protocol: str) -> Power:
    changes = family.changes(protocol)
    found = sorted(value for change in changes if (value := change.detectable) is not None)
    alone = [value for change in changes if (value := change.detectable_alone) is not None]
    queries = sorted({change.found.queries for change in changes})
    return Power(
        protocol,
        " to ".join(map(str, dict.fromkeys((queries[0], queries[-1])))) if queries else texts.ABSENT,
        len(changes),
        sum(change.sure for change in changes),
        statistics.median(found) if found else None,
        found[0] if found else None,
        found[-1] if found else None,
        statistics.median(alone) if alone else None,
    )


def _sentences(family: Family, powers: Sequence[Power]) -> list[str]:
    changes = family.changes()
    if not changes:
        return ["Nothing here can be compared query by query."]
    shown = sum(change.sure for change in changes)
    alone = sum(change.found.p_value <= LEVEL for change in changes)
    pairs = _counted(sum(len(block.comparisons) for block in family.blocks), "pair")
    protocols = _counted(sum(power.comparisons > 0 for power in powers), "protocol")
    sentences = [
        f"{pairs} of results under {protocols}: {_counted(len(changes), 'comparison')}. Their p-values are corrected "
        "together, so that the chance of even one false alarm among them is at most 5 %.",
        f"{_counted(shown, 'difference')} can be shown. Without the correction {alone} would have passed; if no result "
        f"differed from another, chance alone would let about {texts.significant(LEVEL * len(changes), 2)} pass.",
    ]
    medium = next(power for power in powers if power.protocol == "medium")
    if medium.typical is not None:
        small = [
            change
            for change in family.changes("medium")
            if change.detectable is not None and abs(change.points) < change.detectable
        ]
        few = f"{medium.queries} queries {'are few' if medium.typical > 1 else 'show small differences'}: "
        sentence = (
            f"{few}under Medium a typical pair's true difference must be "
            f"{medium.typical:.2f} points to be found in four of five such studies, and {medium.alone:.2f} points "
            f"if that pair alone had been compared. {len(small)} of the {medium.comparisons} differences "
            "measured under Medium are smaller than what their pair needs."
        )
        if medium.for_one_point is not None:
            sentence += f" One point would take about {medium.for_one_point:,} queries like these."
        sentences.append(sentence)
    sentences.append(
        "Where no difference can be shown, none is ruled out: the interval says how large it may be."
    )
    return sentences


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
