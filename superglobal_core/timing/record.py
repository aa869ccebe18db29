"""A timing as it is stored: every sample, and what it was taken of and with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from superglobal_core.errors import UserError
from superglobal_core.files import read_json, write_json
from superglobal_core.results import Record
from superglobal_core.timing.memory import MemoryUse
from superglobal_core.timing.noise import Noise
from superglobal_core.timing.others import Others
from superglobal_core.timing.part import Part
from superglobal_core.timing.statistics import Speedup, Summary, speedup, summarize

Scope = Literal["scoring", "from storage", "end to end"]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class MethodTiming(BaseModel):
    """What one method took in one scope on one shortlist size, or why it could not run.

    A query's samples are seconds for its whole shortlist, scaled up already where `scaled_from_pairs`
    says so; times of a batch are seconds for all its queries.
    """

    model_config = ConfigDict(extra="forbid")

    method: str = Field(description="the method's name")
    label: str = Field(description="the method's name for people")
    scope: Scope = Field(description="what the clock enclosed")
    samples_s: list[Seconds] = Field(default_factory=list, description="seconds a query, every sample")
    samples_wanted: int | None = Field(None, ge=1, description="samples asked for; a budget may leave fewer")
    batch_samples_s: list[Seconds] = Field(default_factory=list, description="seconds a batch, every sample")
    batch_queries: int | None = Field(None, ge=1, description="queries in a batch")
    shortlist: int | None = Field(None, ge=1, description="images in the shortlist")
    pairs_a_query: int | None = Field(None, ge=1, description="candidates that a query is compared to")
    scaled_from_pairs: int | None = Field(
        None, ge=1, description="pairs really timed, where samples are scaled from a part; none = all"
    )
    note: list[str] = Field(default_factory=list, description="sentences that belong beside every figure")
    reason: str | None = Field(None, min_length=1, description="why it could not run; none = it ran")
    memory: MemoryUse | None = Field(None, description="peak memory beyond what was in use before")
    bytes_per_image: float | None = Field(None, ge=0, description="bytes an image takes on disk")
    device: str | None = Field(None, description="the device it ran on")
    precision: str | None = Field(None, description="the numbers it computed with")

    @model_validator(mode="after")
    def _consistent(self) -> MethodTiming:
        if (self.reason is None) != bool(self.samples_s or self.batch_samples_s):
            raise ValueError("give either samples or the reason why it could not run, one of them")
        if bool(self.batch_samples_s) and self.batch_queries is None:
            raise ValueError("times of a batch need its number of queries (batch_queries)")
        if self.scaled_from_pairs is not None and self.scaled_from_pairs > (self.pairs_a_query or 0):
            raise ValueError("scaled_from_pairs needs pairs_a_query, and at least as many of them")
        return self

    @property
    def part(self) -> Part | None:
        """The part that was really timed; None when all was."""
        if self.scaled_from_pairs is None or self.pairs_a_query is None:
            return None
        return Part(self.scaled_from_pairs, self.pairs_a_query)

    @property
    def sentences(self) -> list[str]:
        """Everything that belongs beside this timing's figures, shortfall and scaling included."""
        found = list(self.note)
        if self.part is not None and self.part.sentence is not None:
            found.append(self.part.sentence)
        if self.samples_wanted is not None and 0 < len(self.samples_s) < self.samples_wanted:
            found.append(f"{len(self.samples_s)} of {self.samples_wanted} samples")
        return found

    def summary(self, seed: int = 0) -> Summary | None:
        """Return the figures of a query's seconds; None without samples."""
        return summarize(self.samples_s, seed) if self.samples_s else None

    def throughput(self, seed: int = 0) -> Summary | None:
        """Return the figures of queries a second in a batch; None where no batch was timed."""
        if self.batch_queries is None or not self.batch_samples_s:
            return None
        return summarize([self.batch_queries / taken for taken in self.batch_samples_s], seed)


class TimingRecord(BaseModel):
    """All that one run timed, with what is needed to judge it."""

    model_config = ConfigDict(extra="forbid")

    record: Record | None = Field(None, description="what every result says of itself")
    timings: list[MethodTiming] = Field(description="one for each method, scope and shortlist size")
    noise: list[Noise] = Field(default_factory=list, description="the same work timed against itself")
    machine: dict[str, Any] = Field(default_factory=dict, description="threads, clocks and limits")
    others: Others | None = Field(None, description="what else kept the processor busy meanwhile")
    began: str | None = Field(None, description="when the timing began, warm-up included, UTC, ISO 8601")
    ended: str | None = Field(None, description="when the last sample was taken")
    seed: int = Field(0, ge=0, description="the seed of sampled work and of the intervals")

    @property
    def relative_noise(self) -> float | None:
        """The largest of the measured noises, a fraction; None where none was measured."""
        return self.noise_in(None)

    def noise_in(self, scope: Scope | None) -> float | None:
        """Return the largest noise measured in a scope (None: in any), a fraction; None where none was."""
        known = [
            noise.relative
            for noise in self.noise
            if noise.relative is not None and (scope is None or noise.scope in (None, scope))
        ]
        return max(known, default=None)

    def find(
        self, method: str | None = None, scope: Scope | None = None, shortlist: int | None = None
    ) -> Iterator[MethodTiming]:
        """Yield the timings of a method, a scope and a shortlist size; None takes all of them."""
        for timing in self.timings:
            if (
                method in (None, timing.method)
                and scope in (None, timing.scope)
                and shortlist in (None, timing.shortlist)
            ):
                yield timing

    def speedup(self, slow: MethodTiming, fast: MethodTiming) -> Speedup | None:
        """Return how many times faster `fast` is a query than `slow`; None where one has no samples.

        Raises:
            UserError: where their scopes or shortlists differ: such times are not compared.
        """
        if (slow.scope, slow.shortlist) != (fast.scope, fast.shortlist):
            raise UserError(
                f"{slow.method} ({slow.scope}, shortlist {slow.shortlist}) and {fast.method} ({fast.scope}, "
                f"shortlist {fast.shortlist}) did different work: compare timings of one scope and shortlist"
            )
        if not slow.samples_s or not fast.samples_s:
            return None
        return speedup(slow.samples_s, fast.samples_s, noise=self.noise_in(slow.scope), seed=self.seed)


def write_timings(path: str | Path, timings: TimingRecord) -> None:
    """Write a timing record as JSON, whole or not at all."""
    write_json(path, timings.model_dump(mode="json"))


def read_timings(path: str | Path) -> TimingRecord:
    """Read a timing record.

    Raises:
        UserError: when the file is absent, no JSON, or no timing record.
    """
    content = read_json(path)
    try:
        return TimingRecord.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise UserError(
            f"{path} is not a whole timing record: {place}: {first['msg']}; time again to replace it"
        ) from error
