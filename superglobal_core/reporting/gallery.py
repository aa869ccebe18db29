"""A card for every query: its picture, its AP by method, and what stood first before and after the reranking."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

from superglobal_core.data.groundtruth import GroundTruth
from superglobal_core.reporting.anchors import query_anchor
from superglobal_core.reporting.collect import Result, Study
from superglobal_core.reporting.first_places import Place, first_places, fits
from superglobal_core.reporting.pictures import BUDGET, Album, Picture, Thumbnails
from superglobal_core.reporting.query_figures import average_precision, change_of, main_method
from superglobal_core.reporting.shell import Page
from superglobal_core.reporting.sources import DatasetFiles, load_ranking
from superglobal_core.reporting.study import Group
from superglobal_core.search.rankings import Ranking

#: cards on a page: one page for 24 queries costs a page's frame once, and is still quickly read
CARDS = 24
# Bytes of pictures on all pages together; beyond, names stand in for pictures.
BUDGET_OF_ALL = 60_000_000


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one method made of a query: AP (a fraction), its change from the single stage, and the first places.

    places: None where the ranking is not at hand.
    """

    result: Result
    ap: float | None
    change: float | None
    places: tuple[Place, ...] | None

    @property
    def marks(self) -> str:
        return "".join(place.symbol for place in self.places or ())


@dataclasses.dataclass(frozen=True)
class Answer:
    """A query on one database: the single stage (None where there is none, or it is the main), and the others."""

    group: Group
    before: Outcome | None
    main: Outcome
    others: tuple[Outcome, ...]


@dataclasses.dataclass(frozen=True)
class Card:
    """One query on every database of a data set and descriptor; number: its place, failures first."""

    name: str
    anchor: str
    number: int
    picture: Picture | None
    answers: tuple[Answer, ...]

    @property
    def worst(self) -> Answer:
        """The answer that makes it a failure: with the lowest AP, the first of equals."""
        return min(self.answers, key=lambda answer: (answer.main.ap is None, answer.main.ap))


@dataclasses.dataclass(frozen=True)
class Leaf:
    """A page of cards of one data set and descriptor, of `total` cards.

    thumbnails: the pictures of database images by name; pictures: all that the page embeds.
    neighbours: the addresses and names of the cards before the first and behind the last, if any.
    """

    page: Page
    dataset: str
    descriptor: str
    cards: tuple[Card, ...]
    total: int
    thumbnails: Mapping[str, Picture]
    pictures: Sequence[Picture]
    remark: str
    neighbours: tuple[tuple[str, str] | None, tuple[str, str] | None] = (None, None)


@dataclasses.dataclass(frozen=True)
class Section:
    """The cards of one data set and descriptor; addresses: of each query's card, by its number in the ground truth.

    remark: why there are no cards.
    """

    dataset: str
    descriptor: str
    leaves: tuple[Leaf, ...] = ()
    addresses: Mapping[int, str] = dataclasses.field(default_factory=dict)
    remark: str = ""


def make_sections(
    study: Study, groups: Sequence[Group], files: Mapping[str, DatasetFiles], thumbnails: Thumbnails
) -> list[Section]:
    """Make the cards of every query, of each data set and descriptor the failures first, page by page.

    The pages are `queries-2.html` and on: the first is the list of all queries.
    """
    together: dict[tuple[str, str], list[Group]] = {}
    for group in groups:
        together.setdefault((group.dataset, group.descriptor), []).append(group)
    sections: list[Section] = []
    number, left = 2, BUDGET_OF_ALL
    for (dataset, descriptor), mine in together.items():
        truth = files[dataset].truth
        if truth is None:
            sections.append(
                Section(dataset, descriptor, remark=f"The queries cannot be shown: {files[dataset].reason}.")
            )
            continue
        places, remark = _all_places(study, mine, truth)
        if remark:
            sections.append(Section(dataset, descriptor, remark=remark))
            continue
        order = failures_first(mine)
        shares = split(order)
        pages = [
            Page(f"queries-{number + step}.html", f"Queries, page {number + step - 1}")
            for step in range(len(shares))
        ]
        number += len(shares)
        addresses = {
            query: f"{page.file}#{query_anchor(truth.query_names[query])}"
            for page, share in zip(pages, shares, strict=True)
            for query in share
        }
        leaves = []
        for page, share in zip(pages, shares, strict=True):
            album = Album(min(BUDGET, left), thumbnails)
            before = album.left
            leaves.append(
                _Binder(mine, truth, files[dataset], places, album).leaf(page, share, order, addresses)
            )
            left -= before - album.left
        sections.append(Section(dataset, descriptor, tuple(leaves), addresses))
    return sections


