"""What verifying has nothing of: results that the suite asks for, emptied files, timings that cannot be read."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from superglobal_core.errors import UserError
from superglobal_core.files import read_json
from superglobal_core.reasons import reason_in
from superglobal_core.reporting.collect import Study, TimedData, read_timed, timing_files
from superglobal_core.reporting.study import missing_results
from superglobal_core.steps.checked import Checked


def no_result(path: Path, root: Path) -> str | None:
    """Say what is wrong with a file that is no evaluation; None where it need not be one."""
    content = read_json(path)
    if content in ({}, []):
        return "empty: evaluate again"
    within = path.relative_to(root).parts[0] == "evaluation" and not path.name.endswith("record.json")
    if within and reason_in(path) is None:
        return "empty: it holds neither figures nor a reason why there are none; evaluate again"
    return None


# What is named by its folder; other names are of evaluations.
OWN_FOLDERS = ("timing/", "ablation/", "sweeps/", "tuning/", "approximate/", "scale/")


def missing_files(study: Study, known: Collection[str]) -> list[Checked]:
    """List what the suite asks for and the folder lacks; `known` are files that were found, damaged or not."""
    found = []
    for name in missing_results(study):
        source = f"{name}.json" if name.startswith(OWN_FOLDERS) else f"evaluation/{name}.json"
        if source not in known:
            found.append(Checked(source, reasons=["missing: the suite asks for it"]))
    return found


def timings(root: Path) -> tuple[tuple[TimedData, ...], list[Checked]]:
    """Read the timings, and list those that cannot be read."""
    read, damaged = [], []
    for path in timing_files(root):
        try:
            read.append(read_timed(path, root))
        except UserError as error:
            damaged.append(Checked(path.relative_to(root).as_posix(), reasons=[str(error)]))
    return tuple(read), damaged
