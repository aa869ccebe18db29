"""A comparison of approximate indexes with the exact search, as it is stored."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from superglobal_core.measured_values import PROTOCOL_NAMES, Fraction, Protocol
from superglobal_core.parameter_results import Accuracy
from superglobal_core.stored_models import read_stored, write_stored
from superglobal_core.timing.others import Others
from superglobal_core.timing.statistics import Summary, summarize

Text = Annotated[str, Field(min_length=1)]
Samples = Annotated[
    list[Annotated[float, Field(gt=0, allow_inf_nan=False)]],
    Field(min_length=1, description="seconds a query, all queries searched at once; every sample"),
]
Bytes = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Duration = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Searched(BaseModel):
    """A search's time and the accuracy of what it found, cut off after k places."""

    model_config = ConfigDict(extra="forbid")

    samples_s: Samples
    single_stage: Accuracy = Field(description="of the search's own order")
    reranked: Accuracy = Field(description="by SuperGlobal, candidates' vectors read from the shards")

    @property
    def summary(self) -> Summary:
        return summarize(self.samples_s)


class ExactSearch(Searched):
    """The exact search of the shards; besides, its accuracy with the labelled images' ranks beyond k."""

    bytes_a_vector: Bytes = Field(description="as the shards hold it")
    device: Text = Field(description="where it was computed; indexes are searched on the CPU")
    single_stage_whole: Accuracy = Field(description="with every labelled image's rank")
    reranked_whole: Accuracy


class Point(Searched):
    """An index searched with one effort."""

    effort: int | None = Field(
        None, ge=1, description="nprobe or efSearch; none = the kind has no such choice"
    )
    recall: dict[str, Fraction] = Field(
        description="by r: the share of the exact first r rows that are among the index's first r"
    )
    reranked_rebuilt: Accuracy = Field(
        description="by SuperGlobal, candidates' vectors rebuilt from the index"
    )


class MeasuredIndex(BaseModel):
    """One index: what it is, what it costs, and its search with each effort, ascending."""

    model_config = ConfigDict(extra="forbid")

    name: Text = Field(description="as it was asked for")
    kind: Text
    parameters: dict[str, int | str] = Field(description="in full")
    effort_name: str | None = Field(None, description="nprobe or efSearch")
    bytes: int = Field(ge=1, description="of the index's file")
    bytes_a_vector: Bytes
    train_s: Duration
    add_s: Duration
    rebuilt_cosine: float = Field(description="mean cosine of some rebuilt vectors with the stored ones")
    points: list[Point] = Field(min_length=1)

    @model_validator(mode="after")
    def _ascending(self) -> MeasuredIndex:
        efforts = [point.effort for point in self.points]
        known = [effort for effort in efforts if effort is not None]
        if len(known) != len(efforts) and len(efforts) > 1:
            raise ValueError(f"{self.name} has several points and one without an effort")
        if any(one >= other for one, other in itertools.pairwise(known)):
            raise ValueError(f"the efforts of {self.name} do not ascend: {efforts}")
        return self

    @property
    def build_s(self) -> float:
        return self.train_s + self.add_s


class Approximate(BaseModel):
    """Indexes of one database beside the exact search of it."""

    model_config = ConfigDict(extra="forbid")

    dataset: Text
    database: int = Field(ge=1, description="rows")
    dimension: int = Field(ge=1)
    distractors: int | None = Field(
        None, ge=0, description="images in the database beyond the data set's own"
    )
    queries: int = Field(ge=1)
    k: int = Field(ge=1, description="places a query")
    shortlist: int = Field(ge=1, description="M of the reranking, among the k")
    exact: ExactSearch
    indexes: list[MeasuredIndex] = Field(min_length=1)
    others: Others = Field(description="what else kept the processor busy while searches were timed")
    record: Any = Field(description="what every result says of itself")

    @model_validator(mode="after")
    def _one_set_of_queries(self) -> Approximate:
        searches: list[tuple[str, Searched]] = [("exact", self.exact)]
        searches += [(index.name, point) for index in self.indexes for point in index.points]
        for name, searched in searches:
            for accuracy in (searched.single_stage, searched.reranked):
                for values in accuracy.average_precision.values():
                    if len(values) != self.queries:
                        raise ValueError(f"{name} has {len(values)} APs of {self.queries} queries")
        recalls = {tuple(point.recall) for index in self.indexes for point in index.points}
        if len(recalls) > 1:
            raise ValueError("the recalls are at different numbers of places")
        names = [index.name for index in self.indexes]
        if len(set(names)) < len(names):
            raise ValueError("an index is there twice")
        return self

    @property
    def summary(self) -> str:
        """What was done, in a few words."""
        count = sum(len(index.points) for index in self.indexes)
        return f"{len(self.indexes)} indexes of {self.database} rows, {count} searches beside the exact one"


def changes(exact: Accuracy, found: Accuracy) -> dict[Protocol, float | None]:
    """Return by how many points a mAP differs from the exact one, by protocol; None where either is not defined.

    >>> changes(Accuracy.of({"easy": [1.0]}), Accuracy.of({"easy": [0.75]}))["easy"]
    -25.0
    """
    out: dict[Protocol, float | None] = {}
    for protocol in PROTOCOL_NAMES:
        one, other = exact.map.get(protocol), found.map.get(protocol)
        out[protocol] = None if one is None or other is None else 100 * (other - one)
    return out


def read_approximate(path: str | Path) -> Approximate:
    """Read what `write_approximate` wrote.

    Raises:
        UserError: when the file is absent, unreadable, or no whole comparison.
    """
    return read_stored(path, Approximate, "delete it and run `superglobal approximate` again")


def write_approximate(path: str | Path, content: Approximate) -> None:
    """Write a comparison as JSON, whole or not at all."""
    write_stored(path, content)
