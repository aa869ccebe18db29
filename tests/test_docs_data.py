"""The complete example of docs/data.md is one: what it shows is what the library reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from superglobal_core.config import parse_suite
from superglobal_core.data.catalogue import load_catalogue
from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.steps.needs import needs_of

PAGE = (Path(__file__).parents[1] / "docs/data.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def test_the_example_of_a_data_set_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    entry, suite = blocks("yaml")
    Path("my.yaml").write_text(entry)
    (script,) = blocks("python")
    exec(compile(script, "docs/data.md", "exec"), {})
    assert load_groundtruth("gnd_my.pkl").counts() == {"easy": 1, "hard": 1, "junk": 1}
    catalogue = load_catalogue(["my.yaml"])
    needs = needs_of(parse_suite(yaml.safe_load(suite), "my-suite.yaml"), catalogue)
    assert [found.name for found in needs.entries] == ["my-landmarks", "cvnet-r50"]
    assert catalogue["my-landmarks"].image_folder() == "my-landmarks/jpg"


def test_every_entry_is_described() -> None:
    for name in load_catalogue():
        assert f"`{name}`" in PAGE
