"""The columns of a leaderboard: what figures must have in common to stand below each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Result
from superglobal_core.runs.run import Run

# The paper's tables have no Easy.
COLUMN_PROTOCOLS: tuple[Literal["medium", "hard"], ...] = ("medium", "hard")


@dataclasses.dataclass(frozen=True)
class Database:
    """What figures of one column have in common: the queries, their ground truth, and what was searched."""

    dataset: str
    variant: str
    distractors: int | None
    groundtruth: str | None
    left_out: int | None


@dataclasses.dataclass(frozen=True)
class Column:
    """A column: a database under a protocol. id: what `--by` takes; label: the database's for people."""

    id: str
    label: str
    database: Database
    protocol: Literal["medium", "hard"]


def database_of(result: Result) -> Database:
    """Return what a result searched, by its record."""
    record = result.record
    digest, left_out = record.protocol.get("groundtruth_sha256"), record.protocol.get("images_left_out")
    return Database(
        result.dataset,
        result.variant,
        record.distractors,
        digest if isinstance(digest, str) else None,
        left_out if isinstance(left_out, int) else None,
    )


def make_columns(results: Sequence[tuple[Run, Result]]) -> tuple[Column, ...]:
    """Return the columns of all results: data sets in their order, each without distractors first."""
    labels: dict[Database, str] = {}
    for run, result in results:
        database = database_of(result)
        labels.setdefault(database, f"{run.labels.dataset(database.dataset)}{_searched(database)}")
    order = {name: place for place, name in enumerate(dict.fromkeys(each.dataset for each in labels))}
    sorted_databases = sorted(labels, key=lambda each: (order[each.dataset], each.variant != "plain"))
    columns, numbers = [], dict[str, int]()
    for database in sorted_databases:
        same = [each for each in labels if labels[each] == labels[database]]
        label = labels[database] + (_told_apart(database) if len(same) > 1 else "")
        stem = f"{database.dataset}/{database.variant}"
        number = numbers[stem] = numbers.get(stem, 0) + 1
        stem += f"#{number}" if number > 1 else ""
        columns += [Column(f"{stem}/{protocol}", label, database, protocol) for protocol in COLUMN_PROTOCOLS]
    return tuple(columns)


def _searched(database: Database) -> str:
    if database.distractors is None:
        return ", distractors not recorded"
    return f" + {texts.count(database.distractors)} distractors" if database.distractors else ""


def _told_apart(database: Database) -> str:
    digest = (
        f"ground truth {database.groundtruth[:8]}" if database.groundtruth else "ground truth not recorded"
    )
    return f" ({digest}{f', {database.left_out} images left out' if database.left_out else ''})"
