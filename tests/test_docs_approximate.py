"""The manual of approximate search says what the code does, and its examples work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from superglobal_core.approximate_record import read_approximate
from superglobal_core.cli import app
from superglobal_core.config_approximate import Approximation
from superglobal_core.data.landmarks import make_landmarks
from superglobal_core.reporting.report import PARTS
from superglobal_core.search.index_kinds import KINDS, SAMPLE_BYTES, SAMPLE_ROWS, parse_index, plan_index

MANUAL = (Path(__file__).parents[1] / "docs/approximate-search.md").read_text()


def call(arguments: list[str]) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_table_has_every_kind_with_its_parameters() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| [^|]+ \| ([^|]+) \|$", MANUAL, re.M))
    names = {kind: set(re.findall(r"`(\w+)`", text)) - {"sq8", "fp16"} for kind, text in rows.items()}
    assert names == {name: set(kind.parameters) for name, kind in KINDS.items()}
    defaults = set(re.findall(r"^\| `(\w+)` \|", MANUAL, re.M))
    assert defaults >= {name for kind in KINDS.values() for name in kind.parameters} - {"storage"}


def test_its_numbers() -> None:
    assert plan_index(parse_index("ivfpq"), 1_000_000, 2048).parameters["m"] == 256
    assert "at most 32,768 rows or 256 MiB" in MANUAL
    assert (SAMPLE_ROWS, SAMPLE_BYTES) == (32_768, 256 * 2**20)


def test_its_example_is_a_suites_key() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", MANUAL, re.M | re.S)
    Approximation.model_validate(yaml.safe_load(block)["approximate"])
    assert "approximate" in PARTS


def test_the_examples_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_landmarks(tmp_path / "pictures", size=128, landmarks=4, distractors=0, processes=1)
    for part, more in (("queries", ["--boxes", "pictures/gnd_landmarks.pkl"]), ("database", [])):
        images = ["--images", f"pictures/{part}", "--backbone", "mini", "--out", f"features/{part}"]
        call(["extract", *images, *more, "--device", "cpu"])
    blocks = re.findall(r"^```sh\n(.*?)^```", MANUAL, re.M | re.S)
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]
    assert [command[:2] for command in commands] == [
        ["superglobal", verb] for verb in ("index", "search", "rerank", "approximate")
    ]
    outputs = [call(arguments) for _, *arguments in commands]
    assert "vectors rebuilt from the index ivfpq: cosine" in outputs[2]
    found = read_approximate("results/approximate/mini/landmarks/plain.json")
    assert [index.kind for index in found.indexes] == ["flat-sq8", "ivfpq", "hnsw"]
    assert [point.effort for point in found.indexes[1].points] == [1, 4, 8]
    call(["report", "--results", "results", "--only", "approximate", "--out", "page"])
    assert Path("page/approximate.html").is_file()
