"""What describes the environment agrees with itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
# Packages that conda-forge names differently.
CONDA_NAMES = {
    "playwright": "playwright-python",
    "torch": "pytorch",
    "opencv-python-headless": "py-opencv",
}


def _requirement(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"([A-Za-z0-9_.-]+)\s*(.*)", text.partition("#")[0].strip())
    assert match, text
    return match[1].lower(), match[2]


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_environment_yml_names_what_pyproject_names(project: dict) -> None:
    conda = dict(
        _requirement(line) for line in yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    )
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *extras["workflow"],
        *extras["faiss-gpu"],
        *extras["local"],
        *extras["docs"],
        *extras["test"],
    ]
    pyproject = dict(_requirement(line) for line in wanted if not line.startswith("superglobal["))
    expected = {CONDA_NAMES.get(name, name): bounds for name, bounds in pyproject.items()}
    expected |= {"python": project["requires-python"], "pip": ""}
    assert conda == expected


def test_the_lock_pins_every_dependency_with_hashes_and_no_address(project: dict) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?://|--index|--find-links", lock)
    entries = re.split(r"\n(?=[a-z0-9])", lock)
    pins = {}
    for entry in entries:
        match = re.match(r"([a-z0-9._-]+)==([^ ;\\]+)", entry)
        assert match, entry[:80]
        assert "--hash=sha256:" in entry, entry[:80]
        pins[match[1]] = match[2]
    extras = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *extras["workflow"],
        *extras["faiss"],
        *extras["local"],
        *extras["docs"],
        *extras["test"],
    ]
    names = {_requirement(line)[0] for line in wanted if not line.startswith("superglobal[")}
    assert names <= set(pins)


def test_no_module_imports_snakemake_or_upwards() -> None:
    layers = {
        "data": {"data"},
        "networks": {"networks"},
        "evaluation": {"evaluation"},
        "timing": {"timing"},
        "features": {"features", "data", "networks"},
        "search": {"search", "features", "evaluation"},
        "reranking": {"reranking", "search", "features", "networks", "evaluation", "data"},
        "comparison": {
            "comparison",
            "reranking",
            "search",
            "features",
            "networks",
            "data",
            "timing",
            "methods",
        },
        "methods": {"methods", "reranking", "search", "features", "evaluation", "data"},
        "cost": {"cost", "steps", "reranking", "search", "features", "networks", "data", "timing"},
        "doctor": {"doctor", "steps", "networks", "data", "timing"},
        "verdict": {"verdict"},
        "reporting": {"reporting", "verdict", "methods", "search", "evaluation", "data", "timing"},
        "runs": {"runs", "reporting", "search", "evaluation", "timing"},
    }
    packages = {path.name for path in (ROOT / "superglobal_core").iterdir() if path.is_dir()}
    for path in (ROOT / "superglobal_core").rglob("*.py"):
        source = path.read_text()
        assert not re.search(r"^\s*(from|import) snakemake", source, re.M), path
        home = path.relative_to(ROOT / "superglobal_core").parts[0]
        if home not in layers:
            continue
        imported = set(re.findall(r"^\s*(?:from|import) superglobal_core\.(\w+)", source, re.M)) & packages
        assert imported <= layers[home], f"{path} imports {imported - layers[home]}"


def test_modules_stay_small() -> None:
    long = {
        path.as_posix(): count
        for folder in ("superglobal_core", "workflow", "tools", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".smk"} and (count := len(path.read_text().splitlines())) > 400
    }
    assert not long


def test_readme_shows_both_commands_first() -> None:
    readme = (ROOT / "README.md").read_text()
    assert readme.index("make run") < readme.index("make test") < readme.index("## ")


@pytest.mark.parametrize(("given", "kept"), [({}, "176"), ({"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "8"}, "8")])
def test_what_onednn_keeps_is_bounded_before_torch_is_loaded(given: dict[str, str], kept: str) -> None:
    script = (
        "import os, sys, superglobal_core\n"
        "assert 'torch' not in sys.modules\n"
        "print(os.environ['ONEDNN_PRIMITIVE_CACHE_CAPACITY'])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ONEDNN_")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment | given, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == kept
