"""What a suite may say of how its methods are timed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from superglobal_core.config_parts import Model


class Timing(Model):
    """How the methods are timed: in turn, on the same shortlists of the first data set, strictly alone."""

    shortlist: int = Field(400, ge=1, description="candidates a query, the same for all methods")
    sizes: list[Annotated[int, Field(ge=1)]] = Field(
        [50, 100, 200, 400, 800, 1600], description="shortlists whose growth of latency is fitted"
    )
    queries: int = Field(10, ge=1, description="queries that are timed, in turn")
    repeats: int = Field(20, ge=1, description="samples of each method and scope")
    budget: float = Field(
        30.0, gt=0, description="seconds a method may take in a scope; slow ones are scaled from fewer pairs"
    )
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        "float16", description="of local methods' networks on a GPU"
    )
