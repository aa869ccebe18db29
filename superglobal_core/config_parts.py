"""Parts that the models of a suite share: names, and methods' folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from superglobal_core.errors import UserError
from superglobal_core.methods.folder import LONGEST_NAME, MethodDescription, MethodFolder
from superglobal_core.model_errors import lower_first
from superglobal_core.reranking.names import METHOD_NAMES


def _is_name(value: str) -> str:
    # Names become folders and wildcards of the workflow.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", value):
        raise ValueError("use letters, digits, '_', '-' and '.', beginning with a letter or digit")
    if len(value) > LONGEST_NAME:
        raise ValueError(
            f"it has {len(value)} characters: files are named after it, use at most {LONGEST_NAME}"
        )
    return value


Name = Annotated[str, AfterValidator(_is_name)]

# An exponent of a generalised mean, and the floor of ReLUP, as networks/settings.py checks them.
Exponent = Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)]
Floor = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _is_method(value: str, info: ValidationInfo) -> str:
    # A folder's description was filled in before, so that a name without one is built-in or wrong.
    if info.data.get("found") is None and value not in METHOD_NAMES:
        known = {*(METHOD_NAMES if info.field_name == "reranker" else ()), *(info.context or ())}
        *most, last = (f"'{name}'" for name in sorted(known)) if known else ["folders in method_paths"]
        raise ValueError(f"choose from {', '.join(most)} or {last}" if most else f"choose from {last}")
    return value


MethodName = Annotated[str, AfterValidator(_is_method)]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Found(Model):
    """A method's folder as it was found: filled in when a suite is read, so that its results say it."""

    path: Path = Field(description="the folder")
    description: MethodDescription = Field(description="what its `method.yaml` says")

    @property
    def runs(self) -> str:
        """How it runs: builtin, python, program or results."""
        return self.description.runs

    def folder(self) -> MethodFolder:
        """Return it as a method."""
        return MethodFolder(self.path, self.description)

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Refuse parameters that it does not have, or out of their ranges (ValueError)."""
        try:
            self.folder().parameters(parameters)
        except UserError as error:
            raise ValueError(str(error)) from error


def short_forms(field: dict[str, Any]) -> None:
    """Admit in the schema of `methods` what is written out before the model sees it."""
    entry = {"anyOf": [field.pop("additionalProperties"), {"type": "null"}]}
    field["anyOf"] = [
        {"type": "object", "additionalProperties": entry, "minProperties": 1},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
    ]
    for key in ("type", "minProperties", "propertyNames"):
        field.pop(key, None)


def may_lack(key: str) -> Callable[[dict[str, Any]], None]:
    """Admit in a model's schema that a key is left out, because it is filled in before the model sees it."""

    def change(model: dict[str, Any]) -> None:
        model["required"].remove(key)
        if not model["required"]:
            del model["required"]

    return change


def mistake(item: Mapping[str, Any], known: Collection[str] = ()) -> str:
    """Say what is wrong with a key of a suite: one of Pydantic's errors as a sentence.

    known: keys that may have been meant by one that is none.
    """
    key = ".".join(str(part) for part in item["loc"] if part != "[key]") or "the suite"
    value = item.get("input")
    shown = "" if isinstance(value, Mapping | list) or item["type"] == "missing" else f" is {value!r}"
    if item["type"] == "missing":
        return f"{key} is missing: add it (see config/README.md)"
    if item["type"] == "extra_forbidden":
        near = get_close_matches(str(item["loc"][-1]), known, n=1)
        hint = f"did you mean '{near[0]}'? " if near and near[0] != item["loc"][-1] else ""
        return f"{key} is no key of a suite: remove it or correct its spelling ({hint}see config/README.md)"
    return f"{key}{shown}: {lower_first(item)}"
