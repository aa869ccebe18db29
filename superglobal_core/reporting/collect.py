"""Result files to typed values: every evaluation and every record of a results folder, checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from superglobal_core.availability import PLAIN, WITH_DISTRACTORS
from superglobal_core.config import Suite, read_saved_suite
from superglobal_core.errors import UserError
from superglobal_core.files import finished_files, read_json
from superglobal_core.measured_values import PROTOCOL_NAMES, Fraction
from superglobal_core.model_errors import damage_told
from superglobal_core.reasons import reason_in
from superglobal_core.results import Record
from superglobal_core.stored_models import read_stored
from superglobal_core.timing.record import TimingRecord, read_timings

# Folders with records; images and descriptors beside them are never listed.
STEP_FOLDERS = ("planted", "features", "local", "search", "rankings", "evaluation")

Model = TypeVar("Model", bound=BaseModel)


class Figures(BaseModel):
    """The figures of one result under one protocol, all fractions; None where nothing is defined."""

    map: Fraction | None
    map_interval_95: tuple[Fraction, Fraction] | None = None
    mean_precision: dict[str, Fraction | None]
    queries_with_positives: int = Field(ge=0)
    average_precision: list[Fraction | None]


class StoredRecord(Record):
    """A record as read: what the file does not say stays empty, and is not taken from this machine."""

    model_config = ConfigDict(extra="ignore")

    code: dict[str, Any] = Field(default_factory=dict)
    software: dict[str, str | None] = Field(default_factory=dict)
    hardware: dict[str, Any] = Field(default_factory=dict)


class Evaluation(BaseModel):
    """One evaluation file."""

    easy: Figures
    medium: Figures
    hard: Figures
    record: StoredRecord

    def figures(self, protocol: str) -> Figures:
        """Return the figures under `easy`, `medium` or `hard`."""
        return {"easy": self.easy, "medium": self.medium, "hard": self.hard}[protocol]


@dataclasses.dataclass(frozen=True)
class Result:
    """One evaluation and the names it goes by: the folders' names, or, outside the layout, the record's.

    source: the file, relative to the results folder. variant: `plain` or `distractors`.
    """

    source: str
    dataset: str
    descriptor: str
    variant: str
    method: str
    evaluation: Evaluation

    @property
    def record(self) -> StoredRecord:
        return self.evaluation.record

    @property
    def is_single_stage(self) -> bool:
        """Whether this is the first stage's order, without reranking."""
        return self.record.method == "none"

    @property
    def queries(self) -> int:
        return len(self.evaluation.medium.average_precision)


@dataclasses.dataclass(frozen=True)
class TimedData:
    """One timing file and the names it goes by, as for `Result`.

    record: what the file says of itself, without anything of this machine; None where it says nothing.
    """

    source: str
    dataset: str
    descriptor: str
    variant: str
    timings: TimingRecord
    record: StoredRecord | None


@dataclasses.dataclass(frozen=True)
class Unable:
    """A method without figures on some data, and why; the names are those of a `Result`."""

    dataset: str
    descriptor: str
    variant: str
    method: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Study:
    """A results folder as read: its suite (None when the steps ran by hand), results, records, timings.

    unable: methods that were run and could not go on. left_over: files of the workflow's own names that the
    suite has no more, from an earlier run of it; they are in none of the others.
    """

    root: Path
    suite: Suite | None
    results: tuple[Result, ...]
    records: tuple[tuple[str, StoredRecord], ...]
    timed: tuple[TimedData, ...] = ()
    unable: tuple[Unable, ...] = ()
    left_over: tuple[str, ...] = ()


def read_study(root: Path, *, evaluated: bool = True) -> Study:
    """Read a results folder.

    evaluated: whether there must be an evaluation in it, if its suite asks for one.

    Raises:
        UserError: when there is no folder, no evaluation that there must be, or a file is damaged.
    """
    if not root.is_dir():
        raise UserError(f"there is no folder of results {root}: name the one a suite was computed in")
    suite = read_saved_suite(root / "suite.json") if (root / "suite.json").is_file() else None
    # A suite of `scale` alone asks for no evaluation.
    evaluated = evaluated and (suite is None or bool(suite.datasets))
    read = [result for path in result_files(root) if (result := read_result(path, root)) is not None]
    results = tuple(result for result in read if not is_left_over(result, suite))
    left = [result.source for result in read if is_left_over(result, suite)]
    unable = tuple(found_unable(root))
    if evaluated and not results and unable:
        reasons = "; ".join(f"{each.method}: {each.reason}" for each in unable[:5])
        raise UserError(f"no method could run, so that {root} has nothing to report: {reasons}")
    if evaluated and not results and left:
        raise UserError(
            f"{root} holds no evaluation that its suite asks for, only those of an earlier run: run the suite first"
        )
    if evaluated and not results:
        raise UserError(
            f"{root} holds no evaluation: run the suite first, or "
            f"`superglobal evaluate --groundtruth GND.pkl --ranks FILE --out {root / 'evaluation' / 'NAME.json'}`"
        )
    records = [(result.source, result.record) for result in results]
    gone = {source.replace("evaluation/", "rankings/", 1) for source in left}
    for path in _json_files(root, *STEP_FOLDERS):
        if _relative(path, root).replace(".record.json", ".json") in gone:
            continue
        if path.name == "record.json" or path.name.endswith(".record.json"):
            records.append((_relative(path, root), read_stored(path, StoredRecord)))
    # Of descriptors for an ablation the record of all: each variant's own says the same.
    for path in finished_files(root, "ablation-features/*/*/*/record.json"):
        records.append((_relative(path, root), read_stored(path, StoredRecord)))
    timings = [read_timed(path, root) for path in timing_files(root)]
    timed = tuple(each for each in timings if not is_left_over(each, suite))
    left += [each.source for each in timings if is_left_over(each, suite)]
    records += [(each.source, each.record) for each in timed if each.record is not None]
    records += _kept_inside(root)
    records.sort(key=lambda item: (item[1].date, item[0]))
    return Study(root, suite, results, tuple(records), timed, unable, tuple(left))


