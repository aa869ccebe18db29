"""Where methods' folders are found, by name, without loading any method."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from superglobal_core.errors import UserError
from superglobal_core.methods.folder import DESCRIPTION, LONGEST_NAME, MethodFolder, read_method
from superglobal_core.reranking.names import METHOD_NAMES

#: the methods of the checkout that this package lies in; an installed package has none
SHIPPED = Path(__file__).parents[2] / "workflow" / "methods"

# Larger files (a ranking brought along) are known by their size and time.
LARGEST_READ = 1_000_000


def find_methods(paths: Iterable[str | Path] = (), shipped: str | Path = SHIPPED) -> dict[str, Path]:
    """Return the folders of methods by name: those of the workflow, and those in `paths`.

    Raises:
        UserError: when a path is no folder that holds methods, or a name is found twice.
    """
    found: dict[str, Path] = {}
    # Relative, so that results say nothing of where a checkout lies.
    for number, root in enumerate([Path(os.path.relpath(shipped)), *map(Path, paths)]):
        if number and not root.is_dir():
            raise UserError(
                f"method_paths names {root}, which is no folder: name one that holds methods' folders"
            )
        if number and (root / DESCRIPTION).is_file():
            raise UserError(f"method_paths names {root}, a method's own folder: name the folder above it")
        for description in sorted(root.glob(f"*/{DESCRIPTION}")):
            folder = description.parent
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", folder.name):
                raise UserError(
                    f"the method's folder {folder} needs another name: letters, digits, '_', '-' and '.', "
                    "beginning with a letter or digit"
                )
            if len(folder.name) > LONGEST_NAME:
                raise UserError(
                    f"the method's folder {folder} needs a shorter name: it has {len(folder.name)} characters, "
                    f"use at most {LONGEST_NAME}"
                )
            if number and folder.name in METHOD_NAMES:
                raise UserError(f"{folder} has the name of a built-in method: rename the folder")
            if folder.name in found and not folder.samefile(found[folder.name]):
                raise UserError(
                    f"the method '{folder.name}' is there twice, in {found[folder.name]} and in {folder}: rename one"
                )
            found[folder.name] = folder
    return found


def read_found(path: str | Path) -> MethodFolder:
    """Read a method's folder and check that what it runs is there.

    Raises:
        UserError: when its description is wrong, or the class's file or the rule is missing.
    """
    method = read_method(path)
    about = method.description
    if about.runs == "builtin" and method.name not in METHOD_NAMES:
        raise UserError(
            f"{path}: the library has no method '{method.name}', so that `runs: builtin` is wrong"
        )
    if about.runs != "builtin" and method.name in METHOD_NAMES:
        raise UserError(f"{path} has the name of a built-in method: rename the folder")
    wanted = {"program": method.rule.name, "python": (about.python or "").partition(":")[0]}.get(about.runs)
    if wanted is not None and not (method.path / wanted).is_file():
        raise UserError(
            f"{method.path / wanted} is not there, but {DESCRIPTION} says `runs: {about.runs}`: add it"
        )
    if about.runs != "program" and method.rule.is_file():
        raise UserError(f"{method.rule} is of no use: only what `runs: program` has a rule; remove it")
    return method


def folder_digest(path: str | Path) -> str:
    """Return a digest of a method's folder: it changes when a file in it does."""
    root, digest = Path(path), hashlib.sha256()
    for file in sorted(root.rglob("*"), key=lambda file: file.as_posix()):
        name = file.relative_to(root).as_posix()
        if (
            not file.is_file()
            or "__pycache__" in file.parts
            or any(part.startswith(".") for part in name.split("/"))
        ):
            continue
        size = file.stat().st_size
        content = file.read_bytes() if size <= LARGEST_READ else f"{size} {file.stat().st_mtime_ns}".encode()
        digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]
