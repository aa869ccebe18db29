"""Which code made a result: the commit, and a fingerprint of just the modules a step depends on."""

from __future__ import annotations

import ast
import functools
import hashlib
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

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
    for path in sorted(_closure(modules)):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0")
        digest.update(_stable_source(path) + b"\0")
    return digest.hexdigest()[:16]


def _closure(modules: tuple[str, ...]) -> set[Path]:
    todo, found = [_file_of(name) for name in modules], set()
    while todo:
        path = todo.pop()
        # The top package only re-exports: it would make everything depend on everything.
        if path is None or path in found or path == PACKAGE / "__init__.py":
            continue
        found.add(path)
        if path.name == "__init__.py":
            found.update(
                file for file in path.parent.rglob("*") if file.suffix in {".j2", ".css", ".js", ".json"}
            )
        own = path.with_suffix(".yaml")  # a module's data, under its name
        found.update({own} if own.is_file() else ())
        # Importing a module runs its packages first.
        todo += [_file_of(name) for name in _imports(path)] + [path.parent / "__init__.py"]
    return found


def _file_of(module: str) -> Path | None:
    parts = module.split(".")
    if parts[0] != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*parts[1:])
    if path.is_dir():
        return path / "__init__.py"
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else None


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _stable_source(path: Path) -> bytes:
    if path.suffix != ".py":
        return path.read_bytes()
    # Comments, docstrings and layout do not change what the code computes.
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            del body[0]
    return ast.dump(tree).encode()
