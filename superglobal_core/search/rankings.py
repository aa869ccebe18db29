"""Rankings on disk: what search and reranking write and the evaluation reads."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from superglobal_core.errors import UserError
from superglobal_core.evaluation.ranks import LabelledRanks
from superglobal_core.files import load_arrays, write_npz

# Places whose image names are kept: what a person looks at.
NAMED_PLACES = 20
# How the arrays of ranks under one protocol are named in a file: this and the protocol.
RANK_OF = "labelled_rank_"


@dataclasses.dataclass(frozen=True)
class Ranking:
    """A ranking of database rows for each query.

    indices: (Q, k) integers, best first; scores: (Q, k). about: plain values that say what it is.
    query_ids, database_ids: image names of the rows, where they are known and needed.
    names: (Q, up to 20) image names of the first places, for people; None where they are unknown.
    labelled: the ranks of all labelled images in the whole database, where a ground truth was at
    hand; rows: the database row of each of them, -1 where the database lacks it.
    protocol_ranks: their ranks under each protocol (by name), where these differ because junk was
    taken out of the shortlist; `indices` are then Medium's.
    """

    indices: np.ndarray
    scores: np.ndarray
    about: dict[str, Any]
    query_ids: Sequence[str] | None = None
    database_ids: Sequence[str] | None = None
    labelled: LabelledRanks | None = None
    rows: np.ndarray | None = None
    names: np.ndarray | None = None
    protocol_ranks: Mapping[str, np.ndarray] | None = None

    def named(self, ids: Sequence[str] | None) -> Ranking:
        """Return the ranking with the `names` of its first places, by the database rows' ids."""
        if ids is None:
            return self
        first = self.indices[:, :NAMED_PLACES]
        names = [[ids[row] if row >= 0 else "" for row in places] for places in first.tolist()]
        return dataclasses.replace(self, names=np.array(names, dtype=np.str_).reshape(first.shape))

    def save(self, path: str | Path) -> None:
        """Write the ranking as `.npz`, whole or not at all; equal rankings give equal bytes."""
        arrays: dict[str, np.ndarray] = {
            "indices": _small(self.indices),
            "scores": self.scores,
            "about": np.array(json.dumps(self.about, sort_keys=True)),
        }
        if self.query_ids is not None:
            arrays["query_ids"] = np.array(list(self.query_ids), dtype=np.str_)
        if self.database_ids is not None:
            arrays["database_ids"] = np.array(list(self.database_ids), dtype=np.str_)
        if self.names is not None:
            arrays["names"] = self.names
        if self.labelled is not None and self.rows is not None:
            arrays |= {
                "labelled_query": self.labelled.query,
                "labelled_image": self.labelled.image,
                "labelled_rank": self.labelled.rank,
                "labelled_row": self.rows,
            }
            arrays |= {f"{RANK_OF}{name}": ranks for name, ranks in (self.protocol_ranks or {}).items()}
        write_npz(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> Ranking:
        """Read a ranking: a file of ours, or any `.npz` with one array, or one named `indices`.

        Raises:
            UserError: when the file is absent, damaged or has no `indices`.
        """
        arrays = load_arrays(path)
        if "indices" not in arrays:
            raise UserError(f"{path} has no array 'indices' (it has {', '.join(sorted(arrays)) or 'none'})")
        try:
            about = json.loads(str(arrays["about"])) if "about" in arrays else {}
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: its description 'about' is no JSON: make the file again") from error
        if not isinstance(about, dict) or not isinstance(about.get("parameters", {}), dict):
            raise UserError(f"{path}: its description 'about' is none of ours: make the file again")
        labelled = rows = None
        names = ("labelled_query", "labelled_image", "labelled_rank", "labelled_row")
        if all(name in arrays for name in names):
            query, image, rank, rows = (arrays[name] for name in names)
            labelled = LabelledRanks(query, image, rank)
        return cls(
            arrays["indices"],
            arrays.get("scores", np.zeros(0, np.float32)),
            about,
            _names(arrays.get("query_ids")),
            _names(arrays.get("database_ids")),
            labelled,
            rows,
            arrays.get("names"),
            {name.removeprefix(RANK_OF): ranks for name, ranks in arrays.items() if name.startswith(RANK_OF)}
            or None,
        )


def _small(indices: np.ndarray) -> np.ndarray:
    # Half the bytes wherever the database allows.
    return indices.astype(np.int32) if indices.max(initial=0) < 2**31 else indices


def _names(array: np.ndarray | None) -> list[str] | None:
    return None if array is None else [str(name) for name in array]
