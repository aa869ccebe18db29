"""Two equal runs, to be changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_runs import copy_run, make_run


@pytest.fixture(scope="session")
def run_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run; only to be read."""
    return make_run(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def first(run_model: Path, tmp_path: Path) -> Path:
    return copy_run(run_model, tmp_path / "first" / "tiny")


@pytest.fixture
def second(run_model: Path, tmp_path: Path) -> Path:
    return copy_run(run_model, tmp_path / "second" / "tiny")
