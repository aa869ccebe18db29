"""Running Snakemake for real, in a folder of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from runs import COMPARED, ROOT, Snakemake, command, environment


@pytest.fixture(scope="session")
def tiny_suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("suite") / "tiny.yaml"
    path.write_text(yaml.safe_dump(COMPARED))
    return path


@pytest.fixture(scope="session")
def snakemake() -> Snakemake:
    def run(
        folder: Path, suite: Path, *arguments: str, root: Path = ROOT
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(folder, suite, *arguments, root=root),
            cwd=folder,
            env=environment(root),
            capture_output=True,
            text=True,
            timeout=900,
        )

    return run


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, tiny_suite: Path, snakemake: Snakemake) -> Path:
    """A folder in which the tiny suite was run from nothing."""
    folder = tmp_path_factory.mktemp("run")
    done = snakemake(folder, tiny_suite)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
