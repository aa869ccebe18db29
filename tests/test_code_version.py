"""Fingerprints: they change with the code a step depends on, and with nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import superglobal_core
from superglobal_core.code_version import code_version, fingerprint

PACKAGE = Path(superglobal_core.__file__).parent
MODULES = (
    "superglobal_core.steps.search",
    "superglobal_core.steps.evaluate",
    "superglobal_core.reporting.report",
)
SCRIPT = "import sys; from superglobal_core.code_version import fingerprint; print(*map(fingerprint, sys.argv[1:]))"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package's sources that may be changed."""
    ignored = shutil.ignore_patterns("__pycache__", "*.safetensors")
    return Path(shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=ignored))


def fingerprints(package: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *MODULES],
        cwd=package.parent,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.split()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text, f"{path} no longer holds {old!r}"
    path.write_text(text.replace(old, new, 1))


def test_only_what_a_step_depends_on_counts(package: Path) -> None:
    before = fingerprints(package)
    assert all(re.fullmatch(r"[0-9a-f]{16}", value) for value in before)
    assert len(set(before)) == 3
    assert before == [fingerprint(module) for module in MODULES]

    topk = package / "search" / "topk.py"
    edit(topk, '"""The best k', '"""Another docstring. The best k')
    edit(topk, "    k = min(k, scores.shape[1])\n", "\n    # a comment\n    k = min(  k, scores.shape[1] )\n")
    edit(
        topk,
        "    def __init__(self, k: int) -> None:\n",
        '    def __init__(self, k: int) -> None:\n        """New."""\n',
    )
    (package / "unrelated.py").write_text("x = 1\n")
    assert fingerprints(package) == before, "comments, docstrings and layout compute nothing"

    edit(topk, "stable=True", "stable=False")
    after = fingerprints(package)
    assert after[0] != before[0], "search imports it"
    assert after[2] == before[2], "the report reads files"
    before = after

    edit(package / "evaluation" / "bootstrap.py", "level: float = 0.95", "level: float = 0.9")
    after = fingerprints(package)
    assert after[1] != before[1], "it is imported by a module that evaluate imports"

    before = after
    template = next(package.glob("reporting/**/*.j2"))
    template.write_text(template.read_text() + "more")
    after = fingerprints(package)
    assert after[2] != before[2], "templates belong to the report"
    assert after[:2] == before[:2]

    before = after
    edit(package / "verdict" / "reported.yaml", "without_distractors: 0.3", "without_distractors: 0.4")
    after = fingerprints(package)
    assert after[2] != before[2], "reported figures are that module's data"
    assert after[:2] == before[:2]


def test_a_module_and_its_imports_are_found_anywhere(package: Path) -> None:
    """Imports inside functions count as well: they are how heavy libraries are kept out of the start."""
    before = fingerprints(package)
    edit(
        package / "devices.py",
        "    import torch\n",
        "    import torch\n    from superglobal_core import late_one\n",
    )
    (package / "late_one.py").write_text("x = 1\n")
    middle = fingerprints(package)
    assert middle[0] != before[0]
    (package / "late_one.py").write_text("x = 2\n")
    assert fingerprints(package)[0] != middle[0]


def test_code_version() -> None:
    found = code_version()
    assert set(found) == {"version", "commit", "dirty"}
    if found["commit"] is None:
        assert found["dirty"] is None
    else:
        assert re.fullmatch(r"[0-9a-f]{40}", found["commit"])
        assert isinstance(found["dirty"], bool)


def test_outside_a_checkout_there_is_no_commit(package: Path) -> None:
    script = "from superglobal_core.code_version import code_version; print(code_version())"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=package.parent, check=True, capture_output=True, text=True
    )
    assert "'commit': None, 'dirty': None" in done.stdout
