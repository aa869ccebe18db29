"""What sweeps and tunings of parameters write, and the report reads."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from superglobal_core.measured_values import Fraction, Protocol, check_mean, mean
from superglobal_core.results import Record


class Accuracy(BaseModel):
    """Accuracy of one ranking of all queries by protocol, fractions; None where there are no positives."""

    model_config = ConfigDict(extra="forbid")

    map: dict[Protocol, Fraction | None]
    average_precision: dict[Protocol, list[Fraction | None]]

    @model_validator(mode="after")
    def _means(self) -> Self:
        if set(self.map) != set(self.average_precision):
            raise ValueError("map and average_precision have different protocols")
        for name, values in self.average_precision.items():
            check_mean(self.map[name], values, f"under {name.capitalize()} the map")
        return self

    @classmethod
    def of(cls, average_precision: Mapping[str, Sequence[float | None]]) -> Accuracy:
        """Return the accuracy with these APs, one list a protocol.

        >>> Accuracy.of({"easy": [0.5, None, 1.0]}).map
        {'easy': 0.75}
        """
        lists = {name: list(values) for name, values in average_precision.items()}
        return cls(map={name: mean(values) for name, values in lists.items()}, average_precision=lists)

    def only(self, queries: Sequence[int]) -> Accuracy:
        """Return the accuracy of some of the queries.

        >>> Accuracy.of({"easy": [0.5, None, 1.0]}).only([0, 1]).map
        {'easy': 0.5}
        """
        return Accuracy.of(
            {name: [values[query] for query in queries] for name, values in self.average_precision.items()}
        )


class RerankingParameters(BaseModel):
    """M, K and beta of SuperGlobal's reranking."""

    model_config = ConfigDict(extra="forbid")

    shortlist: int = Field(ge=1, description="M")
    neighbours: int = Field(ge=0, description="K")
    beta: float = Field(ge=0, description="weight of a neighbour")


class GridPoint(RerankingParameters, Accuracy):
    """The accuracy at one point of a grid."""


class Sweep(BaseModel):
    """SuperGlobal's reranking at every point of a grid."""

    model_config = ConfigDict(extra="forbid")

    shortlists: list[int] = Field(min_length=1)
    neighbours: list[int] = Field(min_length=1)
    betas: list[float] = Field(min_length=1)
    defaults: RerankingParameters = Field(description="the release's")
    single_stage: Accuracy = Field(description="the search's order, without reranking")
    points: list[GridPoint] = Field(description="all combinations, beta changing fastest")
    record: Record

    @model_validator(mode="after")
    def _whole(self) -> Sweep:
        wanted = list(itertools.product(self.shortlists, self.neighbours, self.betas))
        if [(point.shortlist, point.neighbours, point.beta) for point in self.points] != wanted:
            raise ValueError(
                f"the points are not the {len(wanted)} combinations of shortlists, neighbours and betas"
            )
        return self


class Setting(RerankingParameters):
    """Everything that tuning chooses: the descriptors, and the reranking's parameters."""

    descriptor: str = Field(description="the name of the descriptors")
    exponents: dict[str, float] | None = Field(
        None, description="their p, p_r and alpha; none where the descriptors were brought along"
    )


class Difference(BaseModel):
    """Tuned minus untuned mAP under one protocol, in points; on the queries reported on, what tells it from chance."""

    model_config = ConfigDict(extra="forbid")

    points: float
    interval: tuple[float, float] | None = Field(None, description="95 %, over queries")
    p_value: float | None = Field(None, gt=0, le=1, description="of a paired permutation test")

    @model_validator(mode="after")
    def _ordered(self) -> Difference:
        if self.interval is not None and not self.interval[0] <= self.interval[1]:
            raise ValueError(
                f"the interval ends at {self.interval[1]}, before it begins at {self.interval[0]}"
            )
        return self


class TuningSide(BaseModel):
    """Both settings on one set of queries."""

    model_config = ConfigDict(extra="forbid")

    dataset: str
    part: str = Field(description="all queries, or which half of them")
    queries: list[str] = Field(description="the queries' names")
    distractors: int | None = None
    groundtruth_sha256: str
    tuned: Accuracy
    untuned: Accuracy
    difference: dict[Protocol, Difference | None]

    @model_validator(mode="after")
    def _of_these_queries(self) -> TuningSide:
        if len(set(self.queries)) < len(self.queries):
            raise ValueError("a query is named twice")
        for accuracy in (self.tuned, self.untuned):
            for protocol, values in accuracy.average_precision.items():
                if len(values) != len(self.queries):
                    raise ValueError(
                        f"there are {len(values)} APs under {protocol.capitalize()} of {len(self.queries)} queries"
                    )
        return self


class Tuning(BaseModel):
    """Parameters tuned on one set of queries and reported on another."""

    model_config = ConfigDict(extra="forbid")

    criterion: Protocol = Field(description="the protocol whose mAP was maximised")
    settings_tried: int = Field(ge=1)
    tuned: Setting
    untuned: Setting = Field(description="the defaults")
    tuned_on: TuningSide
    reported_on: TuningSide
    record: Record

    @model_validator(mode="after")
    def _on_other_queries(self) -> Self:
        one, other = self.tuned_on, self.reported_on
        shared = set(one.queries) & set(other.queries)
        # Queries of two data sets may have the same name.
        if shared and one.groundtruth_sha256 == other.groundtruth_sha256:
            raise ValueError(
                f"{len(shared)} of the {len(other.queries)} queries reported on were tuned on too, and such figures "
                "say nothing"
            )
        return self
