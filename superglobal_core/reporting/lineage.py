"""What made a result: the steps it came from, in their order, and the commands that make it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from superglobal_core.reporting.collect import StoredRecord, Study

FOLDER_RECORD, FILE_RECORD = "record.json", ".record.json"

Steps = Mapping[str, tuple[str, StoredRecord]]


def steps_by_output(records: Iterable[tuple[str, StoredRecord]]) -> Steps:
    """Return the records by what they are about: a folder, or a file without its suffix."""
    found = {}
    for source, record in records:
        # Evaluations and other files that hold their own record are read by no step.
        if source.endswith((f"/{FOLDER_RECORD}", FILE_RECORD)):
            found[output_of(source)] = source, record
    return found


def output_of(source: str) -> str:
    """Return what a file with a record is about: its folder, or a file without its suffix.

    >>> output_of("features/d/landmarks/queries/record.json"), output_of("search/d/topk.record.json")
    ('features/d/landmarks/queries', 'search/d/topk')
    >>> output_of("evaluation/d/landmarks/plain/dba.json")
    'evaluation/d/landmarks/plain/dba'
    """
    path = PurePosixPath(source)
    if path.name == FOLDER_RECORD:
        return path.parent.as_posix()
    return (
        source.removesuffix(FILE_RECORD) if source.endswith(FILE_RECORD) else path.with_suffix("").as_posix()
    )


def steps_before(record: StoredRecord, steps: Steps) -> list[tuple[str, StoredRecord]]:
    """Return the recorded steps that a result came from, each after those it read from.

    Paths are held against those within the folder of results by their last parts, so that a copied or
    moved folder has the same lineage.
    """
    found: dict[str, StoredRecord] = {}

    def visit(one: StoredRecord, open_steps: tuple[str, ...]) -> None:
        for given in one.inputs:
            step = maker_of(given.path, steps)
            if step is not None and step[0] not in (*open_steps, *found):
                visit(step[1], (*open_steps, step[0]))
                found[step[0]] = step[1]

    visit(record, ())
    return list(found.items())


def snakemake_command(study: Study, source: str) -> str | None:
    """Return what makes a file of a suite's results with all it is made of; None without a suite.

    >>> snakemake_command(study, "evaluation/d/landmarks/plain/dba.json")  # doctest: +SKIP
    'snakemake --configfile results/mini/suite.json --cores all results/mini/evaluation/d/landmarks/plain/dba.json'
    """
    if study.suite is None:
        return None
    root = f"results/{study.suite.suite}"
    # Snakemake takes every word after --configfile for one more file, up to the next option.
    words = ["snakemake", "--configfile", f"{root}/suite.json", "--cores", "all", f"{root}/{source}"]
    return shlex.join(words)


def maker_of(path: str, steps: Steps) -> tuple[str, StoredRecord] | None:
    """Return the recorded step that made a file or folder, with its record's file; None for data from outside."""
    parts = PurePosixPath(path).parts
    for start in range(len(parts)):
        within = PurePosixPath(*parts[start:])
        for name in (within.as_posix(), within.with_suffix("").as_posix()):
            if name in steps:
                return steps[name]
    return None
