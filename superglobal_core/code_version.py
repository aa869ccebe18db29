"""Which code made a result: the commit, and a fingerprint of just the modules a step depends on."""

from __future__ import annotations

import functools
import hashlib
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from superglobal_core.code_sources import Source, Sources, known_sources

PACKAGE = Path(__file__).parent


@functools.cache
def code_version() -> dict[str, Any]:
    """Return the package's version, the git commit of its checkout and whether that was changed since.

    Commit and dirty are None for an installed package outside a checkout.
    """
    try:
        version: str | None = metadata.version("superglobal")
    except metadata.PackageNotFoundError:
        version = None
    root = PACKAGE.parent
    commit = _git(root, "rev-parse", "HEAD") if (root / ".git").exists() else None
    status = _git(root, "status", "--porcelain", "--untracked-files=no") if commit else None
    return {"version": version, "commit": commit, "dirty": None if status is None else bool(status)}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def fingerprint(*modules: str) -> str:
    """Return a digest of the source of modules and of all modules of this package they import.

    It changes when, and only when, code that the named modules depend on changes. Data files
    beside a package's modules (templates, weights) count with that package, YAML under a module's name
    with that module.

    >>> fingerprint("superglobal_core.errors") == fingerprint("superglobal_core.errors")
    True
    """
    digest = hashlib.sha256()
    sources = known_sources()
    for path, source in sorted(_closure(modules, sources).items()):
        digest.update(f"{path.relative_to(PACKAGE).as_posix()}\0{source.digest}\0".encode())
    return digest.hexdigest()[:16]


def _closure(modules: tuple[str, ...], sources: Sources) -> dict[Path, Source]:
    todo = [_file_of(name) for name in modules]
    found: dict[Path, Source] = {}
    while todo:
        path = todo.pop()
        # The top package only re-exports: it would make everything depend on everything.
        if path is None or path in found or path == PACKAGE / "__init__.py":
            continue
        found[path] = sources.of(path)
        found |= {data: sources.of(data) for data in _data_of(path)}
        # Importing a module runs its packages first.
        todo += [_file_of(name) for name in found[path].imports] + [path.parent / "__init__.py"]
    return found


def _data_of(path: Path) -> Iterator[Path]:
    if path.name == "__init__.py":
        yield from (file for file in path.parent.rglob("*") if file.suffix in {".j2", ".css", ".js", ".json"})
    own = path.with_suffix(".yaml")  # a module's data, under its name
    if own.is_file():
        yield own


@functools.cache
def _file_of(module: str) -> Path | None:
    parts = module.split(".")
    if parts[0] != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*parts[1:])
    if path.is_dir():
        return path / "__init__.py"
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else None
