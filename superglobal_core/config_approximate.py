"""What a suite may say of approximate search."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from superglobal_core.config_parts import Model
from superglobal_core.errors import UserError
from superglobal_core.search.index_kinds import KINDS, parse_index, plan_index


def _is_index(value: str) -> str:
    try:
        return parse_index(value).name
    except UserError as error:
        raise ValueError(str(error)) from error


Index = Annotated[str, AfterValidator(_is_index)]


class Indexes(Model):
    """Which approximate indexes are compared with the exact search, and how long."""

    kinds: list[Index] = Field(
        list(KINDS),
        min_length=1,
        description="`flat-fp16`, `flat-sq8`, `ivfpq` or `hnsw`, with parameters as `ivfpq:nlist=64:nprobe=1/4/16`",
    )
    repeats: int = Field(5, ge=1, description="samples of each search's time")
    budget: float = Field(
        20.0, gt=0, description="seconds that a search may be timed; one sample is always taken"
    )

    @model_validator(mode="after")
    def _once(self) -> Indexes:
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError("an index is there twice: leave one out")
        return self

    def check(self, rows: int, dimension: int) -> None:
        """Raise UserError when an index's parameters do not fit a database of so many rows and dimensions."""
        for kind in self.kinds:
            plan_index(parse_index(kind), rows, dimension)


class Approximation(Indexes):
    """Approximate indexes beside the exact search, of every descriptor and data set; see docs/approximate-search.md."""

    k: int = Field(400, ge=1, description="places a query")
    shortlist: int = Field(400, ge=1, description="M of SuperGlobal's reranking, at most k")
    neighbours: int = Field(9, ge=0, description="K")
    beta: float = Field(0.15, ge=0, description="beta")

    @model_validator(mode="after")
    def _fits(self) -> Approximation:
        if self.shortlist > self.k:
            raise ValueError(f"shortlist is {self.shortlist}, more than the {self.k} places of k: raise k")
        return self


class ScaleIndexes(Indexes):
    """Approximate indexes of a `scale`'s databases; k, shortlist, neighbours, beta and seed are the scale's."""

    sizes: list[Annotated[int, Field(ge=2)]] | None = Field(
        None,
        min_length=1,
        description="of which sizes; left out: the largest up to 100,000, because larger indexes take long to build",
    )
