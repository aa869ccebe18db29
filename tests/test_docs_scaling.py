"""docs/scaling.md plans from the run that is kept, and its examples work."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from superglobal_core.cli import app
from superglobal_core.config import parse_suite
from superglobal_core.errors import UserError
from superglobal_core.reporting.scale_docs import DOCS_PATH, KEPT_PATH, plan_text, with_plan
from superglobal_core.scale_record import read_scale
from superglobal_core.timing.alone import VARIABLE

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / DOCS_PATH).read_text()


def test_the_plan_is_that_of_the_kept_run() -> None:
    assert with_plan(PAGE, plan_text(ROOT / KEPT_PATH)) == PAGE


def test_a_page_without_a_place_is_refused() -> None:
    with pytest.raises(UserError, match="no place for the plan"):
        with_plan("# Nothing", "a plan")


def test_the_example_suites_are_some() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
    indexed, large = (parse_suite(yaml.safe_load(block), "docs/scaling.md").scale for block in blocks)
    assert indexed is not None
    assert indexed.indexed_sizes() == [30_000, 300_000]
    assert large is not None
    assert large.sizes[-1] == 10_000_000


def test_the_shown_commands_work_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "timing.lock"))
    lines = re.findall(r"^superglobal (.*)$", PAGE, re.M)
    assert [line.split()[0] for line in lines] == ["planted-descriptors", "planted-descriptors", "scale"]
    small = {
        "planted-descriptors": "--dimension 16 --landmarks 2 --within 10000 --queries 2",
        "scale": "--k 20 --shortlist 20 --repeats 1 --device cpu",
    }
    for line in lines:
        words = shlex.split(f"{line} {small[line.split()[0]]}")
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (line, done.output, done.exception)
    assert read_scale(tmp_path / "10000.json").size == 10_000
