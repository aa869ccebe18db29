"""An index on disk in place of the exact search, and in place of the shards that candidates are read from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from superglobal_core.errors import UserError
from superglobal_core.features.store import FeatureStore

if TYPE_CHECKING:  # torch and faiss take their time to load
    from superglobal_core.search.exact import SearchResult
    from superglobal_core.search.index_file import OpenIndex
    from superglobal_core.search.rebuilt_store import RebuiltStore


class IndexFinder:
    """Finds the best k rows approximately; called as the exact search is."""

    def __init__(self, opened: OpenIndex, effort: int | None = None) -> None:
        plan = opened.facts.plan
        if effort is not None and (plan.searched_by is None or effort < 1):
            raise UserError(
                f"--effort is {effort}: give at least 1"
                if plan.searched_by
                else f"an index of the kind {plan.kind} is searched in one way alone: leave --effort out"
            )
        self._opened, self._effort = opened, plan.effort if effort is None else effort

    @classmethod
    def open(cls, path: str | Path, database: FeatureStore, effort: int | None = None) -> IndexFinder:
        """Read an index of just this database (UserError otherwise)."""
        from superglobal_core.search.index_file import open_index

        return cls(open_index(path, database), effort)

    @property
    def protocol(self) -> dict[str, Any]:
        """What is searched and how, for records."""
        plan = self._opened.facts.plan
        values = plan.parameters | ({plan.searched_by: self._effort} if plan.searched_by else {})
        return {"search": ", ".join([f"approximate: {plan.kind}", *(f"{k} {v}" for k, v in values.items())])}

    def __call__(
        self,
        queries: np.ndarray,
        database: FeatureStore,
        k: int,
        *,
        labelled: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> SearchResult:
        from superglobal_core.search.faiss_index import search_index

        if k < 1:
            raise UserError(f"k is {k}: ask for at least one result")
        plan = self._opened.facts.plan
        return search_index(self._opened.index, plan, queries, k, effort=self._effort, labelled=labelled)

    def rebuilt(self, database: FeatureStore) -> RebuiltStore:
        """Return the database with its rows rebuilt from the index."""
        return self._opened.rebuilt(database)

    def rebuilt_protocol(self, database: FeatureStore) -> dict[str, Any]:
        """Say for records what vectors were rebuilt from, and how near some of them are to the stored ones."""
        cosines = self.rebuilt(database).cosines(database)
        return {
            "vectors": f"rebuilt from the index {self._opened.facts.kind}: cosine with the stored ones "
            f"{cosines.mean():.6f} on average, {cosines.min():.6f} at least"
        }
