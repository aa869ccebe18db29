"""Which downloads of a suite were begun and did not come to their end."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path

from superglobal_core.errors import name_list
from superglobal_core.steps.items import record_of
from superglobal_core.steps.needs import Needs


def unfinished(needs: Needs, results: str | Path, command: Sequence[str]) -> str | None:
    """Name the suite's downloads and archives of distractors that were begun and are not done.

    results: the suite's folder of results, where each download's log says that it was begun; command:
    what was run, to be shown as what goes on.

    Returns:
        Sentences with the logs that say why, and how to go on; None when nothing was left.
    """
    logs = Path(results) / "logs"
    left = []
    for entry in needs.entries:
        log = logs / f"download/{entry.name}.log"
        if log.is_file() and not record_of(entry.name, needs.suite.root).is_file():
            left.append(f"the download {entry.name} ({log})")
    if needs.distractor_set is not None:
        name = needs.distractor_set.name
        parts = {part: logs / f"distractors/{name}/{part:03d}.log" for part in needs.parts}
        begun = [
            part for part, log in parts.items() if log.is_file() and not _described(needs, results, part)
        ]
        if begun:
            word = "archive" if len(begun) == 1 else "archives"
            left.append(
                f"{word} {name_list(begun, 100)} of {name} ({name_list(parts[part] for part in begun)})"
            )
    if not left:
        return None
    return (
        f"Not finished: {_and(left)}. The logs say why; what is done is kept, "
        f"and the same command goes on with what is left: {shlex.join(command)}"
    )


def _described(needs: Needs, results: str | Path, part: int) -> bool:
    assert needs.distractor_set is not None
    features = Path(results) / "features"
    return all(
        (features / descriptor / needs.distractor_set.name / f"part-{part:03d}/record.json").is_file()
        for descriptor, given in needs.suite.descriptors.items()
        if given.extract is not None
    )


def _and(names: Iterable[str]) -> str:
    *first, last = names
    return f"{'; '.join(first)}; and {last}" if first else last
