"""What the reranking changed: the queries that gained and lost most, with their first results."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from superglobal_core.data.groundtruth import GroundTruth
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.families import Comparison
from superglobal_core.reporting.pictures import Album, Picture
from superglobal_core.reporting.sources import DatasetFiles, load_ranking
from superglobal_core.reporting.study import Group, ap_changes
from superglobal_core.search.rankings import Ranking

CASES, PLACES = 3, 10  # queries shown of each kind, results shown of each query
PROTOCOL = "medium"
# A hundredth of a point: less would read as no change.
SMALLEST_CHANGE = 1e-4

# kind of place: (frame's class, symbol, words)
KINDS = {
    "easy": ("positive", "\N{CHECK MARK}", "positive (easy)"),
    "hard": ("positive", "\N{CHECK MARK}", "positive (hard)"),
    "junk": ("junk", "\N{EN DASH}", "junk"),
    "negative": ("negative", "\N{MULTIPLICATION X}", "negative"),
}


@dataclasses.dataclass(frozen=True)
class Place:
    """One result: its place (from 1), name, kind (a key of KINDS), place before the reranking, picture."""

    number: int
    name: str
    kind: str
    before: int | None
    picture: Picture | None

    @property
    def frame(self) -> str:
        return KINDS[self.kind][0]

    @property
    def symbol(self) -> str:
        return KINDS[self.kind][1]

    @property
    def words(self) -> str:
        return KINDS[self.kind][2]


@dataclasses.dataclass(frozen=True)
class Case:
    """One query: APs (fractions) and first places before and after the reranking."""

    query: str
    picture: Picture | None
    ap_before: float
    ap_after: float
    before: tuple[Place, ...]
    after: tuple[Place, ...]


@dataclasses.dataclass(frozen=True)
class Exhibit:
    """The cases of one comparison; why names stand in for pictures, or why there are no cases: `remark`."""

    group: Group
    comparison: Comparison
    gained: tuple[Case, ...]
    lost: tuple[Case, ...]
    remark: str


def make_exhibit(
    study: Study, group: Group, comparison: Comparison, files: DatasetFiles, album: Album
) -> Exhibit:
    """Choose the queries whose Medium AP gained and lost most, at most `CASES` of each, and show them."""
    if files.truth is None:
        return Exhibit(group, comparison, (), (), f"The queries cannot be shown: {files.reason}.")
    before, after = (load_ranking(study, result) for result in (comparison.before, comparison.after))
    if before is None or after is None:
        return Exhibit(
            group, comparison, (), (), "The queries cannot be shown: their rankings are not at hand."
        )
    if not all(_fits(ranking, files.truth) for ranking in (before, after)):
        return Exhibit(
            group, comparison, (), (), "The queries cannot be shown: the rankings are of other queries."
        )
    gained, lost = choose(ap_changes(comparison.before, comparison.after, PROTOCOL))
    show = _Showcase(comparison, files, files.truth, before, after, album)
    cases = tuple(show.case(query) for query in gained), tuple(show.case(query) for query in lost)
    return Exhibit(group, comparison, *cases, _remark(cases, files, album))


def choose(changes: Sequence[float | None], number: int = CASES) -> tuple[list[int], list[int]]:
    """Return the queries that gained and lost most, the most first; only those that did.

    >>> choose([0.1, None, -0.2, 0.0, 0.3], number=1)
    ([4], [2])
    """
    known = [(change, query) for query, change in enumerate(changes) if change is not None]
    gained = sorted((-change, query) for change, query in known if change >= SMALLEST_CHANGE)
    lost = sorted((change, query) for change, query in known if change <= -SMALLEST_CHANGE)
    return [query for _, query in gained[:number]], [query for _, query in lost[:number]]


@dataclasses.dataclass(frozen=True)
class _Showcase:
    """What a comparison's cases are made from."""

    comparison: Comparison
    files: DatasetFiles
    truth: GroundTruth
    before: Ranking
    after: Ranking
    album: Album

    def case(self, query: int) -> Case:
        """Show one query of the ground truth."""
        name = self.truth.query_names[query]
        old, new = (
            result.evaluation.figures(PROTOCOL).average_precision[query]
            for result in (self.comparison.before, self.comparison.after)
        )
        assert old is not None
        assert new is not None
        picture = self.album.add(self.files.query_picture(name), self.truth.queries[query].box)
        row = _row_of(self.before, name, query)
        earlier = {int(index): place for place, index in enumerate(self.before.indices[row], 1) if index >= 0}
        return Case(
            name,
            picture,
            old,
            new,
            self._places(self.before, query, {}),
            self._places(self.after, query, earlier),
        )

    def _places(self, ranking: Ranking, query: int, earlier: dict[int, int]) -> tuple[Place, ...]:
        row = _row_of(ranking, self.truth.query_names[query], query)
        kind_of_row, kind_of_name = _kinds(ranking, self.truth, query)
        places = []
        for number, index in enumerate(ranking.indices[row, :PLACES].tolist(), 1):
            if index < 0:
                break
            name = self._name(ranking, row, number - 1, index)
            kind = (
                kind_of_name.get(name, "negative")
                if kind_of_row is None
                else kind_of_row.get(index, "negative")
            )
            picture = self.album.add(self.files.picture(name))
            places.append(Place(number, name, kind, earlier.get(index), picture))
        return tuple(places)

    def _name(self, ranking: Ranking, row: int, place: int, index: int) -> str:
        if ranking.names is not None and place < ranking.names.shape[1]:
            return str(ranking.names[row, place])
        if ranking.database_ids is not None:
            return ranking.database_ids[index]
        # Rows without names are in the ground truth's order, distractors behind them.
        names = self.truth.image_names
        return names[index] if index < len(names) else f"distractor {index - len(names)}"


