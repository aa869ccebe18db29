"""The rerankers by name."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from superglobal_core.errors import UserError, unknown_name
from superglobal_core.reranking.augmentation import DatabaseAugmentation
from superglobal_core.reranking.base import Reranker
from superglobal_core.reranking.diffusion import Diffusion
from superglobal_core.reranking.first_stage import FirstStage
from superglobal_core.reranking.k_reciprocal import KReciprocal
from superglobal_core.reranking.query_expansion import AlphaQueryExpansion, AverageQueryExpansion
from superglobal_core.reranking.superglobal import SuperGlobalReranker

METHODS: dict[str, type[Reranker]] = {
    method.name: method
    for method in (
        FirstStage,
        SuperGlobalReranker,
        AverageQueryExpansion,
        AlphaQueryExpansion,
        DatabaseAugmentation,
        KReciprocal,
        Diffusion,
    )
}

#: parameters with an option of their own on the command line; the others are given by --set
OPTIONS = ("shortlist", "neighbours", "beta")


def make_reranker(name: str, **parameters: Any) -> Reranker:
    """Build a reranker by name; parameters of None keep their defaults.

    Raises:
        UserError: for an unknown name, a parameter that the method does not have, or a wrong value.

    >>> make_reranker("alpha-qe", shortlist=100, alpha=None).parameters
    {'shortlist': 100, 'neighbours': 50, 'alpha': 3.0}
    >>> make_reranker("k-reciprocal", k1=30).parameters
    {'shortlist': 400, 'k1': 30, 'k2': 6, 'lambda_value': 0.3}
    """
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    given = {key: value for key, value in parameters.items() if value is not None}
    known = [key for key in inspect.signature(METHODS[name].__init__).parameters if key != "self"]
    for key in given:
        if key not in known:
            option = f"--{key}" if key in OPTIONS else f"'{key}'"
            raise UserError(
                f"the method '{name}' has no parameter {option}: leave it out (it has {', '.join(known)})"
            )
    return METHODS[name](**given)


def parse_settings(
    settings: Sequence[str], options: Mapping[str, Any] | None = None, texts: Collection[str] = ()
) -> dict[str, Any]:
    """Read parameters written NAME=VALUE: whole numbers, numbers, true and false, or text.

    options: parameters given otherwise, which join the result; None stands for one not given.
    texts: parameters that are text whatever it looks like.

    Raises:
        UserError: where the name or value is missing, or the parameter given twice.

    >>> parse_settings(["k1=20", "lambda_value=0.3"], {"shortlist": 100, "beta": None})
    {'shortlist': 100, 'k1': 20, 'lambda_value': 0.3}
    """
    found = {name: value for name, value in (options or {}).items() if value is not None}
    for setting in settings:
        name, equals, text = (part.strip() for part in setting.partition("="))
        if not (equals and name and text):
            raise UserError(f"--set {setting}: write NAME=VALUE, for example --set alpha=3")
        if name in found:
            raise UserError(f"--set {setting}: {name} is given already, as {found[name]}; give it once")
        found[name] = text if name in texts else _value(text)
    return found


def _value(text: str) -> int | float | bool | str:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
