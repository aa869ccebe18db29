"""What differs in where runs come from: machine, packages, code, suite, settings, and what they read."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import STEP_FOLDERS, StoredRecord
from superglobal_core.runs.run import Run

MACHINE, PACKAGES, CODE = "machine", "packages", "code"
SUITE, SETTINGS, READ = "suite", "settings", "data and weights"
KINDS = (MACHINE, PACKAGES, CODE, SUITE, SETTINGS, READ)
# What a record says of how its result came about; the ground truth's digest stands with what was read.
SAID = ("method", "distractors", "descriptor", "parameters", "protocol", "seed")
DIGEST_DIGITS = 12
LONGEST = 160
# What stands for the reference, and for runs that read the same, where a role has several files.
NO_OTHER = "as the reference"


class _Absent:
    """What stands where a run does not have a key."""


_ABSENT = _Absent()


@dataclasses.dataclass(frozen=True)
class Difference:
    """One thing that differs. values: what each run says, by its name; where: how often, or empty.

    A dash stands for a run that has no such step: that is no difference of this kind.
    """

    kind: str
    key: str
    values: Mapping[str, str]
    where: str = ""

    def between(self, first: str, second: str) -> bool:
        """Whether two runs, by their names, differ in it."""
        one, two = self.values[first], self.values[second]
        return one != two and texts.ABSENT not in (one, two)


def find_differences(runs: Sequence[Run]) -> list[Difference]:
    """List everything that the runs' records and suites say otherwise, kind by kind.

    Dates, durations and paths are no differences: what lay under the paths is compared by its digests.
    """
    return [
        *_facts(runs, MACHINE, lambda record: record.hardware),
        *_facts(runs, PACKAGES, lambda record: record.software),
        *_facts(runs, CODE, lambda record: record.code),
        *_suites(runs),
        *_settings(runs),
        *_digests(runs),
    ]


def same_machine(runs: Sequence[Run]) -> bool:
    """Tell whether all runs name the same processors, cores, memory and GPUs, and do name a processor."""
    keys = ("cpu", "cores", "memory_bytes", "gpu")
    found = [{key: _distinct(run, lambda record: record.hardware, key) for key in keys} for run in runs]
    return bool(found[0]["cpu"]) and all(each == found[0] for each in found)


def records_by_source(run: Run) -> dict[str, StoredRecord]:
    """Return the records of a run's steps by their files, those that others read from first."""
    order = {name: place for place, name in enumerate(STEP_FOLDERS)}
    found = [item for item in run.study.records if item[0].partition("/")[0] in order]
    return dict(sorted(found, key=lambda item: (order[item[0].partition("/")[0]], item[0])))


def _facts(
    runs: Sequence[Run], kind: str, said: Callable[[StoredRecord], Mapping[str, Any]]
) -> Iterator[Difference]:
    keys = dict.fromkeys(key for run in runs for _, record in run.study.records for key in said(record))
    for key in keys:
        found = {run.name: _distinct(run, said, key) for run in runs}
        if any(values != found[runs[0].name] for values in found.values()):
            yield Difference(kind, key, {name: _listed(key, values) for name, values in found.items()})


def _distinct(run: Run, said: Callable[[StoredRecord], Mapping[str, Any]], key: str) -> list[Any]:
    """List what a run's records say of a key; steps that know nothing of it (no GPU, say) do not count."""
    values = [said(record).get(key) for _, record in run.study.records]
    texts_of = {json.dumps(value, sort_keys=True): value for value in values if value is not None}
    return [texts_of[text] for text in sorted(texts_of)]


def _listed(key: str, values: Sequence[Any]) -> str:
    if not values:
        return "none"
    if key == "memory_bytes":
        return " and ".join(f"{value:,} bytes" for value in values)
    if key == "dirty":
        return " and ".join("changed since" if value else "clean" for value in values)
    return " and ".join(texts.short_commit(_text(value)) for value in values)