def _kinds(ranking: Ranking, truth: GroundTruth, query: int) -> tuple[dict[int, str] | None, dict[str, str]]:
    """Return the kind of a query's labelled images, by database row (None when unknown) and by name."""
    labels = truth.queries[query]
    kind_of_image = {image: kind for kind in ("easy", "hard", "junk") for image in getattr(labels, kind)}
    by_name = {truth.image_names[image]: kind for image, kind in kind_of_image.items()}
    if ranking.labelled is None or ranking.rows is None:
        return None, by_name
    mine = np.flatnonzero(ranking.labelled.query == query)
    pairs = zip(ranking.rows[mine].tolist(), ranking.labelled.image[mine].tolist(), strict=True)
    return {row: kind_of_image[image] for row, image in pairs if row >= 0 and image in kind_of_image}, by_name


def _row_of(ranking: Ranking, name: str, query: int) -> int:
    # A search with a ground truth follows its queries; one without has its own order, with names.
    if ranking.labelled is not None or ranking.query_ids is None:
        return query
    return list(ranking.query_ids).index(name)


def _fits(ranking: Ranking, truth: GroundTruth) -> bool:
    if ranking.indices.ndim != 2:
        return False
    if ranking.labelled is not None or ranking.query_ids is None:
        return len(ranking.indices) == len(truth.queries)
    return set(truth.query_names) <= set(ranking.query_ids)


def _remark(cases: tuple[tuple[Case, ...], tuple[Case, ...]], files: DatasetFiles, album: Album) -> str:
    everything = [case for kind in cases for case in kind]
    if not everything:
        return "No query's Medium AP changed by a hundredth of a point."
    places = [place for case in everything for place in (*case.before, *case.after)]
    absent = sum(place.picture is None for place in places)
    if not absent:
        return ""
    if files.queries is None and not files.images:
        return "The images are not at hand, so their names stand here."
    too_many = ", because the page would become too large" if album.left_out else ""
    return f"{absent} of {len(places)} pictures are missing{too_many}; names stand in their place."
