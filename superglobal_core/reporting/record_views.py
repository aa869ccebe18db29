"""What the page shows of each result's record: what differs, what was read, and how it is made again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from superglobal_core.availability import PLAIN
from superglobal_core.reporting.anchors import record_anchor
from superglobal_core.reporting.collect import StoredRecord, Study, TimedData
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.lineage import Steps, snakemake_command, steps_before, steps_by_output
from superglobal_core.reporting.study import Group, foreign_results

LONGEST_VALUE = 300  # characters of one parameter, a list of left-out images for example
# What a timing may share with the results; its parameters are other ones under the same names.
SURROUNDINGS = ("Code", "Software", "Hardware")

# Headings with their keys and values, for people.
Sections = dict[str, dict[str, str]]


@dataclasses.dataclass(frozen=True)
class RecordView:
    """One record: its id on the page, its file, what it says beyond what all share, and its commands.

    unrecorded: how many of the steps have no command, because they were called from Python or are older.
    """

    anchor: str
    title: str
    source: str
    sections: Sections
    commands: tuple[str, ...]
    unrecorded: int
    snakemake: str | None


@dataclasses.dataclass(frozen=True)
class RecordViews:
    """What all results share, and the own view of each file that holds its own record: result, timing, sweep, ..."""

    shared: Sections
    views: tuple[RecordView, ...]

    def shown(self, source: str) -> bool:
        """Whether a file's record has a view of its own."""
        return any(view.source == source for view in self.views)


def record_views(study: Study, groups: Sequence[Group], labels: Labels) -> RecordViews:
    """Return the views of all results, then of all timings, then of ablations, sweeps, tunings, sizes, indexes."""
    steps, foreign = steps_by_output(study.records), set(foreign_results(study))
    results = [
        (f"{labels.method(result)}: {labels.dataset(group.dataset)}, {labels.descriptor(group.descriptor)}, "
         f"{labels.distractors(result)}", result)
        for group in groups
        for result in group.results
    ]  # fmt: skip
    all_sections = [_sections(result.record, steps) for _, result in results]
    shared = _shared(all_sections) if len(results) > 1 else {}
    views = []
    for (title, result), sections in zip(results, all_sections, strict=True):
        known = None if result.source in foreign else snakemake_command(study, result.source)
        views.append(_view(title, result.source, result.record, _without(sections, shared), steps, known))
    surroundings = {name: shared[name] for name in SURROUNDINGS if name in shared}
    for timed in study.timed:
        if timed.record is not None:
            sections = _without(_sections(timed.record, steps), surroundings)
            known = snakemake_command(study, timed.source)
            views.append(
                _view(_timing_title(timed, labels), timed.source, timed.record, sections, steps, known)
            )
    for source, record in study.records:
        kept = _kept_title(source, labels)
        if kept is not None:
            sections = _without(_sections(record, steps), surroundings)
            known = snakemake_command(study, source)
            views.append(_view(kept, source, record, sections, steps, known))
    return RecordViews(shared, tuple(views))


def _view(
    title: str, source: str, record: StoredRecord, sections: Sections, steps: Steps, snakemake: str | None
) -> RecordView:
    made = [one for _, one in steps_before(record, steps)] + [record]
    # One command may make several files.
    commands = tuple(dict.fromkeys(one.command for one in made if one.command is not None))
    unrecorded = sum(one.command is None for one in made)
    return RecordView(record_anchor(source), title, source, sections, commands, unrecorded, snakemake)


def _timing_title(timed: TimedData, labels: Labels) -> str:
    return f"Timing: {labels.dataset(timed.dataset)}, {labels.descriptor(timed.descriptor)}"


def _kept_title(source: str, labels: Labels) -> str | None:
    """Return the title of a file that holds its own record beside results and timings; None for other files."""
    kind, *names = PurePosixPath(source).with_suffix("").parts
    if kind == "ablation" and len(names) == 2:
        return f"Ablation: {labels.dataset(names[1])}, {labels.descriptor(names[0])}"
    if kind == "sweeps" and len(names) == 3:
        among = "" if names[2] == PLAIN else f", {names[2]}"
        return f"Sweep: {labels.dataset(names[1])}, {labels.descriptor(names[0])}{among}"
    if kind == "approximate" and len(names) == 3:
        return f"Approximate search: {labels.dataset(names[1])}, {labels.descriptor(names[0])}, {names[2]}"
    single = {"tuning": "Tuning", "scale": "Size of a database", "approximate": "Approximate search"}.get(
        kind
    )
    return f"{single}: {'/'.join(names)}" if single and names else None


def _sections(record: StoredRecord, steps: Steps) -> Sections:
    contents: dict[str, Mapping[str, Any]] = {
        "Parameters": {**record.parameters, "method": record.method, "seed": record.seed},
        "Protocol": record.protocol,
        "Descriptor": record.descriptor or {},
        "Read": _read([*(one for _, one in steps_before(record, steps)), record]),
        "Code": record.code,
        "Software": record.software,
        "Hardware": record.hardware,
    }
    return {
        name: {key: value_text(value) for key, value in content.items()}
        for name, content in contents.items()
        if content
    }


def _read(records: Iterable[StoredRecord]) -> dict[str, str]:
    # A file that several steps read stands once; had it changed between them, each state stands.
    found: dict[str, list[str]] = {}
    for record in records:
        for given in record.inputs:
            digest = f"sha256 {given.sha256}" if given.sha256 else f"digest {given.digest}"
            states = found.setdefault(f"{given.role}: {given.path}", [])
            if (given.sha256 or given.digest) and digest not in states:
                states.append(digest)
    return {name: ", then ".join(states) or "no digest" for name, states in found.items()}


def _shared(all_sections: Sequence[Sections]) -> Sections:
    first, *others = all_sections
    shared: Sections = {}
    for name, entries in first.items():
        same = {
            key: value
            for key, value in entries.items()
            if all(other.get(name, {}).get(key) == value for other in others)
        }
        if same:
            shared[name] = same
    return shared


def _without(sections: Sections, shared: Sections) -> Sections:
    own: Sections = {}
    for name, entries in sections.items():
        known = shared.get(name, {})
        left = {key: value for key, value in entries.items() if known.get(key) != value}
        if left:
            own[name] = left
    return own


def value_text(value: object) -> str:
    """Return a value of a record for people, cut where it is long.

    >>> value_text(None), value_text([True, 3]), value_text({"a": []})
    ('not set', 'yes, 3', 'a none')
    """
    if value is None:
        text = "not set"
    elif isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, Mapping):
        text = ", ".join(f"{key} {value_text(entry)}" for key, entry in value.items())
    elif isinstance(value, list):
        text = ", ".join(map(value_text, value)) or "none"
    else:
        text = str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "\N{HORIZONTAL ELLIPSIS}"
