"""The step `check-method`: whether methods conform, checked on small data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from superglobal_core.errors import UserError, unknown_name
from superglobal_core.files import check_writable, write_json
from superglobal_core.methods.conformance.check import check_folder
from superglobal_core.methods.conformance.findings import Finding
from superglobal_core.methods.folder import DESCRIPTION
from superglobal_core.methods.registry import find_methods


def check_step(
    methods: Sequence[str],
    *,
    every: bool = False,
    weights: Path | None = None,
    dimension: int = 32,
    json: Path | None = None,
) -> Iterator[tuple[str, Finding]]:
    """Yield each check's finding with its method's name, as they come; then write them all to `json`.

    methods: names of methods in `workflow/methods`, or folders; every: all of the former too;
    weights: the file that a class is made with where it needs one; dimension: of the descriptors.

    Raises:
        UserError: for a name that is none, or when `json` cannot be written.
    """
    folders = [_folder(name) for name in methods] + (list(find_methods().values()) if every else [])
    if not folders:
        raise UserError("name a method or its folder, or give --all for those in workflow/methods")
    if dimension < 4:
        raise UserError(f"--dimension is {dimension}: at least 4 are needed")
    if json is not None:
        check_writable(json)
    found: dict[str, list[Finding]] = {}
    for folder in dict.fromkeys(folders):
        found[folder.name] = check_folder(folder, weights, dimension)
        for finding in found[folder.name]:
            yield folder.name, finding
    if json is not None:
        listed = {name: [dataclasses.asdict(finding) for finding in each] for name, each in found.items()}
        write_json(
            json, {"conforms": {name: conforms(each) for name, each in found.items()}, "checks": listed}
        )


def conforms(findings: Sequence[Finding]) -> bool:
    """Tell whether nothing failed."""
    return all(finding.state != "failed" for finding in findings)


def _folder(name: str) -> Path:
    if (Path(name) / DESCRIPTION).is_file() or "/" in name:
        return Path(name).resolve()
    known = find_methods()
    if name not in known:
        raise unknown_name("method", name, known)
    return known[name]
