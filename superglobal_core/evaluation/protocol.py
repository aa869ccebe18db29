"""The revisited protocol: Easy, Medium and Hard, from the ranks of the labelled images."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from superglobal_core.errors import UserError
from superglobal_core.evaluation.average_precision import average_precision, precision_at, without_ignored
from superglobal_core.evaluation.bootstrap import confidence_interval
from superglobal_core.evaluation.ranks import (
    LabelledQuery,
    LabelledRanks,
    ranks_from_ranking,
    ranks_from_scores,
)

CUTOFFS = (1, 5, 10)

# protocol: (labels that are positives, labels whose images are taken out of the ranking)
PROTOCOLS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "easy": (("easy",), ("junk", "hard")),
    "medium": (("easy", "hard"), ("junk",)),
    "hard": (("hard",), ("junk", "easy")),
}


@dataclasses.dataclass(frozen=True)
class ProtocolResult:
    """Results under one protocol, all fractions; None where a query, or every query, has no positives."""

    map: float | None
    interval: tuple[float, float] | None
    mean_precision: dict[int, float | None]
    average_precision: list[float | None]

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON; cutoffs become strings, as JSON's keys are."""
        return {
            "map": self.map,
            "map_interval_95": None if self.interval is None else list(self.interval),
            "mean_precision": {str(cutoff): value for cutoff, value in self.mean_precision.items()},
            "queries_with_positives": sum(value is not None for value in self.average_precision),
            "average_precision": self.average_precision,
        }


def evaluate(
    queries: Sequence[LabelledQuery],
    *,
    ranking: np.ndarray | None = None,
    scores: np.ndarray | None = None,
    labelled_ranks: LabelledRanks | Mapping[str, LabelledRanks] | None = None,
    bootstrap: int = 0,
    seed: int = 0,
) -> dict[str, ProtocolResult]:
    """Evaluate one retrieval result under Easy, Medium and Hard.

    queries: the labels, `load_groundtruth(path)` or its `queries`. Then exactly one of (arrays, or
    what NumPy makes arrays of):
    ranking: integers (queries x places), database indices, best first; may be cut off.
    scores: (queries x database), higher is better, ties by ascending index.
    labelled_ranks: ranks counted earlier, for example while searching; one set for each protocol
        (by name) where its ignored images were taken out before a reranking.
    bootstrap: resamples for the 95 % intervals over queries, 0 for none; seed: theirs.

    Raises:
        UserError: when shapes or values do not fit the ground truth.
    Source: Radenovic et al., CVPR 2018.

    >>> from superglobal_core.data.groundtruth import Query
    >>> one = Query(box=(0, 0, 9, 9), easy=(0,), hard=(2,), junk=(1,))
    >>> results = evaluate([one], scores=np.array([[0.9, 0.8, 0.7, 0.95]]))
    >>> round(results["medium"].map, 4), round(results["medium"].mean_precision[5], 4)
    (0.4167, 0.6667)
    """
    if sum(given is not None for given in (ranking, scores, labelled_ranks)) != 1:
        raise UserError("give exactly one of ranking, scores and labelled ranks")
    queries = getattr(queries, "queries", queries)
    if ranking is not None:
        labelled_ranks = ranks_from_ranking(np.asarray(ranking), queries)
    elif scores is not None:
        labelled_ranks = ranks_from_scores(np.asarray(scores), queries)
    assert labelled_ranks is not None
    ranks = (
        dict.fromkeys(PROTOCOLS, labelled_ranks)
        if isinstance(labelled_ranks, LabelledRanks)
        else labelled_ranks
    )
    return {
        name: _protocol(queries, ranks[name], positives, ignored, bootstrap, seed)
        for name, (positives, ignored) in PROTOCOLS.items()
    }


def _protocol(
    queries: Sequence[LabelledQuery],
    labelled_ranks: LabelledRanks,
    positives: tuple[str, ...],
    ignored: tuple[str, ...],
    bootstrap: int,
    seed: int,
) -> ProtocolResult:
    aps: list[float | None] = []
    precisions: list[list[float]] = []
    for number, query in enumerate(queries):
        positive_images = [image for label in positives for image in getattr(query, label)]
        ignored_images = [image for label in ignored for image in getattr(query, label)]
        if not positive_images:
            aps.append(None)
            continue
        ranks = without_ignored(
            labelled_ranks.of(number, positive_images), labelled_ranks.of(number, ignored_images)
        )
        aps.append(average_precision(ranks))
        precisions.append(precision_at(ranks, CUTOFFS))
    known = [value for value in aps if value is not None]
    means = np.mean(precisions, axis=0).tolist() if precisions else [None] * len(CUTOFFS)
    return ProtocolResult(
        map=float(np.mean(known)) if known else None,
        interval=confidence_interval(known, bootstrap, seed=seed),
        mean_precision=dict(zip(CUTOFFS, means, strict=True)),
        average_precision=aps,
    )
