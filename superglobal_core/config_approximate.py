"""What a suite may say of approximate search."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from superglobal_core.config_parts import Model
from superglobal_core.errors import UserError
from superglobal_core.search.index_kinds import KINDS, parse_index


def _is_index(value: str) -> str:
    try:
        return parse_index(value).name
    except UserError as error:
        raise ValueError(str(error)) from error


Index = Annotated[str, AfterValidator(_is_index)]


class Approximation(Model):
    """Approximate indexes beside the exact search, of every descriptor and data set; see docs/approximate-search.md."""

    kinds: list[Index] = Field(
        list(KINDS),
        min_length=1,
        description="`flat-fp16`, `flat-sq8`, `ivfpq` or `hnsw`, with parameters as `ivfpq:nlist=64:nprobe=1/4/16`",
    )
    k: int = Field(400, ge=1, description="places a query")
    shortlist: int = Field(400, ge=1, description="M of SuperGlobal's reranking, at most k")
    neighbours: int = Field(9, ge=0, description="K")
    beta: float = Field(0.15, ge=0, description="beta")
    repeats: int = Field(5, ge=1, description="samples of each search's time")
    budget: float = Field(
        20.0, gt=0, description="seconds that a search may be timed; one sample is always taken"
    )

    @model_validator(mode="after")
    def _fits(self) -> Approximation:
        if len(set(self.kinds)) < len(self.kinds):
            raise ValueError("an index is there twice: leave one out")
        if self.shortlist > self.k:
            raise ValueError(f"shortlist is {self.shortlist}, more than the {self.k} places of k: raise k")
        return self
