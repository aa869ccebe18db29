"""A Python class as a reranker: descriptors in, order out."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from superglobal_core.errors import UserError
from superglobal_core.methods.folder import MethodFolder
from superglobal_core.reranking.base import Reranker


def load_class(method: MethodFolder) -> type:
    """Import a method's class from the file beside its description.

    Raises:
        UserError: when the file or class is not there, or the file does not import.
    """
    file, _, name = (method.description.python or "").partition(":")
    path = method.path / file
    spec = importlib.util.spec_from_file_location(f"method_{method.name.replace('-', '_')}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UserError(f"{path} is not there: it should hold the class {name} of the method '{method.name}'")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickling look their module up.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UserError(f"{path} does not import: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not isinstance(found, type):
        raise UserError(f"{path} has no class {name}: correct `python:` in {method.path / 'method.yaml'}")
    return found


def make_python_reranker(
    method: MethodFolder, parameters: Mapping[str, Any], shortlist: int, weights: str | Path | None = None
) -> Reranker:
    """Build a method's reranker: its class, given the parameters by name, and `weights` where it needs them.

    A subclass of `Reranker` is taken as it is. Any other class needs one method,
    `rerank(queries, candidates)`: float32 arrays (Q, D) and (Q, M, D), best first, in; the places
    of the candidates in their new order, integers (Q, M), each of 0 .. M - 1 once, out.

    Raises:
        UserError: for parameters that are wrong, and a class that cannot be made.
    """
    kind, values = load_class(method), method.parameters(parameters)
    own = {"weights": weights} if method.description.needs.weights else {}
    try:
        if issubclass(kind, Reranker):
            made: Any = kind(shortlist=shortlist, **own, **values)
            made.name = method.name
            return made
        made = kind(**own, **values)
    except (TypeError, ValueError) as error:
        raise UserError(f"the class of the method '{method.name}' cannot be made: {error}") from error
    if not callable(getattr(made, "rerank", None)):
        raise UserError(
            f"the class of the method '{method.name}' has no method `rerank(queries, candidates)`: add it"
        )
    return OrderReranker(method.name, made, values, shortlist)


class WrongShapeError(UserError):
    """A class returned an order of another shape than the candidates'."""


class NoPermutationError(UserError):
    """A class returned what is no order of the candidates."""


class OrderReranker(Reranker):
    """Wraps an object whose `rerank(queries, candidates)` returns an order.

    The scores are those of the places: M for the first, 1 for the last.

    >>> class Backwards:
    ...     def rerank(self, queries, candidates):
    ...         count = candidates.shape[1]
    ...         return np.tile(np.arange(count)[::-1], (len(queries), 1))
    >>> reranker = OrderReranker("backwards", Backwards(), {}, 400)
    >>> reranker(np.eye(3)[:1], np.eye(3), np.array([[0, 1, 2]]))[0]
    array([[2, 1, 0]])
    """

    def __init__(self, name: str, wrapped: Any, parameters: Mapping[str, Any], shortlist: int) -> None:
        super().__init__(shortlist)
        self.name = name  # type: ignore[misc]
        self._wrapped, self._parameters = wrapped, dict(parameters)

    @property
    def parameters(self) -> dict[str, Any]:
        return {"shortlist": self.shortlist, **self._parameters}

    def rerank(self, queries: Tensor, candidates: Tensor) -> Tensor:
        count = candidates.shape[1]
        # An order has no place for NaN: what scores would show is looked for here.
        # A sum is finite where all is: descriptors are too short for it to overflow.
        if not torch.isfinite(queries.sum() + candidates.sum()):
            raise UserError("a query or one of its candidates holds NaN or infinite values: extract it again")
        given = (rows.to("cpu", torch.float32).numpy() for rows in (queries, candidates))
        order = np.asarray(self._wrapped.rerank(*given))
        if order.shape != (len(queries), count):
            raise WrongShapeError(
                f"the method '{self.name}' returned an order of the shape {order.shape} for {len(queries)} queries "
                f"with {count} candidates: return one row a query and one place a candidate"
            )
        if not (
            np.issubdtype(order.dtype, np.integer)
            and np.array_equal(np.sort(order, axis=1), np.broadcast_to(np.arange(count), order.shape))
        ):
            raise NoPermutationError(
                f"the method '{self.name}' returned no order: each row must hold the places 0 to {count - 1} once"
            )
        scores = np.empty(order.shape, np.float32)
        np.put_along_axis(scores, order, np.arange(count, 0, -1, dtype=np.float32)[None], axis=1)
        return torch.from_numpy(scores).to(candidates.device, candidates.dtype)
