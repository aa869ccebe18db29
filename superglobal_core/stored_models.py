"""Files that hold one model: read whole or refused with a sentence, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from superglobal_core.files import read_json, write_json
from superglobal_core.model_errors import damage_told

Model = TypeVar("Model", bound=BaseModel)


def read_stored(path: str | Path, model: type[Model], advice: str = "make it again") -> Model:
    """Read a JSON file into a model.

    advice: what to do about a file that is none.

    Raises:
        UserError: when the file is absent, unreadable, or not what the model says.
    """
    content = read_json(path)
    with damage_told(path, advice):
        return model.model_validate(content)


def write_stored(path: str | Path, content: BaseModel) -> None:
    """Write a model as JSON, whole or not at all."""
    write_json(path, content.model_dump(mode="json"))
