"""What a model finds wrong in a file, as one sentence for the user."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from superglobal_core.errors import UserError


@contextlib.contextmanager
def told(source: str | Path, sentence: Callable[[Mapping[str, Any]], str]) -> Iterator[None]:
    """Make one UserError, in one line, of all that a model finds wrong in what somebody wrote.

    sentence: what to say of one of Pydantic's errors, for example with `lower_first`.
    """
    try:
        yield
    except ValidationError as error:
        raise UserError(f"{source}: " + "; ".join(map(sentence, error.errors()))) from error


@contextlib.contextmanager
def damage_told(path: str | Path, advice: str) -> Iterator[None]:
    """Make one UserError of the first thing that a model finds wrong in what a step wrote.

    advice: what to do about it.
    """
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        # Pydantic's sentences are about types; a missing key deserves its own.
        wrong = "is missing" if first["type"] == "missing" else f"is wrong ({lower_first(first)})"
        raise UserError(f"{path} is damaged: {key} {wrong}; {advice}") from error


def lower_first(item: Mapping[str, Any]) -> str:
    """Return one of Pydantic's messages as the end of a sentence.

    >>> lower_first({"msg": "Value error, Two of them"})
    'two of them'
    """
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{message[:1].lower()}{message[1:]}"
