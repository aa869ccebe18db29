"""Why a method could not run: a sentence, and the file that has it in place of a result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from superglobal_core.errors import UserError
from superglobal_core.files import write_json
from superglobal_core.own_endings import EndedError

KEY = "cannot_run"


class CannotRunError(UserError):
    """Why a method cannot run or be timed: a result like any other."""


def reason_of(error: BaseException) -> str:
    """Put an error into one sentence for a record.

    >>> reason_of(CannotRunError("no pictures")), reason_of(ValueError("bad"))
    ('no pictures', 'it failed with ValueError: bad')
    """
    from superglobal_core.data.images import ImageError

    text = writable(" ".join(str(error).split()))
    if isinstance(error, UserError | EndedError) and text:
        return text
    if isinstance(error, ImageError):
        return f"a picture {text}"
    return f"it failed with {type(error).__name__}" + (f": {text[:300]}" if text else "")


def write_reason(path: str | Path, reason: str, **facts: Any) -> None:
    """Write why there is no result in place of it (JSON), with other facts."""
    write_json(path, {KEY: writable(reason), **facts})


def writable(reason: str) -> str:
    """Return a reason with what no file can hold (surrogates, of names that are no UTF-8) written escaped.

    >>> writable("no file caf\\udce9")
    'no file caf\\\\udce9'
    """
    return reason.encode("utf-8", "backslashreplace").decode("utf-8")


def reason_in(path: str | Path) -> str | None:
    """Return why there is no result, where a file, or a folder's record, says so; None for a result."""
    path = Path(path) / "record.json" if Path(path).is_dir() else Path(path)
    try:
        with path.open("rb") as stream:
            if stream.read(1) != b"{":
                return None
        content = dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        # Whoever reads it for its content will say what is wrong.
        return None
    found = content.get(KEY)
    if not found and isinstance(content.get("parameters"), dict):
        found = content["parameters"].get(KEY)
    return writable(found) if isinstance(found, str) and found else None
