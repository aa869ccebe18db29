"""The likeliest mistakes: one line that says what, where and what to do; exit code 2; no half file.

Other files try every single input of a verb (test_bad_input.py, ../steps/test_mistakes.py). This is the list of
what people meet first, from the first word of a command to the last byte of its result.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import Run, groundtruth_content, write_pictures
from small_data import DIMENSION, KIND, Data

from superglobal_core.features.shards import write_shard


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A command, and the parts of its one line: what is wrong, where, and what to do."""

    command: str
    what: str
    where: str
    advice: str
    fault: Callable[[pytest.MonkeyPatch], None] = lambda patch: None
    code: int = 2
    first: str | None = None


def full_disk(patch: pytest.MonkeyPatch) -> None:
    def fail(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    patch.setattr(os, "fsync", fail)


def no_gpu(patch: pytest.MonkeyPatch) -> None:
    import torch

    patch.setattr(torch.cuda, "is_available", lambda: False)
    patch.setattr(torch.cuda, "device_count", lambda: 0)


def no_faiss(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(sys.modules, "faiss", None)


def interrupted(patch: pytest.MonkeyPatch) -> None:
    def stop(handle: int) -> None:
        raise KeyboardInterrupt

    patch.setattr(os, "fsync", stop)


def no_memory(patch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise MemoryError

    patch.setattr("superglobal_core.steps.search.search_step", fail)


SEARCH = "search --queries {q} --database {db} --out {out}.npz"
RERANK = "rerank --queries {q} --database {db} --out {out}.npz"
EVALUATE = "evaluate --groundtruth {gnd} --out {out}.json"
EXTRACT = "extract --images {images} --backbone mini --checkpoint {mini} --device cpu --out {out}"
DOCTOR = "doctor --no-measure --suite"

MISTAKES = {
    "a verb misspelt": Mistake("serch --k 5", "no verb 'serch'", "superglobal --help", "did you mean 'search'"),
    "an option misspelt": Mistake(SEARCH + " --databse x", "No such option", "--databse", "search --help"),
    "an option forgotten": Mistake("search --queries {q}", "Missing option", "--database", "search --help"),
    "a file that is not there": Mistake(
        SEARCH + " --database {absent}.npy", "does not exist", "absent.npy", "name descriptors made by"
    ),
    "an array of another shape": Mistake(
        SEARCH + " --database {flat.npy}", "has the shape 4", "flat.npy", "rows x dimensions"
    ),
    "dimensions that differ": Mistake(
        SEARCH + " --queries {wide.npy}", "17 dimensions and the database 16", "wide.npy", "extract both with the same"
    ),
    "values that are no numbers": Mistake(
        SEARCH + " --database {nan.npy}", "no finite number", "row 57 of", "extract it again"
    ),
    "a damaged shard": Mistake(
        SEARCH + " --database {damaged}", "not a whole .npy file", "shard-00000.npy", "make it again"
    ),
    "what a killed run left": Mistake(
        SEARCH + " --database {cut_short}", "lacks 2 of 3 shards", "cut_short", "run the same extraction again"
    ),
    "a number out of its range": Mistake(
        RERANK + " --beta -1", "-1.0", "beta", "it must be a number from 0 on"
    ),
    "a method misspelt": Mistake(
        RERANK + " --method superglobl", "unknown method", "superglobl", "did you mean 'superglobal'"
    ),
    "weights of another network": Mistake(
        EXTRACT + " --backbone resnet50", "does not fit", "mini.safetensors", "name the backbone"
    ),
    "no GPU": Mistake(EXTRACT + " --device cuda", "no usable NVIDIA GPU", "--device cuda", "--device cpu", no_gpu),
    "a folder without images": Mistake(EXTRACT + " --images {empty}", "holds no image", "empty", "name"),
    "an image that cannot be read": Mistake(
        EXTRACT + " --images {unreadable}", "cannot be decoded", "1 of 2 images cannot be used: b", "--on-error skip"
    ),
    "the ground truth of another data set": Mistake(
        SEARCH + " --groundtruth {other_gnd}", "the database has 40 rows", "gnd_other.pkl", "give one row an image"
    ),
    "a ranking of another size": Mistake(
        EVALUATE + " --ranks {db}", "has the shape 40 x 16", "db.npy", "one row"
    ),
    "a result's place that cannot be written": Mistake(
        "search --queries {q} --database {db} --out {file}/a.npz", "cannot write", "a.npz", "choose another place"
    ),
    "a result's name that is a folder": Mistake(
        "search --queries {q} --database {db} --out {empty}", "it is a folder", "empty", "name a file"
    ),
    "a folder of another run": Mistake(
        EXTRACT + " --scales 1 --out {earlier}", "made with other settings", "earlier", "--replace",
        first=EXTRACT + " --out {earlier}"
    ),
    "a disk that is full": Mistake(SEARCH, "No space left", "result.npz", "free space", full_disk),
    "memory that does not suffice": Mistake(SEARCH, "not enough memory", "for this", "smaller", no_memory),
    "a package that is not installed": Mistake(
        "index --database {db} --kind flat-fp16 --out {out}.faiss", "needs the package faiss", "approximate search",
        "pip install", no_faiss,
    ),
    "a suite that is no YAML": Mistake(DOCTOR + " {bad.yaml}", "no valid YAML", "bad.yaml", "line 2"),
    "a suite's key misspelt": Mistake(
        DOCTOR + " {key.yaml}", "metods is no key", "key.yaml", "did you mean 'methods'"
    ),
    "an interruption": Mistake(SEARCH, "interrupted", "the same command", "goes on where it was", interrupted, 130),
}  # fmt: skip


@pytest.fixture
def files(tmp_path: Path, data: Data, checkpoint: Path) -> dict[str, Path]:
    """What the commands name, good and bad."""
    bad = tmp_path / "bad"
    bad.mkdir()
    nan = data.database_array.copy()
    nan[17, 3] = np.nan
    np.save(bad / "nan.npy", nan)
    np.save(bad / "wide.npy", np.ones((3, DIMENSION + 1), np.float32))
    np.save(bad / "flat.npy", np.ones(4))
    for name in ("empty", "damaged", "cut_short"):
        (bad / name).mkdir()
    ids = [f"image_{row}" for row in range(len(data.database_array))]
    write_shard(bad / "damaged" / "shard-00000", ids, data.database_array, KIND)
    whole = bad / "damaged" / "shard-00000.npy"
    whole.write_bytes(whole.read_bytes()[:300])
    write_shard(bad / "cut_short" / "shard-00000", ids, data.database_array, KIND | {"shards": 3})
    write_pictures(bad / "images", ["a"])
    shutil.copytree(bad / "images", bad / "unreadable")
    (bad / "unreadable" / "b.png").write_text("no picture")
    (bad / "gnd_other.pkl").write_bytes(pickle.dumps(groundtruth_content(90, [([0], [], [])] * 4)))
    (bad / "bad.yaml").write_text("suite: a\ntitle: [b\n")
    (bad / "key.yaml").write_text("suite: a\ntitle: b\nmetods: {}\n")
    found = {path.name: path for path in bad.iterdir()} | {"other_gnd": bad / "gnd_other.pkl"}
    good = {"q": data.queries, "db": data.database, "gnd": data.groundtruth, "mini": checkpoint}
    return (
        found
        | good
        | {
            "absent": bad / "absent",
            "earlier": tmp_path / "earlier",
            "file": data.queries,
            "out": tmp_path / "result",
        }
    )


def arguments_of(command: str, files: dict[str, Path]) -> list[str]:
    arguments = command.split()
    for name, path in files.items():
        arguments = [argument.replace("{" + name + "}", str(path)) for argument in arguments]
    assert "{" not in "".join(arguments)
    return arguments


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_that_helps(
    name: str, files: dict[str, Path], tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake = MISTAKES[name]
    if mistake.first is not None:
        assert run(*arguments_of(mistake.first, files)).code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with monkeypatch.context() as patch:
        mistake.fault(patch)
        done = run(*arguments_of(mistake.command, files))
    assert done.code == mistake.code
    assert done.out == ""
    (line,) = done.err.splitlines()
    assert line.startswith("superglobal: ")
    for part in (mistake.what, mistake.where, mistake.advice):
        assert part in line, line
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_with_json_a_mistake_is_an_object(files: dict[str, Path], run: Run) -> None:
    for name in ("a verb misspelt", "an option forgotten", "dimensions that differ"):
        mistake = MISTAKES[name]
        done = run(*arguments_of(mistake.command, files), "--json")
        assert (done.code, done.out) == (2, "")
        (line,) = done.err.splitlines()
        assert mistake.what in json.loads(line)["error"]
        assert list(json.loads(line)) == ["error"]
