"""The data behind a study: every file and folder that its steps read, with hashes, and sizes where they are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from superglobal_core.errors import UserError
from superglobal_core.files import read_json
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.lineage import maker_of, steps_by_output

MANIFEST = "MANIFEST.json"


@dataclasses.dataclass(frozen=True)
class DataFile:
    """A file or folder that steps read, relative to the folder they ran in.

    roles: what it is to them, joined by commas. states: its digests, more than one where it changed between steps.
    steps: how many read it. made_by: the step that made it, None for data from outside.
    images: in a folder of them, None where not known.
    """

    path: str
    roles: str
    states: tuple[str, ...]
    steps: int
    made_by: str | None
    size: int | None
    images: int | None


def data_read(study: Study) -> list[DataFile]:
    """List what the steps of a study read, each path once: data from outside first, then by role and path."""
    steps = steps_by_output(study.records)
    roles: dict[str, set[str]] = {}
    states: dict[str, dict[str, None]] = {}
    readers: dict[str, int] = {}
    for _, record in study.records:
        for given in record.inputs:
            roles.setdefault(given.path, set()).add(given.role)
            found = states.setdefault(given.path, {})
            if given.sha256 or given.digest:
                found[f"sha256 {given.sha256}" if given.sha256 else f"digest {given.digest}"] = None
        for path in {given.path for given in record.inputs}:
            readers[path] = readers.get(path, 0) + 1
    files = []
    for path, named in roles.items():
        made = maker_of(path, steps)
        size, images = _size(path, study)
        by = made[1].step if made else None
        files.append(
            DataFile(path, ", ".join(sorted(named)), tuple(states[path]), readers[path], by, size, images)
        )
    return sorted(files, key=lambda file: (file.made_by is not None, file.roles, file.path))


def _size(path: str, study: Study) -> tuple[int | None, int | None]:
    """Return bytes and number of images of what lies in the folder of results; None where it does not."""
    prefix = PurePosixPath("results", study.suite.suite if study.suite else study.root.name)
    if not PurePosixPath(path).is_relative_to(prefix):
        return None, None
    here = study.root / PurePosixPath(path).relative_to(prefix)
    if here.is_file():
        return here.stat().st_size, None
    known = _in_manifest(here)
    return known.get("bytes"), known.get("images")


def _in_manifest(folder: Path) -> Mapping[str, int]:
    # A manifest tells what was drawn or unpacked; without one the page does without sizes.
    try:
        manifest = read_json(folder.parent / MANIFEST)
    except UserError:
        return {}
    folders = manifest.get("folders") if isinstance(manifest, dict) else None
    entry = folders.get(folder.name) if isinstance(folders, dict) else None
    found = entry if isinstance(entry, dict) else {}
    return {key: value for key, value in found.items() if isinstance(value, int)}
