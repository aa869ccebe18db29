"""The command that is being run, as a person could type it again."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path

PROGRAM = "superglobal"
_COMMAND: ContextVar[str | None] = ContextVar("command", default=None)


@contextlib.contextmanager
def invoked(arguments: Sequence[str]) -> Iterator[None]:
    """Remember the arguments of the command line while it works."""
    token = _COMMAND.set(shlex.join([PROGRAM, *(map(from_here, arguments))]))
    try:
        yield
    finally:
        _COMMAND.reset(token)


def command() -> str | None:
    """Return the command being run, for a shell; None where a step was called from Python.

    >>> with invoked(["evaluate", "--out", "my results/a.json"]):
    ...     command()
    "superglobal evaluate --out 'my results/a.json'"
    """
    return _COMMAND.get()


def from_here(text: str | Path) -> str:
    """Return a path, or an argument that names some, with those below the working directory relative to it.

    Others stay as they were given.

    >>> from_here(Path.cwd() / "results" / "a.json"), from_here(f"--out={Path.cwd()}/a"), from_here("a")
    ('results/a.json', '--out=a', 'a')
    """
    here = str(Path.cwd())
    if str(text) == here:
        return "."
    below = re.escape(here.rstrip("/") + "/")
    # At the beginning, after an option's = and between the commas of a list.
    return re.sub(rf"(^|[=,]){below}(?=[^/])", r"\1", str(text))
