"""The examples of docs/timing.md work on small inputs, and its drawing is well-formed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from superglobal_core.cli import app
from superglobal_core.comparison.stand_ins import draw_descriptors
from superglobal_core.data.landmarks import make_landmarks
from superglobal_core.timing.alone import VARIABLE
from superglobal_core.timing.record import read_timings

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "timing.md").read_text()
# What is said last counts: the examples' own methods, inputs and scopes, in a few seconds.
QUICK = ["--device", "cpu", "--repeats", "2", "--timed-queries", "2", "--budget", "0.2"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the examples name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "timing.lock"))
    make_landmarks(tmp_path / "pictures", size=128, landmarks=2, distractors=0, processes=1)
    counts = {name: len(list(Path("pictures", name).glob("*.jpg"))) for name in ("queries", "database")}
    draw_descriptors(tmp_path, counts["queries"], counts["database"], dimension=32)


@pytest.mark.usefixtures("inputs")
def test_the_examples_work() -> None:
    commands = [shlex.split(block) for block in blocks("sh")]
    assert len(commands) == 3
    for name, *arguments in commands:
        assert name == "superglobal"
        done = CliRunner().invoke(app, [*arguments, *QUICK], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        record = read_timings(arguments[arguments.index("--out") + 1])
        assert {timing.reason for timing in record.timings} == {None}
        methods = arguments[arguments.index("--methods") + 1].split(",")
        scopes = arguments[arguments.index("--scopes") + 1].split(",")
        found = {(timing.method, timing.scope) for timing in record.timings}
        assert found == {(method, scope) for method in methods for scope in scopes}
    (script,) = blocks("python")
    exec(compile(script, "docs/timing.md", "exec"), {})


def test_the_drawing_is_well_formed_and_its_text_is_text() -> None:
    (named,) = re.findall(r"!\[.*\]\((.*\.svg)\)", PAGE)
    drawing = ElementTree.parse(DOCS / named).getroot()
    words = " ".join("".join(text.itertext()) for text in drawing.iter("{http://www.w3.org/2000/svg}text"))
    for scope in ("scoring", "from storage", "end to end"):
        assert scope in words
