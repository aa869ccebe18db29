"""Each photograph as a query against all others: its neighbours before and after the reranking."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from superglobal_core.code_version import fingerprint
from superglobal_core.errors import UserError
from superglobal_core.files import load_arrays, write_npz
from superglobal_core.progress import Counter
from superglobal_core.reporting.quickstart_page import Neighbours

#: neighbours of a photograph that the page shows, and photographs of its shortlist that are reranked
PLACES, SHORTLIST = 10, 400
# Queries of one round: enough for the matrix products, few enough for a progress that moves.
AT_ONCE = 256
FIELDS = ("before", "before_scores", "now", "after", "after_scores", "was")


def neighbours_of(matrix: np.ndarray, path: Path, device: str) -> tuple[Neighbours, bool]:
    """Return the neighbours of each row of (N, D) descriptors among the others, and whether they were there already.

    They are kept in `path` (`.npz`) with what they were computed from. Ties stand by ascending row.

    Raises:
        UserError: when the file cannot be written, or a descriptor is not finite.
    """
    about = _about(matrix)
    found = _kept(path, about)
    if found is not None:
        return found, True
    made = find_neighbours(matrix, device)
    write_npz(path, {name: getattr(made, name) for name in FIELDS} | {"about": np.array(about)})
    return made, False


def find_neighbours(matrix: np.ndarray, device: str = "cpu") -> Neighbours:
    """Search and rerank: every row of (N, D) unit descriptors a query against all other rows, N at least 2.

    >>> found = find_neighbours(np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32))
    >>> found.before.tolist()
    [[1, 2], [0, 2], [1, 0]]
    """
    from superglobal_core.features.store import FeatureStore
    from superglobal_core.reranking.superglobal import SuperGlobalReranker
    from superglobal_core.search.exact import search

    count = len(matrix)
    shortlist = min(SHORTLIST, count - 1)
    store, reranker = FeatureStore.of_array(matrix), SuperGlobalReranker(shortlist)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in FIELDS}
    with Counter("search and rerank", count, "photographs") as counter:
        for start in range(0, count, AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, count))
            result = search(matrix[rows], store, shortlist + 1, device=device)
            indices, scores = _without_itself(result.indices, result.scores, rows)
            order, new = reranker(matrix[rows], store, indices, device=device)
            parts["before"].append(indices[:, :PLACES])
            parts["before_scores"].append(scores[:, :PLACES])
            parts["now"].append(_places(indices[:, :PLACES], order))
            parts["after"].append(order[:, :PLACES])
            parts["after_scores"].append(new[:, :PLACES])
            parts["was"].append(_places(order[:, :PLACES], indices))
            counter.advance(len(rows))
    return Neighbours(**{name: np.concatenate(part) for name, part in parts.items()})


def _without_itself(
    indices: np.ndarray, scores: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    # The query goes last and is cut off; among more copies of it than places it may be absent: then the last goes.
    order = np.argsort(indices == rows[:, None], axis=1, kind="stable")[:, :-1]
    return np.take_along_axis(indices, order, 1), np.take_along_axis(scores, order, 1)


def _places(wanted: np.ndarray, ranking: np.ndarray) -> np.ndarray:
    """Return at which place (from 1) of each row's ranking its wanted entries stand."""
    return (wanted[:, :, None] == ranking[:, None, :]).argmax(axis=2) + 1


def _about(matrix: np.ndarray) -> str:
    content = hashlib.sha256(repr((matrix.shape, str(matrix.dtype))).encode() + matrix.tobytes())
    code = fingerprint("superglobal_core.reranking.superglobal", "superglobal_core.search.exact")
    facts = {"descriptors": content.hexdigest(), "places": PLACES, "shortlist": SHORTLIST, "code": code}
    return json.dumps(facts, sort_keys=True)


def _kept(path: Path, about: str) -> Neighbours | None:
    try:
        arrays = load_arrays(path)
        if str(arrays["about"]) != about:
            return None
        return Neighbours(**{name: arrays[name] for name in FIELDS})
    except (UserError, KeyError):
        return None
