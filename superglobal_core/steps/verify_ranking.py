"""Whether a stored ranking agrees with itself, and with the search whose shortlist it put into a new order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from superglobal_core.data.groundtruth import GroundTruth
from superglobal_core.evaluation.average_precision import NOT_RETRIEVED
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.differences import Difference, same
from superglobal_core.steps.shortlists import Shortlist, ignored_places

DIGESTS = ("queries_digest", "database_digest", "database", "groundtruth_sha256")


def ranking_differences(ranking: Ranking, what: str = "ranking") -> Iterator[Difference]:
    """Hold the labelled images' ranks against the places that are stored; those behind must be behind.

    One difference a query at most.
    """
    indices, labelled, rows = ranking.indices, ranking.labelled, ranking.rows
    width = indices.shape[1]
    for query, entries in enumerate(indices):
        order = np.argsort(entries, kind="stable")
        ascending = entries[order]
        named_twice = (ascending[1:] == ascending[:-1]) & (ascending[1:] >= 0)
        if named_twice.any():
            row = int(ascending[1:][named_twice][0])
            yield Difference(f"{what}, times that row {row} stands in query {query}", 2, 1)
            continue
        if labelled is None or rows is None:
            continue
        mine = labelled.query == query
        wanted, ranks = rows[mine], labelled.rank[mine]
        places = np.searchsorted(ascending, wanted)
        found = (places < width) & (wanted >= 0)
        found[found] = ascending[places[found]] == wanted[found]
        expected = np.full(len(wanted), NOT_RETRIEVED)
        expected[found] = order[places[found]]
        behind = ~found & (wanted >= 0) & (ranks >= width)
        wrong = np.flatnonzero((ranks != expected) & ~behind)
        if len(wrong):
            image, place = int(labelled.image[mine][wrong[0]]), int(expected[wrong[0]])
            seen = f"behind the first {width}" if place == NOT_RETRIEVED else place
            yield Difference(
                f"{what}, rank of image {image} for query {query}",
                int(ranks[wrong[0]]),
                f"{seen} by its indices",
            )


def shortlist_differences(ranking: Ranking, first: Ranking, truth: GroundTruth) -> Iterator[Difference]:
    """Hold a reranking against its search: the candidates in any order, behind them everything as it was.

    One difference a query at most, and one a query and protocol where junk was taken out.

    Raises:
        UserError: when the search is too short for the shortlist, or has no ranks of junk to leave out.
    """
    for key in DIGESTS:
        yield from same(
            f"{key} of the ranking and of its search", ranking.about.get(key), first.about.get(key)
        )
    yield from same("queries of the ranking and of its search", len(ranking.indices), len(first.indices))
    if len(ranking.indices) != len(first.indices):
        return
    # The single stage changes nothing.
    count = 0 if ranking.about.get("method") == "none" else int(ranking.about["parameters"]["shortlist"])
    removed = ranking.about.get("shortlist") == "junk removed"
    chosen = _chosen(first, truth, count, "medium" if removed else None)
    for query, places in enumerate(chosen.taken()):
        yield from _order_differences(query, ranking.indices[query], first.indices[query], places)
    if removed:
        for protocol, ranks in (ranking.protocol_ranks or {}).items():
            yield from _rank_differences(first, _chosen(first, truth, count, protocol), ranks, protocol)
    elif ranking.labelled is not None:
        yield from _rank_differences(first, chosen, ranking.labelled.rank, "every protocol")


def _chosen(first: Ranking, truth: GroundTruth, count: int, protocol: str | None) -> Shortlist:
    if protocol is None:
        return Shortlist.first(first, count)
    complete = first.indices.shape[1] >= int(first.about.get("database", 0))
    return Shortlist.without(first, ignored_places(first, truth, protocol), count, complete)


def _order_differences(
    query: int, now: np.ndarray, before: np.ndarray, places: np.ndarray
) -> Iterator[Difference]:
    count, last = len(places), int(places[-1]) + 1 if len(places) else 0
    candidates, head = before[places], now[:count]
    foreign = np.setdiff1d(head, candidates)
    if len(foreign) or len(np.unique(head)) != len(head):
        shown = f"row {foreign[0]}" if len(foreign) else "a row twice"
        yield Difference(f"shortlist of query {query}", f"{shown} within it", "a permutation of the search's")
        return
    # What was passed over moves behind the candidates and keeps its order.
    others = np.setdiff1d(np.arange(last), places, assume_unique=True)
    rest = np.concatenate([before[others], before[last:]])
    width = min(len(now) - len(head), len(rest))
    moved = np.flatnonzero(now[count : count + width] != rest[:width])
    if len(moved):
        place = count + int(moved[0])
        yield Difference(
            f"place {place} of query {query}, behind the shortlist", int(now[place]), int(rest[moved[0]])
        )


def _rank_differences(
    first: Ranking, chosen: Shortlist, ranks: np.ndarray, protocol: str
) -> Iterator[Difference]:
    labelled = first.labelled
    if labelled is None or len(labelled.rank) != len(ranks):
        yield from same("labelled images", len(ranks), 0 if labelled is None else len(labelled.rank))
        return
    for query, places in enumerate(chosen.taken()):
        mine = labelled.query == query
        before, now, images = labelled.rank[mine], ranks[mine], labelled.image[mine]
        inside = np.isin(before, places)
        expected = before + np.where(
            before == NOT_RETRIEVED, 0, len(places) - np.searchsorted(places, before)
        )
        wrong = np.flatnonzero(np.where(inside, (now < 0) | (now >= len(places)), now != expected))
        what = f"rank under {protocol} of image"
        if len(wrong):
            at = wrong[0]
            wanted = f"below {len(places)}" if inside[at] else int(expected[at])
            yield Difference(f"{what} {images[at]} for query {query}", int(now[at]), wanted)
        elif len(np.unique(now[inside])) != np.count_nonzero(inside):
            yield Difference(f"{what}s within the shortlist of query {query}", "one twice", "each once")
