"""The methods of a suite as it was written: short forms written out, folders found, descriptors set apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from superglobal_core.errors import UserError
from superglobal_core.methods.folder import MethodFolder
from superglobal_core.methods.registry import SHIPPED, find_methods, read_found


def with_methods(content: Mapping[str, Any], shipped: Path = SHIPPED) -> tuple[dict[str, Any], list[str]]:
    """Return a suite's content with its methods written out, and the names of all folders of methods.

    `methods` may be a list of names, and a method's entry empty: `reranker` is then the entry's name, and
    `label` what `method.yaml` says. What the folder says joins the entry as `found`. Descriptors move to
    `descriptors`. What is no suite's is left for the model to complain about; so is what was read already.

    Raises:
        UserError: when a folder is wrong, or a descriptor has the name of another.
    """
    suite = dict(content)
    paths = suite.get("method_paths")
    listed = paths if isinstance(paths, list) and all(isinstance(path, str | Path) for path in paths) else []
    folders = find_methods(listed, shipped)
    _check_list(suite.get("methods"))
    methods = _written_out(suite.get("methods"))
    made = _written_out(suite.get("descriptors"), empty=False)
    if isinstance(methods, dict):
        suite["methods"], brought = _methods(methods, folders)
        if brought and (made is None or isinstance(made, dict)):
            twice = sorted(set(brought) & set(made or {}))
            if twice:
                raise UserError(
                    f"methods.{twice[0]} makes descriptors, and descriptors has a {twice[0]} too: rename one"
                )
            made = (made or {}) | brought
    if isinstance(made, dict):
        _fill_descriptors(made, folders, suite.get("datasets"))
        suite["descriptors"] = made
    return suite, sorted(folders)


def _methods(
    methods: dict[str, Any], folders: Mapping[str, Path]
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Fill entries in; return those that make rankings, and those that make descriptors."""
    rankings, descriptors = {}, {}
    for name, entry in methods.items():
        method = _found(entry, name, "reranker", folders) if isinstance(entry, dict) else None
        if method is not None and method.description.stage == "descriptor":
            entry["method"] = entry.pop("reranker")
            descriptors[name] = entry
            continue
        if method is not None and method.description.runs == "results":
            entry["results"] = _results(method, entry)
        rankings[name] = entry
    return rankings, descriptors


def _fill_descriptors(descriptors: dict[str, Any], folders: Mapping[str, Path], datasets: object) -> None:
    for name, entry in descriptors.items():
        if not isinstance(entry, dict) or entry.get("method") is None:
            continue
        method = _found(entry, name, "method", folders)
        about = entry["found"]["description"] if isinstance(entry.get("found"), dict) else {}
        if about.get("runs") == "results" and "existing" not in entry:
            method = method or read_found(entry["found"]["path"])
            entry["existing"] = {
                name: files
                for name, files in _results(method, entry).items()
                if not isinstance(datasets, Mapping) or name in datasets
            }


def _check_list(methods: object) -> None:
    listed = methods if isinstance(methods, list) else []
    for place, item in enumerate(listed):
        if not isinstance(item, str):
            raise UserError(
                f"item {place + 1} of methods is {_shown(item)}: a list holds names alone; with what a suite says of a "
                "method, write all of them as NAME: {...}"
            )
        if item in listed[:place]:
            raise UserError(
                f"methods names {item} twice: remove one, or give the second a name of its own, "
                f"NAME: {{reranker: {item}}}"
            )


def _shown(item: object) -> str:
    text = repr(item)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _written_out(entries: object, empty: bool = True) -> object:
    """Return entries by name, in dictionaries of their own; empty: whether a list or None says enough."""
    if empty and isinstance(entries, list) and all(isinstance(name, str) for name in entries):
        entries = dict.fromkeys(entries)
    if not isinstance(entries, Mapping):
        return entries
    written = {}
    for name, entry in entries.items():
        entry = {} if empty and entry is None else entry
        written[name] = dict(entry) if isinstance(entry, Mapping) else entry
    return written


def _found(entry: dict[str, Any], name: str, key: str, folders: Mapping[str, Path]) -> MethodFolder | None:
    """Fill in what a method's folder says, unless the entry was filled in before; None where there is none."""
    short = entry.get(key) is None
    if short:
        entry[key] = name
    if entry.get("found") is not None or not isinstance(entry[key], str) or entry[key] not in folders:
        return None
    method = read_found(folders[entry[key]])
    # Entries of one folder with different parameters are told apart by their keys.
    if (short or (key == "method" and entry[key] == name)) and entry.get("label") is None:
        entry["label"] = method.description.label
    entry["found"] = {"path": str(method.path), "description": method.description.model_dump(mode="json")}
    return method


def _results(method: MethodFolder, entry: Mapping[str, Any]) -> Any:
    """Return the files of results brought along: the entry's own, or those of the folder."""
    given = entry.get("results")
    if given:
        return given
    return {
        dataset: {kind: str(method.path / file) for kind, file in files.items()}
        for dataset, files in method.description.results.items()
    }
