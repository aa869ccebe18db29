"""The project's own papers agree with each other and with what there is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

import superglobal_core
from superglobal_core.config_manual import MANUAL_PATH

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_version_is_said_once_and_repeated_rightly() -> None:
    assert "version" in PYPROJECT["project"]["dynamic"]
    assert PYPROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "superglobal_core.__version__"}
    headings = re.findall(r"^## \[(.+)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == "Unreleased"
    assert headings[1] == superglobal_core.__version__
    assert f"git tag --annotate v{superglobal_core.__version__}" in (ROOT / "CONTRIBUTING.md").read_text()


def test_the_changelogs_entries_have_dates_and_kinds() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    for line in re.findall(r"^## (.*)$", text, re.M):
        assert line == "[Unreleased]" or re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", line)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)$", text, re.M)) <= kinds


def test_the_layout_names_every_folder() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text().partition("## What is where")[2].partition("\n## ")[0]
    named = {name.rstrip("/") for name in re.findall(r"`([\w./]+)`", table)}
    named |= {f"superglobal_core/{name}" for name in named}
    folders = [path for path in (ROOT / "superglobal_core").iterdir() if (path / "__init__.py").is_file()]
    assert {f"superglobal_core/{path.name}" for path in folders} <= named
    for name in ("config", "docs", "profiles", "tests", "benchmarks", "tools", "results", "reports"):
        assert name in named
        assert (ROOT / name).is_dir()


def test_hooks_are_the_checks_of_make_and_need_no_network() -> None:
    content = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    makefile = (ROOT / "Makefile").read_text().partition("\ncheck:")[2].partition("\n\n")[0]
    checks = {line.strip().removeprefix("$(BIN)/").split()[0] for line in makefile.splitlines()[1:]}
    (local,) = content["repos"]
    assert local["repo"] == "local"
    programs = [hook["entry"].split()[0] for hook in local["hooks"]]
    assert all(program.startswith(".venv/bin/") for program in programs)
    assert {Path(program).name for program in programs} == checks - {"snakemake"}
    assert {hook["language"] for hook in local["hooks"]} == {"system"}
    pinned = (ROOT / "requirements.lock").read_text()
    assert all(f"\n{Path(program).name}==" in pinned for program in programs)


def test_the_workflow_catalogue_finds_what_it_wants() -> None:
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["report"] is True
    assert usage["software-stack-deployment"] == {"conda": True}
    option, suite = usage["mandatory-flags"]["flags"].split()
    assert option == "--configfile"
    assert (ROOT / suite).is_file()
    assert (ROOT / MANUAL_PATH).is_file()
    rules = [path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk")]
    environments = {found for text in rules for found in re.findall(r"conda:\n\s+\"(.*)\"", text)}
    assert environments
    assert all((ROOT / "workflow/rules" / path).resolve().is_file() for path in environments)