def is_left_over(found: Result | TimedData, suite: Suite | None) -> bool:
    """Tell whether a file has a name that the workflow gave it for a suite that had more; others are somebody's own."""
    places = 5 if isinstance(found, Result) else 4
    if suite is None or len(Path(found.source).parts) != places:
        return False
    return (
        found.descriptor not in suite.descriptors
        or found.dataset not in suite.datasets
        or (isinstance(found, Result) and found.method not in suite.methods)
    )


def _kept_inside(root: Path) -> Iterator[tuple[str, StoredRecord]]:
    """Yield the records of ablations, sweeps, tunings, approximate searches and sizes: files that hold their own."""
    for path in _json_files(root, "ablation", "sweeps", "tuning", "approximate", "scale"):
        content = read_json(path)
        if isinstance(content, Mapping) and content.get("record") is not None:
            yield _relative(path, root), _validated(StoredRecord, content["record"], path)


def found_unable(root: Path) -> Iterator[Unable]:
    """Yield the methods whose files say why there is no result."""
    for path in _json_files(root, "evaluation"):
        folders = path.relative_to(root).with_suffix("").parts
        if len(folders) == 5 and (reason := reason_in(path)) is not None:
            _, descriptor, dataset, variant, method = folders
            yield Unable(dataset, descriptor, variant, method, reason)


def timing_files(root: Path) -> list[Path]:
    """List the timing files of a results folder."""
    return list(_json_files(root, "timing"))


def read_timed(path: Path, root: Path) -> TimedData:
    """Read one timing file of a results folder (UserError when damaged)."""
    timings, source = read_timings(path), _relative(path, root)
    record = None
    if timings.record is not None:
        record = _validated(StoredRecord, read_json(path)["record"], path)
    folders = path.relative_to(root).with_suffix("").parts
    if len(folders) == 4 and folders[3] in (PLAIN, WITH_DISTRACTORS):
        _, descriptor, dataset, variant = folders
        return TimedData(source, dataset, descriptor, variant, timings, record)
    dataset = (record and record.dataset) or "data set not recorded"
    descriptor = _descriptor_name(record) if record else "descriptor not recorded"
    return TimedData(source, dataset, descriptor, PLAIN, timings, record)


def result_files(root: Path) -> list[Path]:
    """List the files of a results folder that may be evaluations."""
    paths = list(_json_files(root, "evaluation"))
    # Someone who evaluated by hand may have written straight into the folder.
    return paths or finished_files(root, "*.json")


def read_result(path: Path, root: Path) -> Result | None:
    """Read one evaluation of a results folder; None for a file that is none (UserError when damaged)."""
    content = read_json(path)
    if not isinstance(content, Mapping) or set(content).isdisjoint(PROTOCOL_NAMES):
        return None
    return _named(_validated(Evaluation, content, path), path, root)


def _named(evaluation: Evaluation, path: Path, root: Path) -> Result:
    _check_queries(evaluation, path)
    source, record = _relative(path, root), evaluation.record
    folders = path.relative_to(root).with_suffix("").parts
    if len(folders) == 5 and folders[3] in (PLAIN, WITH_DISTRACTORS):
        _, descriptor, dataset, variant, method = folders
        return Result(source, dataset, descriptor, variant, method, evaluation)
    variant = WITH_DISTRACTORS if record.distractors else PLAIN
    name = "/".join(folders[1:] or folders)
    return Result(
        source, record.dataset or "data set not recorded", _descriptor_name(record), variant, name, evaluation
    )


def _descriptor_name(record: StoredRecord) -> str:
    known = record.descriptor or {}
    parts = [str(known[key]) for key in ("preset", "backbone", "precision") if known.get(key)]
    return ", ".join(parts) or ("binary codes" if "codes_sha256" in known else "descriptor not recorded")


def _check_queries(evaluation: Evaluation, path: Path) -> None:
    counts = {name: len(evaluation.figures(name).average_precision) for name in PROTOCOL_NAMES}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name}.average_precision has {count}" for name, count in counts.items())
        raise UserError(f"{path} is damaged: {listed} entries, one a query is needed in each: evaluate again")


def _json_files(root: Path, *folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from finished_files(root / folder, "**/*.json")


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _validated(model: type[Model], content: object, path: Path) -> Model:
    with damage_told(path, "make it again"):
        return model.model_validate(content)
