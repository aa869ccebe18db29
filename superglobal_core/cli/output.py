"""What a verb prints on stdout: lines for people or, with `--json`, one object; and errors in the same form."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from superglobal_core.progress import hushed, note


@dataclasses.dataclass
class Form:
    """How this run of the command line prints: what `--quiet` and `--json` set, and the verb that runs."""

    json: bool = False
    verb: str | None = None
    quiet: contextlib.ExitStack = dataclasses.field(default_factory=contextlib.ExitStack)


_form = Form()


@contextlib.contextmanager
def form() -> Iterator[Form]:
    """Begin with neither `--quiet` nor `--json`; what is set within the block ends with it."""
    global _form
    before, _form = _form, Form()
    try:
        with _form.quiet:
            yield _form
    finally:
        _form = before


def set_quiet(wanted: bool) -> bool:
    """Take `--quiet`: no progress and no notes from here on."""
    if wanted:
        _form.quiet.enter_context(hushed())
    return wanted


def set_json(wanted: bool) -> bool:
    """Take `--json`."""
    _form.json = _form.json or wanted
    return wanted


def set_verb(name: str | None) -> None:
    """Remember which verb runs: its object says it."""
    _form.verb = name


def show(lines: str | Iterable[str], /, **facts: Any) -> None:
    """Print what a verb found: `lines` for people, or with `--json` the facts as one object on one line.

    A verb calls this once, when its work is done. Paths become text, dataclasses and models objects, numbers
    that are none `null`.

    >>> from pathlib import Path
    >>> show("4 queries: r.npz", queries=4, out=Path("r.npz"))
    4 queries: r.npz
    >>> with form():
    ...     set_verb("search"), set_json(True), show("4 queries: r.npz", queries=4, out=Path("r.npz"))
    {"verb": "search", "queries": 4, "out": "r.npz"}
    (None, True, None)
    """
    if _form.json:
        # Lines that are made while the work goes on: the facts are whole after the last of them.
        list(lines)
        print(json.dumps({"verb": _form.verb, **plain(facts)}, ensure_ascii=False, allow_nan=False))
        return
    for line in [lines] if isinstance(lines, str) else lines:
        print(line)


def show_note(line: str) -> None:
    """Print on stderr what nobody needs to act on; nothing with `--quiet`."""
    note(line)


def show_error(message: str, as_json: bool) -> None:
    """Print an error on stderr, in one line."""
    text = " ".join(message.split())
    print(
        json.dumps({"error": text}, ensure_ascii=False) if as_json else f"superglobal: {text}",
        file=sys.stderr,
    )


def plain(value: Any) -> Any:
    """Return a value as JSON has it.

    >>> from pathlib import Path
    >>> plain({"a": (1, float("nan")), 2: Path("x")})
    {'a': [1, None], '2': 'x'}
    """
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif hasattr(value, "tolist"):
        value = value.tolist()  # NumPy's numbers and arrays
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def kept(lines: Iterable[str], said: list[str]) -> Iterator[str]:
    """Pass lines on as they come, and keep them in `said` for the object.

    >>> said = []
    >>> list(kept(["a", "b"], said)), said
    (['a', 'b'], ['a', 'b'])
    """
    for line in lines:
        said.append(line)
        yield line
