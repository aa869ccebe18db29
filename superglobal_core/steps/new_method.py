"""The step `new-method`: a method's folder to begin with, from commented templates."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from pathlib import Path

from superglobal_core.errors import UserError, unknown_name
from superglobal_core.files import write_text
from superglobal_core.methods.folder import DESCRIPTION, LONGEST_NAME, RULE, RULE_PREFIX
from superglobal_core.reranking.names import METHOD_NAMES

TEMPLATES = Path(__file__).parents[1] / "methods" / "templates"
FILES = {
    "reranker": {"reranker.yaml": DESCRIPTION, "reranker.py.j2": "method.py"},
    "program": {"program.yaml": DESCRIPTION, "rule.smk.j2": RULE, "program.py.j2": "program.py"},
    "descriptor": {"descriptor.yaml": DESCRIPTION, "rule.smk.j2": RULE, "descriptor.py.j2": "program.py"},
    "results": {"results.yaml": DESCRIPTION},
}


def new_method_step(name: str, kind: str, above: str | Path) -> Iterator[str]:
    """Write the folder `above`/NAME and yield what was written, and what comes next.

    Raises:
        UserError: for a kind that there is not, a name that cannot be or is taken, or an absent folder.
    """
    if kind not in FILES:
        raise unknown_name("kind", kind, FILES)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise UserError(
            f"the name {name!r} cannot be: use letters, digits, '_', '-' and '.', beginning with a letter or digit"
        )
    if len(name) > LONGEST_NAME:
        raise UserError(
            f"the name {name[:20]}... has {len(name)} characters: use at most {LONGEST_NAME}, files are named after it"
        )
    above = Path(above)
    if not above.is_dir():
        raise UserError(
            f"there is no folder {above}: go to the repository's root, or name another with --folder"
        )
    folder = above / name
    if name in METHOD_NAMES or folder.exists():
        taken = "a built-in method's" if name in METHOD_NAMES else f"there already ({folder})"
        raise UserError(f"the name '{name}' is {taken}: choose another")
    names = {"NAME": name, "IDENTIFIER": rule_name(name), "CLASS": _class_name(name)}
    for template, file in FILES[kind].items():
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        for mark, value in names.items():
            text = text.replace(f"@{mark}@", value)
        write_text(folder / file, text)
        yield str(folder / file)
    yield f"next: superglobal check-method {folder}; then list {name} in a suite's methods"


def rule_name(method: str) -> str:
    """Return the name of a method's rule: another for each method, and none of the workflow's.

    >>> rule_name("by-norm"), rule_name("by_norm"), rule_name("2nd.best")
    ('method_by_dash_norm', 'method_by_line_norm', 'method_2nd_dot_best')
    """
    # Each `_` belongs to one of these pairs, so that no two names become one.
    words = {"-": "_dash_", "_": "_line_", ".": "_dot_"}
    return RULE_PREFIX + "".join(words.get(letter, letter) for letter in method)


def _class_name(method: str) -> str:
    found = "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]", method))
    return found if found.isidentifier() and not keyword.iskeyword(found) else f"Method{found}"
