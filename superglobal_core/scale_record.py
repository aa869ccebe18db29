"""What is stored of one size of a database: times, memory, accuracy, and the floor beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from superglobal_core.measured_values import Fraction
from superglobal_core.stored_models import read_stored, write_stored
from superglobal_core.timing.memory import MemoryUse
from superglobal_core.timing.others import Others

Stage = Literal["floor", "open", "search", "ranked", "rerank", "evaluate", "whole", "cold"]
STAGES: tuple[Stage, ...] = get_args(Stage)
# Stages whose memory is measured. Opening is part of the whole; its memory alone says nothing more.
REMEMBERED: tuple[Stage, ...] = ("floor", "search", "ranked", "rerank", "evaluate", "whole")
# Samples of `cold`. Reading from storage is slow and varies little beside that: few tell enough.
COLD_REPEATS = 2
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Maps(BaseModel):
    """mAP under each protocol, fractions; None where no query has positives."""

    model_config = ConfigDict(extra="forbid")

    easy: Fraction | None
    medium: Fraction | None
    hard: Fraction | None


class StageMemory(MemoryUse):
    """What a stage took in a process of its own, beyond its inputs, and that process's peak in all (bytes)."""

    process_peak_bytes: int | None = Field(description="Python, libraries and inputs included")


class ScaleRecord(BaseModel):
    """One size measured.

    samples_s: seconds of each stage, all samples. floor: read the shards once and multiply them as float32;
    open: open the shards and find the labelled images' rows; search: the best k; ranked: the same with the
    labelled images' ranks in the same pass; rerank, evaluate: of that shortlist and those ranks; whole: all
    from the files to the figures; cold: the same after the files were dropped from the page cache.
    """

    model_config = ConfigDict(extra="forbid")

    size: int = Field(ge=1, description="vectors in the database")
    queries: int = Field(ge=1)
    dimension: int = Field(ge=1)
    dtype: str = Field(description="as stored")
    array_bytes: int = Field(ge=1, description="of the shards' arrays on disk")
    sidecar_bytes: int = Field(ge=0, description="of their sidecars, image names mostly")
    labelled: int = Field(ge=0, description="pairs of a query and a labelled image, whose ranks are counted")
    k: int = Field(ge=1)
    shortlist: int = Field(ge=1)
    repeats: int = Field(ge=1)
    samples_s: dict[Stage, list[Seconds]]
    memory: dict[Stage, StageMemory] = Field(default_factory=dict)
    cache_dropped: bool | None = Field(
        None, description="whether `cold` really read from storage; none = not run"
    )
    single_stage: Maps
    reranked: Maps
    machine: dict[str, Any] = Field(default_factory=dict, description="threads, clocks, load")
    others: Others | None = Field(None, description="what kept the processor busy beside")
    record: dict[str, Any] | None = Field(None, description="what every result says of itself")

    @model_validator(mode="after")
    def _samples(self) -> ScaleRecord:
        empty = [stage for stage, taken in self.samples_s.items() if not taken]
        if empty:
            raise ValueError(f"the stage {empty[0]} has no sample")
        return self


class ScaleStudy(BaseModel):
    """The sizes of a suite together, in ascending order: what is kept of a run."""

    model_config = ConfigDict(extra="forbid")

    sizes: list[ScaleRecord] = Field(min_length=1)


def read_scale(path: str | Path) -> ScaleRecord:
    """Read one size (UserError when the file is absent, unreadable, or no whole record)."""
    return read_stored(path, ScaleRecord, "delete it and measure again")


def read_scale_study(path: str | Path) -> ScaleStudy:
    """Read all sizes of a run from the `scale.json` of its report (UserError when that is no whole one)."""
    return read_stored(path, ScaleStudy, "make the report again")


def write_scale(path: str | Path, content: ScaleRecord) -> None:
    """Write one size as JSON, whole or not at all."""
    write_stored(path, content)
