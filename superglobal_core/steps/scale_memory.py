"""Peak memory of one stage, in a process that does nothing else."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from superglobal_core.errors import UserError
from superglobal_core.files import load_arrays
from superglobal_core.scale_record import Stage, StageMemory
from superglobal_core.steps.scale_works import Asked

# What earlier stages found, for those that begin with it.
FOUND = ("indices", "scores", "ranks", "order")


def memory_of(stage: Stage, asked: Asked, found: Path) -> StageMemory:
    """Run a stage once in a fresh process and return its memory.

    found: an `.npz` with `indices`, `scores` and `ranks` of the search and the reranked `order`.

    Raises:
        UserError: when the process fails.
    """
    words = json.dumps([stage, dataclasses.asdict(asked), str(found)], default=str)
    command = [sys.executable, "-m", "superglobal_core.steps.scale_memory", words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise UserError(f"the memory of the stage '{stage}' could not be measured: {said}")
    return StageMemory.model_validate_json(lines[-1])


def _measure(stage: Stage, asked: Asked, found: Path) -> StageMemory:
    from superglobal_core.timing.memory import measure_memory, own_peak

    use = measure_memory(_work(stage, asked, found))
    return StageMemory(**use.model_dump(), process_peak_bytes=own_peak())


def _work(stage: Stage, asked: Asked, found: Path) -> Callable[[], Any]:
    from superglobal_core.search.exact import SearchResult
    from superglobal_core.steps import scale_works as works

    if stage in ("floor", "whole", "open"):
        return {
            "floor": lambda: works.floor(asked),
            "whole": lambda: works.whole(asked),
            "open": lambda: works.open_inputs(asked),
        }[stage]
    opened, arrays = works.open_inputs(asked), load_arrays(found)
    result = SearchResult(arrays["indices"], arrays["scores"], arrays["ranks"])
    return works.works(asked, opened, result, arrays["order"])[stage]


if __name__ == "__main__":
    name, given, path = json.loads(sys.argv[1])
    given["databases"] = [Path(folder) for folder in given["databases"]]
    given |= {key: Path(given[key]) for key in ("queries", "groundtruth")}
    print(_measure(name, Asked(**given), Path(path)).model_dump_json())
