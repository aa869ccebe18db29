"""An ablation as it is stored: what changes when one switch or module at a time does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from superglobal_core.measured_values import PROTOCOL_NAMES, Fraction, check_mean
from superglobal_core.stored_models import read_stored, write_stored

Text = Annotated[str, Field(min_length=1)]
Touches = Literal["queries", "images", "network", "pooling", "shortlist", "reranking"]


class MeasuredProtocol(BaseModel):
    """The figures of one result under one protocol, all fractions; None where nothing is defined."""

    map: Fraction | None = Field(description="mean AP; none = no query has positives")
    map_interval_95: tuple[Fraction, Fraction] | None = Field(None, description="over queries")
    average_precision: list[Fraction | None] = Field(description="every query's AP")
    mean_precision: dict[str, Fraction | None] = Field(default_factory=dict, description="by cutoff")
    queries_with_positives: int = Field(ge=0)

    @model_validator(mode="after")
    def _mean(self) -> MeasuredProtocol:
        check_mean(self.map, self.average_precision)
        return self


class Measured(BaseModel):
    """One result under the three protocols, as an evaluation writes it; its record is passed over."""

    easy: MeasuredProtocol
    medium: MeasuredProtocol
    hard: MeasuredProtocol

    def figures(self, protocol: str) -> MeasuredProtocol:
        """Return the figures under `easy`, `medium` or `hard`."""
        return {"easy": self.easy, "medium": self.medium, "hard": self.hard}[protocol]

    @property
    def queries(self) -> int:
        return len(self.medium.average_precision)

    @model_validator(mode="after")
    def _one_ap_a_query(self) -> Measured:
        counts = {name: len(self.figures(name).average_precision) for name in PROTOCOL_NAMES}
        if len(set(counts.values())) > 1:
            raise ValueError(f"the protocols have different numbers of queries: {counts}")
        return self


class Row(BaseModel):
    """One change from the preset, and what was measured with it.

    A stage that the change does not touch, or that was not run, has no figures.
    """

    model_config = ConfigDict(extra="forbid")

    table: Literal["switches", "modules"]
    name: Text = Field(description="the switch's or module's name")
    preset_value: str = Field(description="its value in the preset")
    changed_value: str = Field(description="its value here")
    who: str = Field("", description="a sentence: who does it so")
    touches: Touches = Field(description="the first step that gives something else")
    single_stage: Measured | None = Field(None, description="none = untouched or not run")
    reranked: Measured | None = None
    settings: dict[str, Any] = Field(default_factory=dict, description="what differs from the base")

    @model_validator(mode="after")
    def _measured_at_all(self) -> Row:
        if self.single_stage is None and self.reranked is None:
            raise ValueError("neither stage was measured: such a change belongs to left_out")
        return self


class LeftOut(BaseModel):
    """A change that was not measured, and why."""

    model_config = ConfigDict(extra="forbid")

    table: Literal["switches", "modules", "backbones"]
    name: Text
    changed_value: str = ""
    reason: Text


class Fixed(BaseModel):
    """A line of the protocol that cannot be switched, and why."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    reason: Text


class AblationRecord(BaseModel):
    """One switch or module changed at a time, on one data set and from one descriptor.

    backbone: None, or the name of another backbone that the descriptor's modules were put on; there
    only the table of modules is.
    """

    model_config = ConfigDict(extra="forbid")

    dataset: Text
    descriptor: Text = Field(description="the suite's name of the descriptor that is changed")
    backbone: Text | None = None
    preset: Literal["official", "paper", "cvnet"]
    distractors: int = Field(0, ge=0, description="images in the database beyond the data set's own")
    single_stage: Measured = Field(description="of the preset, with nothing changed")
    reranked: Measured
    rows: list[Row] = Field(default_factory=list)
    left_out: list[LeftOut] = Field(default_factory=list)
    fixed: list[Fixed] = Field(default_factory=list)
    record: dict[str, Any] | None = Field(None, description="what every result says of itself")

    @model_validator(mode="after")
    def _consistent(self) -> AblationRecord:
        if self.single_stage.queries != self.reranked.queries:
            raise ValueError(
                f"single_stage has {self.single_stage.queries} queries and reranked {self.reranked.queries}"
            )
        seen = set()
        for row in self.rows:
            for measured in (row.single_stage, row.reranked):
                if measured is not None and measured.queries != self.single_stage.queries:
                    raise ValueError(
                        f"{row.name} = {row.changed_value} has {measured.queries} queries and the preset "
                        f"{self.single_stage.queries}"
                    )
            key = (row.table, row.name, row.changed_value)
            if key in seen:
                raise ValueError(f"{row.name} = {row.changed_value} is there twice")
            seen.add(key)
        if self.backbone is not None and any(row.table == "switches" for row in self.rows):
            raise ValueError(f"with another backbone ({self.backbone}) there are modules only, no switches")
        return self


def read_ablation(path: str | Path) -> AblationRecord:
    """Read what `write_ablation` wrote.

    Raises:
        UserError: when the file is absent, unreadable, or no whole ablation.
    """
    return read_stored(path, AblationRecord, "delete it and run the ablation again")


def write_ablation(path: str | Path, content: AblationRecord) -> None:
    """Write an ablation as JSON, whole or not at all."""
    write_stored(path, content)