def failures_first(groups: Sequence[Group]) -> list[int]:
    """Order queries by the lowest Medium AP that the main method has for them on any database; unknown ones last."""
    mains = [main_method(group) for group in groups]

    def lowest(query: int) -> float:
        found = [average_precision(main, query) for main in mains]
        return min((value for value in found if value is not None), default=2.0)

    return sorted(range(min(main.queries for main in mains)), key=lowest)


def split(order: Sequence[int], most: int = CARDS) -> list[Sequence[int]]:
    """Split into as few parts of at most `most` as can be, of nearly the same length.

    >>> split(range(5), 4)
    [range(0, 3), range(3, 5)]
    """
    parts = math.ceil(len(order) / most)
    bounds = [math.ceil(part * len(order) / parts) for part in range(parts + 1)]
    return [order[start:end] for start, end in itertools.pairwise(bounds)]


#: by a result's file: the first places of every query
Places = dict[str, list[tuple[Place, ...]]]


def _all_places(study: Study, groups: Sequence[Group], truth: GroundTruth) -> tuple[Places, str]:
    """Read every ranking's first places; the remark says why there are none at all."""
    found: Places = {}
    foreign = False
    for group in groups:
        single = group.single_stage
        first = load_ranking(study, single) if single else None
        for result in group.results:
            ranking = first if result is single else load_ranking(study, result)
            if ranking is None:
                continue
            if not fits(ranking, truth):
                foreign = True
                continue
            found[result.source] = first_places(ranking, truth, _before(first, truth, result is single))
    if found:
        return found, ""
    why = "the rankings are of other queries" if foreign else "their rankings are not at hand"
    return found, f"The queries cannot be shown: {why}."


def _before(first: Ranking | None, truth: GroundTruth, is_single: bool) -> Ranking | None:
    return first if first is not None and not is_single and fits(first, truth) else None


@dataclasses.dataclass(frozen=True)
class _Binder:
    """What the cards of one page are made from."""

    groups: Sequence[Group]
    truth: GroundTruth
    files: DatasetFiles
    places: Places
    album: Album

    def leaf(
        self, page: Page, share: Sequence[int], order: Sequence[int], addresses: Mapping[int, str]
    ) -> Leaf:
        number = {query: place for place, query in enumerate(order, 1)}
        cards = tuple(self._card(query, number[query]) for query in share)
        shown = dict.fromkeys(
            place.name
            for card in cards
            for answer in card.answers
            for outcome in (answer.before, answer.main)
            if outcome is not None
            for place in outcome.places or ()
        )
        added = {name: self.album.add(self.files.picture(name)) for name in shown}
        thumbnails = {name: picture for name, picture in added.items() if picture is not None}
        names = self.truth.query_names
        first, last = number[share[0]] - 1, number[share[-1]] - 1
        earlier = order[first - 1] if first else None
        later = order[last + 1] if last + 1 < len(order) else None
        around = tuple(None if each is None else (addresses[each], names[each]) for each in (earlier, later))
        return Leaf(
            page,
            self.groups[0].dataset,
            self.groups[0].descriptor,
            cards,
            len(order),
            thumbnails,
            self.album.pictures,
            self._remark(cards, len(shown), len(shown) - len(thumbnails)),
            (around[0], around[1]),
        )

    def _card(self, query: int, number: int) -> Card:
        name = self.truth.query_names[query]
        picture = self.album.add(self.files.query_picture(name), self.truth.queries[query].box)
        answers = tuple(self._answer(group, query) for group in self.groups)
        return Card(name, query_anchor(name), number, picture, answers)

    def _answer(self, group: Group, query: int) -> Answer:
        main, single = main_method(group), group.single_stage
        others = [result for result in group.results if result is not main and result is not single]
        return Answer(
            group,
            self._outcome(group, single, query) if single is not None and single is not main else None,
            self._outcome(group, main, query),
            tuple(self._outcome(group, result, query) for result in others),
        )

    def _outcome(self, group: Group, result: Result, query: int) -> Outcome:
        places = self.places.get(result.source)
        return Outcome(
            result,
            average_precision(result, query) if query < result.queries else None,
            change_of(group, result, query),
            None if places is None else places[query],
        )

    def _remark(self, cards: Sequence[Card], images: int, absent: int) -> str:
        queries = sum(card.picture is None for card in cards)
        if not absent and not queries:
            return ""
        if self.files.queries is None and not self.files.images:
            return "The images are not at hand, so their names stand here."
        too_many = ", because the page would become too large" if self.album.left_out else ""
        return (
            f"{absent + queries} of {images + len(cards)} pictures are missing{too_many}; "
            "names stand in their place."
        )
