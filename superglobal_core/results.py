"""What a result always says of itself."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from superglobal_core.code_version import code_version
from superglobal_core.files import check_writable, sha256_of, write_json
from superglobal_core.invocation import command, from_here
from superglobal_core.timing.machine import describe_hardware, describe_software
from superglobal_core.timing.memory import peak_memory


class Input(BaseModel):
    """A file or folder that a step read, and what was in it."""

    model_config = ConfigDict(extra="forbid")

    role: str = Field(description="what it is to the step: ground truth, checkpoint, ranking, ...")
    path: str = Field(description="as it was named, relative to the working directory where it lies below")
    sha256: str | None = Field(None, description="of a file")
    digest: str | None = Field(
        None, description="of a folder, or of descriptors: their shape and at most 64 of their rows"
    )


class Record(BaseModel):
    """Everything needed to know what a number is, and to compare it with another."""

    model_config = ConfigDict(extra="forbid")

    step: str = Field(description="the verb that wrote the file")
    suite: str | None = Field(None, description="the suite it belongs to; none when run by hand")
    dataset: str | None = Field(None, description="the data set's name")
    distractors: int | None = Field(
        None, ge=0, description="images in the database beyond the data set's own; none = not known"
    )
    descriptor: dict[str, Any] | None = Field(
        None, description="how the descriptors were made, every switch included"
    )
    method: str | None = Field(None, description="the reranking method; 'none' is the first stage alone")
    parameters: dict[str, Any] = Field(default_factory=dict, description="every parameter of the step")
    protocol: dict[str, Any] = Field(
        default_factory=dict, description="every protocol switch of method and evaluation"
    )
    seed: int | None = Field(None, description="the seed of everything random in the step")
    command: str | None = Field(
        None, description="what makes the file again in a shell; none when the step was called from Python"
    )
    inputs: list[Input] = Field(default_factory=list, description="what the step read, with its digests")
    code: dict[str, Any] = Field(
        default_factory=code_version, description="version, git commit, and whether it was changed"
    )
    software: dict[str, str | None] = Field(default_factory=describe_software, description="versions")
    hardware: dict[str, Any] = Field(
        default_factory=describe_hardware, description="CPU, GPU, threads, memory"
    )
    date: str = Field(description="when the step ended, UTC, ISO 8601")
    wall_time_s: float = Field(description="how long the step took")
    peak_memory_bytes: int | None = Field(None, description="the process's largest resident memory")


class Stopwatch:
    """Measures a step for its record: started when made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def record(self, step: str, **facts: Any) -> Record:
        """Return the record of the step that ends now."""
        return Record(
            step=step,
            command=command(),
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            wall_time_s=round(time.perf_counter() - self._start, 3),
            peak_memory_bytes=peak_memory(),
            **facts,
        )


def file_input(role: str, path: str | Path, sha256: str | None = None) -> Input:
    """Describe a file that a step read; its SHA-256 is computed where it is not known yet."""
    return Input(role=role, path=from_here(path), sha256=sha256 or sha256_of(path))


def record_path(out: str | Path) -> Path:
    """Return where the record of an output lies: beside a file, inside a folder.

    >>> record_path("search/topk.npz").as_posix()
    'search/topk.record.json'
    """
    out = Path(out)
    return out / "record.json" if out.is_dir() else out.with_suffix(".record.json")


def check_outputs(out: str | Path, inputs: Iterable[str | Path] = ()) -> None:
    """Make sure before the work that a file and its record can be written (UserError otherwise)."""
    inputs = list(inputs)
    check_writable(out, inputs)
    check_writable(record_path(out), inputs)


@contextlib.contextmanager
def recorded(step: str, out: str | Path) -> Iterator[dict[str, Any]]:
    """Time a step and write its record beside its output; the block fills in the facts."""
    watch, facts = Stopwatch(), {}  # type: ignore[var-annotated]
    yield facts
    write_json(record_path(out), watch.record(step, **facts).model_dump())
