"""Rerankers by global descriptors on the bench."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from superglobal_core.methods.conformance.bench import Bench, Problem, Ranked, Ranker
from superglobal_core.methods.conformance.findings import refused
from superglobal_core.methods.folder import MethodFolder
from superglobal_core.methods.python_method import OrderReranker, make_python_reranker
from superglobal_core.reranking.base import Reranker
from superglobal_core.reranking.methods import make_reranker

IMAGES, DIMENSION = 150, 32


def descriptors_problem(
    dtype: type = np.float32, *, copies: bool = False, dimension: int = DIMENSION
) -> Problem:
    """Descriptors of three landmarks: 5 queries and 150 images, all different, or with copies.

    With copies, the images 40 to 59 are those from 0 to 19 again, and image 7 is query 1.

    >>> descriptors_problem().images.shape
    (150, 32)
    """
    rng = np.random.default_rng(3)
    noise = 0.3 * (DIMENSION / dimension) ** 0.5
    centres = rng.standard_normal((3, dimension))
    centres *= 2 / np.linalg.norm(centres, axis=1, keepdims=True)
    images = centres[rng.integers(0, 3, IMAGES)] + noise * rng.standard_normal((IMAGES, dimension))
    queries = centres[[0, 1, 2, 0, 1]] + noise * rng.standard_normal((5, dimension))
    if copies:
        images[40:60] = images[:20]
        images[7] = queries[1]
    return problem_of(
        *((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(dtype) for rows in (queries, images))
    )


def problem_of(queries: np.ndarray, images: np.ndarray) -> Problem:
    """Return the problem of descriptors (Q, D) and (N, D), searched exactly."""
    similarities = queries @ images.T
    return Problem(queries, images, np.argsort(-similarities, axis=1, kind="stable"), similarities)


class DescriptorsBench(Bench):
    """A reranker by global descriptors: built in, or a class."""

    tolerance = 2e-5

    def __init__(self, method: MethodFolder, weights: Path | None = None, dimension: int = DIMENSION) -> None:
        super().__init__(method)
        self._weights, self._dimension = weights, dimension
        self.usual = descriptors_problem(dimension=dimension)
        self.with_copies = descriptors_problem(copies=True, dimension=dimension)
        # Products of this vector are exact, so that equal images score equally to the last bit.
        row = np.zeros((1, dimension), np.float32)
        row[0, :4] = 0.5
        images = np.repeat(row, 30, axis=0)
        order = np.random.default_rng(0).permutation(30)[None]
        self.equal = Problem(row, images, order, row @ images.T)

    def reranker(self, shortlist: int = 400, **parameters: Any) -> Reranker:
        """Make the reranker itself."""
        if self.method.description.runs == "builtin":
            return make_reranker(self.method.name, shortlist=shortlist, **self.method.parameters(parameters))
        return make_python_reranker(self.method, parameters, shortlist, self._weights)

    def make(self, shortlist: int = 400, **parameters: Any) -> Ranker:
        reranker = self.reranker(shortlist, **parameters)

        def call(problem: Problem, rows: Sequence[int], first: np.ndarray) -> Ranked:
            order, scores = reranker(problem.queries[rows], problem.images, first)
            return order, scores

        return Ranker(call, shortlist, isinstance(reranker, OrderReranker))

    def make_unguarded(self, **parameters: Any) -> Any:
        # A class of one's own may leave the ranges to its description.
        return (
            make_reranker(self.method.name, **parameters)
            if self.method.description.runs == "builtin"
            else None
        )

    def spoiled(self, query: int, row: int, value: float) -> Problem:
        images = self.usual.images.copy()
        images[row, self._dimension // 2] = value
        return Problem(self.usual.queries, images, self.usual.first, self.usual.similarities)

    def copies_of(self) -> dict[int, int]:
        return {1: 7}

    def touched(self) -> list[str]:
        problem = self.usual
        queries = torch.from_numpy(problem.queries.copy())
        candidates = torch.from_numpy(problem.images[problem.first[:, :40]])
        given = {"queries": queries, "candidates": candidates}
        before = {name: rows.clone() for name, rows in given.items()}
        with torch.no_grad():
            self.reranker().rerank(queries, candidates)
        return [name for name, rows in given.items() if not torch.equal(rows, before[name])]

    def needs(self) -> None:
        if self.method.description.needs.weights:
            absent = DescriptorsBench(self.method, Path("absent") / "weights", self._dimension)
            refused("weights that are not there", absent.once)