def _suites(runs: Sequence[Run]) -> Iterator[Difference]:
    without = [run.name for run in runs if run.study.suite is None]
    if len(without) == len(runs):
        return
    if without:
        names = {run.name: run.study.suite.suite if run.study.suite else "no suite.json" for run in runs}
        yield Difference(SUITE, "suite", names)
        return
    contents = [run.study.suite.model_dump(mode="json") if run.study.suite else {} for run in runs]
    for key, values in unlike_keys("", contents):
        yield Difference(SUITE, key, dict(zip((run.name for run in runs), map(_text, values), strict=True)))


def _settings(runs: Sequence[Run]) -> Iterator[Difference]:
    tables = [records_by_source(run) for run in runs]
    counted: dict[tuple[str, tuple[str, ...]], int] = {}
    for source in tables[0]:
        have = [place for place, table in enumerate(tables) if source in table]
        for key, unlike in unlike_keys("", [said_by(tables[place][source]) for place in have]):
            values = [texts.ABSENT] * len(runs)
            for place, value in zip(have, unlike, strict=True):
                values[place] = _text(value)
            entry = key, tuple(values)
            counted[entry] = counted.get(entry, 0) + 1
    for (key, words), number in counted.items():
        where = f"in {texts.count(number)} record{'s' if number > 1 else ''}"
        yield Difference(SETTINGS, key, dict(zip((run.name for run in runs), words, strict=True)), where)


def said_by(record: StoredRecord) -> dict[str, Any]:
    content = record.model_dump(mode="json", include=set(SAID))
    content["protocol"] = {
        key: value for key, value in content["protocol"].items() if key != "groundtruth_sha256"
    }
    return {key: content[key] for key in SAID}


def _digests(runs: Sequence[Run]) -> Iterator[Difference]:
    """Yield, for each role of what steps read, how many of the files have another digest than the first run's."""
    tables = [_read(run) for run in runs]
    for role in dict.fromkeys(role for _, role, _ in tables[0]):
        mine = [key for key in tables[0] if key[1] == role]
        # One file is read by many steps, some of which a run may lack: it counts once.
        merged: dict[str, list[str | None]] = {}
        for key, (place, table) in itertools.product(mine, enumerate(tables)):
            reference = tables[0][key]
            found = merged.setdefault(reference, [None] * len(runs))
            if found[place] in (None, reference):
                found[place] = table.get(key, found[place])
        rows = list(merged.values())
        counts = [sum(row[place] not in (None, row[0]) for row in rows) for place in range(len(runs))]
        if not any(counts):
            continue
        if len(rows) == 1:
            values = [digest[:DIGEST_DIGITS] if digest else texts.ABSENT for digest in rows[0]]
        else:
            values = [f"{number} of {len(rows)} differ" if number else NO_OTHER for number in counts]
        yield Difference(READ, role, dict(zip((run.name for run in runs), values, strict=True)))


def _read(run: Run) -> dict[tuple[str, str, int], str]:
    """Return the digests of everything read, by the step's file, the role, and its number in that role."""
    found: dict[tuple[str, str, int], str] = {}
    for source, record in records_by_source(run).items():
        numbers: dict[str, int] = {}
        for given in record.inputs:
            number = numbers[given.role] = numbers.get(given.role, 0) + 1
            digest = given.sha256 or given.digest
            if digest is not None:
                found[source, given.role, number] = digest
    return found


def unlike_keys(path: str, values: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Yield the keys under which nested values differ, with what stands there."""
    if all(isinstance(value, Mapping) for value in values):
        for key in dict.fromkeys(key for value in values for key in value):
            below = [value.get(key, _ABSENT) for value in values]
            yield from unlike_keys(f"{path}.{key}" if path else str(key), below)
    elif any(value != values[0] for value in values):
        yield path, list(values)


def _text(value: object) -> str:
    if isinstance(value, _Absent):
        return "absent"
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "given"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
