"""Reranking of 70 queries against the bare product of the same shapes."""

from __future__ import annotations

from collections.abc import Callable

import torch

from superglobal_core.reranking.superglobal import SuperGlobalReranker

QUERIES, IMAGES, DIMENSION, SHORTLIST = 70, 6322, 2048, 400

INPUTS = f"""
import torch
from superglobal_core.reranking.superglobal import SuperGlobalReranker
def inputs():
    global queries, database, shortlist
    rng = torch.Generator().manual_seed(0)
    database = torch.nn.functional.normalize(torch.randn({IMAGES}, {DIMENSION}, generator=rng), dim=1)
    queries = torch.nn.functional.normalize(torch.randn({QUERIES}, {DIMENSION}, generator=rng), dim=1)
    shortlist = torch.topk(queries @ database.T, {SHORTLIST}).indices
def work():
    SuperGlobalReranker(shortlist={SHORTLIST})(queries, database, shortlist)
"""


def test_reranking_costs_little_more_than_the_bare_product(
    against: Callable[..., float], figure: Callable[..., None], peak_of: Callable[[str], float]
) -> None:
    names: dict = {}
    exec(INPUTS, names)  # the very inputs of the memory probe
    names["inputs"]()
    queries, database, shortlist = names["queries"], names["database"], names["shortlist"]
    candidates = database[shortlist]
    reranker = SuperGlobalReranker(shortlist=SHORTLIST)

    ratio = against(
        lambda: reranker(queries, database, shortlist),
        {"bare batched product": lambda: torch.bmm(candidates, candidates.transpose(1, 2))},
    )
    figure("time against the bare batched product", ratio, 1.6, "times")
    figure("memory beyond the inputs", peak_of(INPUTS), 300, "MB")
