"""The rerankers by name."""

from __future__ import annotations

import inspect

from superglobal_core.errors import UserError, unknown_name
from superglobal_core.reranking.base import Reranker
from superglobal_core.reranking.first_stage import FirstStage
from superglobal_core.reranking.superglobal import SuperGlobalReranker

METHODS: dict[str, type[Reranker]] = {method.name: method for method in (FirstStage, SuperGlobalReranker)}


def make_reranker(name: str, **parameters: float | None) -> Reranker:
    """Build a reranker by name; parameters of None keep their defaults.

    Raises:
        UserError: for an unknown name, or a parameter that the method does not have.

    >>> make_reranker("superglobal", shortlist=100, beta=None).parameters
    {'shortlist': 100, 'neighbours': 9, 'beta': 0.15}
    """
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    given = {key: value for key, value in parameters.items() if value is not None}
    known = inspect.signature(METHODS[name].__init__).parameters
    foreign = [key for key in given if key not in known]
    if foreign:
        raise UserError(f"the method '{name}' has no parameter --{foreign[0]}: leave it out")
    return METHODS[name](**given)  # type: ignore[arg-type]
