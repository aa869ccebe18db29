"""What other people reported: the data file `reported.yaml`, checked and looked up."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from superglobal_core.errors import UserError

SHIPPED = Path(__file__).with_name("reported.yaml")
CUTOFFS = (1, 5, 10)
EVALUATOR = "evaluator"

Status = Literal["verified", "derived", "unverified"]
Stage = Literal["single", "reranked"]
Protocol = Literal["easy", "medium", "hard"]
Group = Literal["paper", "baseline", "newer", "evaluator"]
Percent = Annotated[float, Field(ge=0, le=100)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Points = Annotated[float, Field(ge=0)]


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of the tables: data set, with R1M or without, protocol."""

    name: str
    dataset: str
    distractors: bool
    protocol: Protocol

    @classmethod
    def parse(cls, name: str) -> Column:
        """Read a column's name.

        >>> Column.parse("roxford5k+1m_hard")
        Column(name='roxford5k+1m_hard', dataset='roxford5k', distractors=True, protocol='hard')
        """
        data, _, protocol = name.rpartition("_")
        if not data or protocol not in ("easy", "medium", "hard"):
            raise ValueError(f"the column {name!r} is not of the form DATASET[+1m]_PROTOCOL")
        return cls(name, data.removesuffix("+1m"), data.endswith("+1m"), protocol)  # type: ignore[arg-type]


def _is_column(name: str) -> str:
    Column.parse(name)
    return name


ColumnName = Annotated[str, AfterValidator(_is_column)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Model):
    """One line of a published table; map: mAP in percent by column, None where it is not known here.

    query_crop: whether the queries were cropped, None where the source does not say.
    """

    method: str
    backbone: str
    stage: Stage
    map: tuple[Percent | None, ...]
    status: Status
    source: str
    query_crop: bool | None = None
    tolerance: Points | None = None


class EvaluatorFigures(_Model):
    """One data set's figures of the revisitop release: mAP, and mean precision at 1, 5 and 10, percent."""

    easy: Percent
    medium: Percent
    hard: Percent
    mp_easy: tuple[Percent, Percent, Percent]
    mp_medium: tuple[Percent, Percent, Percent]
    mp_hard: tuple[Percent, Percent, Percent]


class SpeedClaim(_Model):
    """A speedup that was claimed."""

    factor: Annotated[float, Field(gt=0)]
    claim: str
    status: Status
    source: str


class MemoryFigure(_Model):
    """What a system's features of ROxford5k with R1M take, in GB as printed."""

    system: str
    value: Annotated[float, Field(gt=0)]
    status: Status
    source: str


class Tolerances(_Model):
    """Largest difference, in points, at which a figure counts as reproduced."""

    without_distractors: Points
    with_distractors: Points
    evaluator: Points


class DataSet(_Model):
    """A data set, recognised by the digest of its ground truth."""

    label: str
    images: int
    groundtruth_sha256: Sha256


class Distractors(_Model):
    """The set of distractors: its name and how many images it has."""

    label: str
    images: int


class Network(_Model):
    """A network's published weights: their name in the catalogue and digests, as far as they are known."""

    label: str
    catalogue: str | None
    sha256: tuple[Sha256, ...]


class Method(_Model):
    """A method as readers know it; absent: why this project can have no result of it."""

    label: str
    group: Group
    absent: str | None = None


class PublishedProtocol(_Model):
    """How a method's figures were obtained: values that a comparable result must share.

    options: of the reranking, for records that name them; a record that does not has these values.
    """

    first_stage: str
    descriptor: dict[str, Any]
    query_crop: bool
    reranker: dict[str, Any] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)
    candidates: str = "raw"


class Switch(_Model):
    """What a comparable result may differ in; published: None where the reporter's value is not known."""

    label: str
    published: Any
    note: str
    ours: Any = None
    only: Literal["float-tensor", "unstated", "reranked", "distractors"] | None = None


class Selector(_Model):
    """Which entry a claim speaks of; None fits everything."""

    method: str
    backbone: str
    stage: Stage
    query_crop: bool | None = None
    status: Status | None = None


class Claim(_Model):
    """A difference in mAP that the abstract states; corrected: what `theirs` became later.

    remark: where the figures behind it come from, hence what the arithmetic is worth.
    """

    name: str
    points: Points
    column: ColumnName
    what: str
    remark: str
    ours: Selector
    theirs: Selector
    corrected: Selector | None = None


