"""Reranking by a method as it is named: a built-in one, or a folder with a class."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from superglobal_core.data.groundtruth import GroundTruth
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.features.store import FeatureStore
from superglobal_core.methods.folder import DESCRIPTION, MethodFolder
from superglobal_core.methods.python_method import make_python_reranker
from superglobal_core.methods.registry import read_found
from superglobal_core.reranking.base import Reranker
from superglobal_core.reranking.methods import make_reranker, parse_settings
from superglobal_core.reranking.names import LOCAL_KINDS, METHOD_NAMES
from superglobal_core.results import Input
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.cannot_run import attempted, check_needs, own_fault, passed_on
from superglobal_core.steps.inputs import folder_input, given_files
from superglobal_core.steps.rerank import MakeOrders, Orders, global_orders, rerank_step
from superglobal_core.steps.rerank_protocol import protocol_parameters


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A method as it was asked for.

    method: a built-in method's name, or a folder's path. settings: parameters as NAME=VALUE; options: those
    with an option of their own, None where not given. means: what networks of local features need: backbone,
    checkpoint, weights, device, precision. protocol: a preset for switches that are not set.
    """

    method: str
    shortlist: int = 400
    settings: Sequence[str] = ()
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    means: tuple[str, Path | None, Path | None, str, str] = ("resnet50", None, None, "auto", "float32")
    local_queries: Sequence[str | Path] = ()
    local_database: Sequence[str | Path] = ()
    untrained: bool = False
    protocol: str | None = None


class _OwnFaults:
    """Orders of a method's own class, whose errors are its own."""

    def __init__(self, orders: Orders) -> None:
        self.name, self.shortlist, self.parameters = orders.name, orders.shortlist, orders.parameters
        self._orders = orders

    def __call__(self, shortlist: np.ndarray, similarities: np.ndarray, /) -> tuple[np.ndarray, np.ndarray]:
        return own_fault(self._orders, shortlist, similarities)


def rerank_by_name(
    wanted: Wanted,
    queries: str | Path,
    databases: Sequence[str | Path],
    out: str | Path,
    *,
    say_why: bool = False,
    search: str | Path | None = None,
    device: str = "auto",
    **options: Any,
) -> Ranking | str:
    """Rerank by the method that was asked for (see `rerank_step` for the other options).

    Returns:
        The ranking, or, with `say_why`, the reason why there is none, which was written in its place.

    Raises:
        UserError: for an unknown method, wrong parameters or files; without `say_why` also where it cannot run.
    """
    name = Path(wanted.method).name
    if say_why and search is not None and (reason := passed_on("rerank", out, [search], name)) is not None:
        return reason

    def work() -> Ranking:
        made = _make(wanted, device)
        return rerank_step(
            queries,
            databases,
            made,
            out,
            search=search,
            device=device,
            shortlist=wanted.shortlist,
            read=_read(wanted),
            **options,
        )

    return attempted("rerank", out, name, work, say_why)


def _read(wanted: Wanted) -> list[Input]:
    """What the method itself reads."""
    if _is_folder(wanted.method):
        return [folder_input("method", wanted.method), *given_files(weights=wanted.means[2])]
    if wanted.method not in LOCAL_KINDS:
        return []
    from superglobal_core.reranking.local_methods import Means
    from superglobal_core.steps.rerank_local import local_inputs

    return local_inputs(Means(*wanted.means), wanted.local_queries, wanted.local_database)


def _make(wanted: Wanted, device: str) -> Reranker | MakeOrders:
    if _is_folder(wanted.method):
        method = read_found(wanted.method)
        if method.description.runs != "builtin":
            return _from_folder(method, wanted, device)
        wanted = dataclasses.replace(wanted, method=method.name)
    if wanted.method not in METHOD_NAMES:
        raise unknown_name("method", wanted.method, [*METHOD_NAMES, "the folder of a method"])
    given = parse_settings(wanted.settings, {"shortlist": wanted.shortlist, **wanted.options})
    parameters = protocol_parameters(wanted.protocol, wanted.method) | given
    if wanted.method not in LOCAL_KINDS:
        return make_reranker(wanted.method, **parameters)
    from superglobal_core.reranking.local_methods import Means
    from superglobal_core.steps.rerank_local import local_orders

    del parameters["shortlist"]
    return local_orders(
        wanted.method,
        Means(*wanted.means),
        parameters,
        wanted.shortlist,
        wanted.local_queries,
        wanted.local_database,
        untrained=wanted.untrained,
    )


def _is_folder(method: str) -> bool:
    return "/" in method or (Path(method) / DESCRIPTION).is_file()


def _from_folder(method: MethodFolder, wanted: Wanted, device: str) -> MakeOrders:
    if method.description.runs != "python":
        raise UserError(
            f"{method.path} holds no class (it says `runs: {method.description.runs}`): "
            "list it in a suite's `methods`, and the workflow runs it"
        )
    weights = wanted.means[2]
    check_needs(method, weights)
    texts = [name for name, known in method.description.parameters.items() if isinstance(known.default, str)]
    parameters = parse_settings(wanted.settings, wanted.options, texts)
    method.parameters(parameters)
    made = own_fault(make_python_reranker, method, parameters, wanted.shortlist, weights)
    make = global_orders(made, device)

    def guarded(query_store: FeatureStore, database: FeatureStore, truth: GroundTruth | None) -> Orders:
        return _OwnFaults(make(query_store, database, truth))

    return guarded
