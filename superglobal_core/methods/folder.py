"""A method's folder: `method.yaml`, what a method says of itself, read and checked."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from keyword import iskeyword
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from superglobal_core.data.strict_yaml import load_yaml
from superglobal_core.errors import UserError
from superglobal_core.model_errors import lower_first, told

DESCRIPTION = "method.yaml"
RULE = "rule.smk"
# Of the rules of methods: no rule of the workflow has it.
RULE_PREFIX = "method_"

Value = bool | int | float | str


# What is given to classes and programs beside the parameters, and what Python takes itself.
TAKEN = ("shortlist", "self", "weights", "method")
# A whole number goes into arrays, and is compared with limits that are floats.
LARGEST = 2**63 - 1
LONGEST_LABEL = 100
#: of a name, after which folders and files are named
LONGEST_NAME = 100


class Parameter(BaseModel):
    """One parameter of a method: its default and what it may be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default: Value | None = Field(
        description="what it is when a suite does not say; null for a number that is not used unless given"
    )
    least: float | None = Field(None, description="the smallest value allowed")
    most: float | None = Field(None, description="the largest value allowed")
    above: float | None = Field(None, description="it must be larger than this")
    below: float | None = Field(None, description="it must be smaller than this")
    choices: list[str] | None = Field(None, description="the texts allowed")
    meaning: str = Field("", description="what it does, in a few words")

    @model_validator(mode="after")
    def _fits(self) -> Parameter:
        limits = {name: getattr(self, name) for name in ("least", "above", "most", "below")}
        given = {name: limit for name, limit in limits.items() if limit is not None}
        if isinstance(self.default, bool | str) and given:
            raise ValueError(f"{next(iter(given))} belongs to a number, and the default is {self.default!r}")
        if self.choices is not None and not isinstance(self.default, str):
            raise ValueError(f"choices belong to a text, and the default is {self.default!r}")
        if self.choices == []:
            raise ValueError("choices are none: name the texts allowed, or leave it out")
        for name, limit in given.items():
            if not math.isfinite(limit):
                raise ValueError(f"{name} is {limit}: write a finite number, or leave it out")
        low = [name for name in ("least", "above") if name in given]
        high = [name for name in ("most", "below") if name in given]
        for lower in low:
            for upper in high:
                closed = (lower, upper) == ("least", "most")
                if given[lower] > given[upper] or (given[lower] == given[upper] and not closed):
                    raise ValueError(
                        f"{lower} is {given[lower]:.10g} and {upper} is {given[upper]:.10g}: nothing lies between them"
                    )
        return self

    def complaint(self, value: object) -> str | None:
        """Say what is wrong with a value; None for a good one.

        >>> Parameter(default=9, least=0).complaint(-1)
        'it must be a whole number from 0 on'
        """
        if self.default is None and value is None:
            return None
        if isinstance(value, int) and abs(value) > LARGEST:
            return "whole numbers go from -2**63 + 1 to 2**63 - 1"
        if isinstance(self.default, bool):
            good = isinstance(value, bool)
        elif isinstance(self.default, str):
            good = isinstance(value, str) and (self.choices is None or value in self.choices)
        else:
            kinds = int if isinstance(self.default, int) else int | float
            good = isinstance(value, kinds) and not isinstance(value, bool) and self._inside(value)
        return None if good else self._wanted()

    def _inside(self, value: float) -> bool:
        return (
            math.isfinite(value)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    def _wanted(self) -> str:
        if isinstance(self.default, bool):
            return "it must be true or false"
        if isinstance(self.default, str):
            return f"choose from {', '.join(self.choices)}" if self.choices else "it must be a text"
        kind = "a whole number" if isinstance(self.default, int) else "a number"
        if self.least is not None and self.most is not None:
            return f"it must be {kind} from {self.least:.10g} to {self.most:.10g}"
        limits = [
            f"{words} {limit:.10g}"
            for words, limit in (("above", self.above), ("below", self.below), ("at most", self.most))
            if limit is not None
        ]
        start = "" if self.least is None else f" from {self.least:.10g} on"
        return f"it must be {kind}{start}" + (", " * bool(start) or " ") * bool(limits) + " and ".join(limits)


class Needs(BaseModel):
    """What a method cannot run without."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gpu: bool = Field(False, description="a CUDA device")
    weights: bool = Field(False, description="weights of its own: a suite's `weights` or `download`")
    local: str | None = Field(None, description="local features of this kind (see `superglobal local`)")
    packages: list[str] = Field([], description="Python packages beyond the project's own, by import name")


class MethodDescription(BaseModel):
    """What a `method.yaml` says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str = Field(min_length=1, description="the method's name in tables")
    stage: Literal["descriptor", "reranker", "search"] = Field(
        description="what it makes: descriptors of images, a new order of a shortlist, or a ranking of the database"
    )
    runs: Literal["builtin", "python", "program", "results"] = Field(
        description="the library's own method of this name; a class; what rule.smk calls; results brought along"
    )
    python: str | None = Field(None, description="FILE.py:CLASS, for `runs: python`")
    results: dict[str, dict[Literal["queries", "database", "plain", "distractors"], str]] = Field(
        {},
        description="files by data set, for `runs: results`: descriptors of `queries`, `database` and `distractors`, "
        "or a ranking of the `plain` database and of that with `distractors`",
    )
    parameters: dict[str, Parameter] = Field({}, description="beside `shortlist`, which every reranker has")
    needs: Needs = Field(default_factory=Needs, description="what it cannot run without")
    citation: str | None = Field(None, description="BibTeX entries")

    @field_validator("label")
    @classmethod
    def _one_line(cls, value: str) -> str:
        value = value.strip()
        if not value:
            raise ValueError("it is blank: write the method's name in tables")
        if not value.isprintable():
            raise ValueError("write it in one line, without tabs and other characters that cannot be seen")
        if len(value) > LONGEST_LABEL:
            raise ValueError(f"it has {len(value)} characters: at most {LONGEST_LABEL} fit into tables")
        return value

    @field_validator("parameters", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        for name in value if isinstance(value, Mapping) else ():
            if (
                not isinstance(name, str)
                or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
                or iskeyword(name)
            ):
                raise ValueError(
                    f"{name!r} is no name of a parameter: use letters, digits and '_', as in Python"
                )
            if name in TAKEN:
                raise ValueError(f"'{name}' is given to every method: call the parameter something else")
        return value

    @model_validator(mode="after")
    def _fits(self) -> MethodDescription:
        if (self.runs == "python") != (self.python is not None):
            raise ValueError("`python: FILE.py:CLASS` belongs to `runs: python`, and is needed there")
        if self.python is not None and not re.fullmatch(r"[\w.-]+\.py:[A-Za-z_]\w*", self.python):
            raise ValueError(f"python is {self.python!r}: write FILE.py:CLASS, the file beside method.yaml")
        if self.runs in ("builtin", "python") and self.stage != "reranker":
            raise ValueError(
                f"what runs as {self.runs} is a reranker: write `stage: reranker`, or `runs: program`"
            )
        if self.runs == "python" and self.needs.local is not None:
            raise ValueError(
                "a class is given no local features: leave needs.local out, or write `runs: program`"
            )
        if self.results and self.runs != "results":
            raise ValueError("`results` belongs to `runs: results`")
        wanted = {"queries", "database"} if self.stage == "descriptor" else {"plain"}
        for dataset, files in self.results.items():
            if not wanted <= set(files) <= wanted | {"distractors"}:
                raise ValueError(
                    f"results.{dataset} names {', '.join(files) or 'nothing'}: name {' and '.join(sorted(wanted))}, "
                    "and distractors where there are some"
                )
        for name, parameter in self.parameters.items():
            complaint = parameter.complaint(parameter.default)
            if complaint:
                raise ValueError(f"parameters.{name}.default is {parameter.default!r}: {complaint}")
        return self


@dataclasses.dataclass(frozen=True)
class MethodFolder:
    """A method as found: its folder, whose name is the method's, and its description."""

    path: Path
    description: MethodDescription

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def rule(self) -> Path:
        return self.path / RULE

    def parameters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters with defaults for those not given.

        Raises:
            UserError: for one that the method does not have, or a value out of its range.
        """
        known = self.description.parameters
        for key, value in given.items():
            if key not in known:
                listed = f"it has {', '.join(known)}" if known else "it has none"
                raise UserError(f"the method '{self.name}' has no parameter '{key}': {listed}")
            complaint = known[key].complaint(value)
            if complaint:
                raise UserError(f"{key} of the method '{self.name}' is {value!r}: {complaint}")
        return {name: given.get(name, parameter.default) for name, parameter in known.items()}


def read_method(path: str | Path) -> MethodFolder:
    """Read a method's folder.

    Raises:
        UserError: when there is none, or its description is absent or says what it may not.
    """
    path = Path(path)
    description = path / DESCRIPTION
    try:
        content = load_yaml(description.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"cannot read {description}: {error.strerror or error}; `superglobal new-method` writes one"
        ) from error
    except ValueError as error:
        raise UserError(f"{description} is no valid YAML: {' '.join(str(error).split())}") from error
    with told(description, _sentence):
        return MethodFolder(path, MethodDescription.model_validate(content))


def _sentence(item: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "the file"
    if item["loc"] == () and item["type"] == "model_type":
        return "it holds no keys: write label, stage and runs"
    if item["type"] == "missing":
        return f"{key} is missing: add it"
    if item["type"] == "extra_forbidden":
        return f"{key} is no key of a method: remove it or correct its spelling"
    return f"{key}: {lower_first(item)}"