@dataclasses.dataclass(frozen=True)
class ReportedFigure:
    """One published figure, in percent.

    measure: `map` or `mp@1`, `mp@5`, `mp@10`. tolerance: in points.
    """

    method: str
    backbone: str
    stage: Stage
    column: Column
    measure: str
    value: float
    status: Status
    source: str
    query_crop: bool | None
    tolerance: float


class Reported(_Model):
    """Everything that was reported, and what comparing with it needs."""

    columns: tuple[ColumnName, ...]
    entries: tuple[Entry, ...]
    evaluator: dict[str, EvaluatorFigures | str]
    speed: tuple[SpeedClaim, ...]
    memory: tuple[MemoryFigure, ...] = Field(alias="memory_gb_for_roxford5k+1m")
    tolerances: Tolerances
    datasets: dict[str, DataSet]
    distractors: Distractors
    networks: dict[str, Network]
    methods: dict[str, Method]
    protocols: dict[str, PublishedProtocol]
    switches: dict[str, Switch]
    claims: tuple[Claim, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Reported:
        for entry in self.entries:
            what = f"the entry {entry.method} ({entry.source})"
            if len(entry.map) != len(self.columns):
                raise ValueError(f"{what} has {len(entry.map)} figures for {len(self.columns)} columns")
            if entry.method not in self.methods or entry.backbone not in self.networks:
                raise ValueError(f"{what} has a method or a backbone that is not described")
        for claim in self.claims:
            for selector in (claim.ours, claim.theirs, claim.corrected):
                if selector is not None:
                    self.find(selector, claim.column)
        return self

    def figures(self) -> list[ReportedFigure]:
        """Return every published mAP of the tables, entry by entry."""
        return [figure for entry in self.entries for figure in self._of(entry)]

    def evaluator_figures(self) -> list[ReportedFigure]:
        """Return the figures of the revisitop release's descriptors, which check an evaluator."""
        source = str(self.evaluator["source"])
        found = []
        for dataset, figures in self.evaluator.items():
            if isinstance(figures, str):
                continue
            for protocol in ("easy", "medium", "hard"):
                column = Column.parse(f"{dataset}_{protocol}")
                values = {"map": getattr(figures, protocol)}
                values |= dict(
                    zip((f"mp@{c}" for c in CUTOFFS), getattr(figures, f"mp_{protocol}"), strict=True)
                )
                found += [
                    ReportedFigure(
                        EVALUATOR, "resnet101", "single", column, measure, value, "verified", source, None,
                        self.tolerances.evaluator,
                    )
                    for measure, value in values.items()
                ]  # fmt: skip
        return found

    def memory_figures(self) -> list[MemoryFigure]:
        """Return the sizes, each with its own source: the file says `same` where it is the one before."""
        found: list[MemoryFigure] = []
        for figure in self.memory:
            same = found and figure.source == "same"
            found.append(figure.model_copy(update={"source": found[-1].source}) if same else figure)
        return found

    def find(self, selector: Selector, column: str) -> ReportedFigure:
        """Return the one figure that a claim speaks of (ValueError when there is none, or more)."""
        fitting = [
            figure
            for figure in self.figures()
            if figure.column.name == column
            and all(wanted is None or getattr(figure, name) == wanted for name, wanted in selector)
        ]
        if len(fitting) != 1:
            raise ValueError(f"{len(fitting)} figures of {selector.method} fit the claim, one is needed")
        return fitting[0]

    def dataset_of(self, groundtruth_sha256: object) -> str | None:
        """Return the data set whose ground truth has a digest; None for any other."""
        names = (n for n, data in self.datasets.items() if data.groundtruth_sha256 == groundtruth_sha256)
        return next(names, None)

    def _of(self, entry: Entry) -> Iterator[ReportedFigure]:
        for name, value in zip(self.columns, entry.map, strict=True):
            if value is None:
                continue
            column, tolerance = Column.parse(name), entry.tolerance
            if tolerance is None:
                kinds = self.tolerances
                tolerance = kinds.with_distractors if column.distractors else kinds.without_distractors
            yield ReportedFigure(
                entry.method, entry.backbone, entry.stage, column, "map", value, entry.status, entry.source,
                entry.query_crop, tolerance,
            )  # fmt: skip


@functools.cache
def load_reported(path: Path = SHIPPED) -> Reported:
    """Read and check what was reported.

    Raises:
        UserError: when the file is absent, no YAML, or says what it may not say.

    >>> load_reported().datasets["roxford5k"].label
    'ROxford5k'
    """
    try:
        return Reported.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"cannot read the reported figures {path}: {error.strerror or error}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no valid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(f"{path}: {key}: {first['msg'].removeprefix('Value error, ')}") from error
