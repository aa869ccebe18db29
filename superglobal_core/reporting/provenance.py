"""Where the figures come from: machines, software, code, dates, and what a reader must know before believing them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from superglobal_core.errors import name_list
from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Result, StoredRecord, Study
from superglobal_core.reporting.families import mismatch
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.study import Group, foreign_results, missing_results

GATHERED = ("listed", "in_archives", "undecodable", "not_listed", "asked", "used")


@dataclasses.dataclass(frozen=True)
class Facts:
    """What the whole study ran on, in words; each list has one entry where all records agree."""

    processors: list[str]
    accelerators: list[str]
    software: list[str]
    commits: list[str]
    first: str
    last: str
    wall_time_s: float
    peak_memory_bytes: int | None


@dataclasses.dataclass(frozen=True)
class GatheredSet:
    """A set of distractors as it was gathered: images by the record's names for them, None where unknown."""

    source: str
    descriptor: str
    name: str
    counts: Mapping[str, int | None]
    seed: int | None


def gather_facts(study: Study) -> Facts:
    """Sum all records of a study up."""
    records = [record for _, record in study.records]
    peaks = [record.peak_memory_bytes for record in records if record.peak_memory_bytes is not None]
    dates = sorted(record.date for record in records)
    return Facts(
        _distinct(_processor(record) for record in records),
        _distinct(str(record.hardware["gpu"]) for record in records if record.hardware.get("gpu")),
        _software(records),
        _distinct(_commit(record) for record in records),
        texts.moment(dates[0]),
        texts.moment(dates[-1]),
        sum(record.wall_time_s for record in records),
        max(peaks, default=None),
    )


def dataset_facts(results: Sequence[Result]) -> str:
    """Say how many queries, database images and distractors a data set's results really had."""
    most = max(results, key=lambda result: result.record.distractors or 0).record
    rows = most.protocol.get("database")
    # Descriptors may differ in which images they could be made of: each number that occurs is said.
    numbers = sorted({result.record.distractors or 0 for result in results} - {0})
    parts = [f"{texts.count(results[0].queries)} queries"]
    if isinstance(rows, int) and most.distractors is not None:
        parts.append(f"{texts.count(rows - most.distractors)} database images")
    elif isinstance(rows, int):
        parts.append(f"{texts.count(rows)} images searched")
    if most.distractors is None:
        parts.append("distractors not recorded")
    elif numbers:
        parts.append(f"{' or '.join(map(texts.count, numbers))} distractors")
    else:
        parts.append("no distractors")
    return ", ".join(parts)


def gathered_sets(study: Study) -> list[GatheredSet]:
    """List the sets of distractors that were gathered for each descriptor, in the folders' order."""
    found = []
    for source, record in sorted(study.records, key=lambda item: item[0]):
        folders = PurePosixPath(source).parts
        is_set = len(folders) == 5 and folders[0] == "features" and folders[3].startswith("distractors")
        if record.step == "gather" and is_set:
            counts = {key: _whole(record.parameters.get(key)) for key in GATHERED}
            found.append(GatheredSet(source, folders[1], folders[2], counts, record.seed))
    return found


def remarks(study: Study, groups: Sequence[Group], labels: Labels) -> list[str]:
    """List what a reader must know before believing the figures, one sentence each."""
    found = []
    if study.suite is None:
        found.append(
            "The results folder has no suite.json: the steps ran by hand, and names are those of the files."
        )
    missing = missing_results(study)
    if missing:
        found.append(
            f"The suite asks for {len(missing)} more results, which are not there: {name_list(missing)}."
        )
    foreign = foreign_results(study)
    if foreign:
        found.append(f"Results that the suite does not ask for, evaluated beside it: {name_list(foreign)}.")
    if study.left_over:
        found.append(
            "Results that the suite does not ask for, left from an earlier run, are not shown: "
            f"{name_list(study.left_over)}."
        )
    for group in groups:
        single = group.single_stage
        for result in group.results if single else ():
            reason = mismatch(single, result) if single else None
            if reason:
                what = f"{labels.method(result)} ({labels.group(group)})"
                found.append(f"{what} is not compared with the single stage, because {reason}.")
    if len({_commit(result.record) for result in study.results}) > 1:
        found.append("The results were computed by different states of the code: see Provenance.")
    elif any(result.record.code.get("dirty") for result in study.results):
        found.append("The code had changes that are in no commit when the results were computed.")
    left_out = {
        f"{texts.count(number)} of {labels.dataset(result.dataset)}"
        for result in study.results
        if isinstance(number := result.record.protocol.get("images_left_out"), int) and number
    }
    if left_out:
        found.append(f"Labelled data sets lack images that could not be read: {name_list(sorted(left_out))}.")
    return found


def _processor(record: StoredRecord) -> str:
    cpu, cores, memory = (record.hardware.get(key) for key in ("cpu", "cores", "memory_bytes"))
    if not cpu:
        return "not recorded"
    parts = [str(cpu)]
    if cores:
        parts.append("1 core" if cores == 1 else f"{cores} cores")
    if isinstance(memory, int):
        parts.append(texts.size(memory))
    return ", ".join(parts)


def _software(records: Iterable[StoredRecord]) -> list[str]:
    versions: dict[str, list[str]] = {}
    for record in records:
        for package, version in record.software.items():
            if version and version not in versions.setdefault(package, []):
                versions[package].append(version)
    return [f"{package} {' and '.join(found)}" for package, found in versions.items() if found]


def _commit(record: StoredRecord) -> str:
    code = record.code
    version = f"version {code['version']}" if code.get("version") else "version not recorded"
    if not code.get("commit"):
        return f"{version}, commit not recorded"
    state = {True: "changed since (dirty)", False: "clean", None: "state not recorded"}[code.get("dirty")]
    return f"{version}, commit {texts.short_commit(code['commit'])}, {state}"


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
