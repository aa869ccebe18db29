"""The folders of the methods that come with the project, and what methods cite."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from superglobal_core.errors import UserError
from superglobal_core.methods.folder import DESCRIPTION, read_method

#: beside the package, where the repository has it
FOLDER = Path(__file__).parents[2] / "workflow" / "methods"


def built_in() -> dict[str, Path]:
    """Return the folders of the built-in methods by name; none where the package came without them."""
    return {path.parent.name: path.parent for path in sorted(FOLDER.glob(f"*/{DESCRIPTION}"))}


def citations_of(names: Iterable[str], folders: Iterable[Path] = ()) -> dict[str, str | None]:
    """Return methods' BibTeX by name: None for one that cites nothing.

    folders: whose subfolders are methods, before the built-in ones. Names whose description is not found,
    or cannot be read, are not in the result.

    >>> citations_of(["none", "no such method"])
    {'none': None}
    """
    known = dict(built_in())
    for folder in folders:
        known |= {path.parent.name: path.parent for path in Path(folder).glob(f"*/{DESCRIPTION}")}
    found = {}
    for name in names:
        if name in known:
            try:
                found[name] = read_method(known[name]).description.citation
            except UserError:
                continue
    return found
