"""The graph of a run: what its steps read and made, from their records."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import StoredRecord, Study
from superglobal_core.reporting.data_read import DataFile
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.lineage import Steps, maker_of, output_of, steps_by_output

MOST_OF_A_STEP = 6  # nodes; a step of more descriptors and data sets is one node
DATA, REPORT = "data", "report"
Key = tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Node:
    """A kind of step on one descriptor and data set, data from outside, or the report.

    name: the step, or what the data are; subjects: on what; amount: how many files, and how long they took.
    """

    name: str
    subjects: tuple[str, ...]
    amount: str
    is_step: bool = True

    @property
    def sentence(self) -> str:
        return ", ".join(filter(None, (self.name, " on ".join(self.subjects), self.amount)))


@dataclasses.dataclass(frozen=True)
class Graph:
    """Nodes in the order in which they began to be made, and the pairs (from, to) of their numbers."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]

    def listed(self) -> list[tuple[Node, list[Node]]]:
        """Return the graph in words: each node but data, and what it was made of."""
        before = {
            target: [self.nodes[source] for source, other in self.edges if other == target]
            for target in range(len(self.nodes))
        }
        return [(node, before[number]) for number, node in enumerate(self.nodes) if node.is_step]


def step_graph(study: Study, labels: Labels, data: Sequence[DataFile]) -> Graph:
    """Return the graph of a study's records; data: the files from outside that they read.

    Where a record does not list what its step read, the paths in its command tell.
    """
    steps, folds = steps_by_output(study.records), _folds(study)
    outside: dict[str, Key] = {file.path: (DATA, file.roles) for file in data}
    members: dict[Key, list[StoredRecord]] = {}
    edges: dict[tuple[Key, Key], None] = {}
    targets: set[Key] = set()
    for source, record in study.records:
        key = _key(source, record, folds)
        members.setdefault(key, []).append(record)
        for made_of in _read_by(record, steps, outside, folds):
            if made_of != key:
                edges[made_of, key] = None
                targets.add(made_of)
    nodes: dict[Key, Node] = {
        key: _data_node(key, data) for key in dict.fromkeys(outside.values()) if key in targets
    }
    nodes |= {key: _step_node(key, records, labels) for key, records in members.items()}
    if members:
        nodes[REPORT,] = Node(REPORT, (study.suite.suite,) if study.suite else (), "these pages")
        edges |= {(key, (REPORT,)): None for key in members if key not in targets}
    numbers = {key: number for number, key in enumerate(nodes)}
    return Graph(
        tuple(nodes.values()),
        tuple(sorted((numbers[one], numbers[other]) for one, other in edges)),
    )


def _read_by(
    record: StoredRecord, steps: Steps, outside: dict[str, Key], folds: frozenset[str]
) -> Iterator[Key]:
    for path in [*(given.path for given in record.inputs), *_named(record.command)]:
        if path in outside:
            yield outside[path]
            continue
        made = maker_of(path, steps)
        found = [made] if made else _made_below(path, steps)
        yield from (_key(source, one, folds) for source, one in found)


def _named(command: str | None) -> Iterator[str]:
    """Yield the words of a command that may be what it reads."""
    try:
        words = shlex.split(command or "")
    except ValueError:  # written by another program
        return
    for before, word in zip(["", *words], words, strict=False):
        if before != "--out" and not word.startswith("-") and "/" in word:
            yield word


def _made_below(path: str, steps: Steps) -> list[tuple[str, StoredRecord]]:
    parts = PurePosixPath(path).parts
    for start in range(len(parts) - 1):
        folder = "/".join(parts[start:]) + "/"
        found = [step for output, step in steps.items() if output.startswith(folder)]
        if found:
            return found
    return []


def _folds(study: Study) -> frozenset[str]:
    """Return the steps of too many descriptors and data sets to be told apart."""
    found: dict[str, set[Key]] = {}
    for source, record in study.records:
        found.setdefault(record.step, set()).add(_key(source, record, frozenset()))
    return frozenset(step for step, keys in found.items() if len(keys) > MOST_OF_A_STEP)


def _key(source: str, record: StoredRecord, folds: Iterable[str]) -> Key:
    # Folders within a step's own are named after the descriptor and the data set.
    return (record.step, *(() if record.step in folds else PurePosixPath(output_of(source)).parts[1:3]))


def _step_node(key: Key, records: Sequence[StoredRecord], labels: Labels) -> Node:
    step, *names = key
    subject = [
        labels.descriptor(name) if number == 0 else labels.dataset(name) for number, name in enumerate(names)
    ]
    seconds = sum(record.wall_time_s for record in records)
    return Node(step, tuple(subject), f"{_files(len(records))}, {texts.duration(seconds)}")


def _data_node(key: Key, data: Sequence[DataFile]) -> Node:
    mine = [file.path for file in data if (DATA, file.roles) == key]
    folders = [PurePosixPath(path).parts for path in mine]
    shared = [part for part, *others in zip(*folders, strict=False) if all(other == part for other in others)]
    return Node(key[1], ("/".join(shared[-2:]),), _files(len(mine)) if len(mine) > 1 else "", is_step=False)


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{texts.count(number)} files"
