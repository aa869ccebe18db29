"""The examples of pages that have no test of their own work on small inputs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from doc_pages import blocks, commands
from helpers import Run, unit_rows
from test_docs_commands import EXAMPLES, RUN, shown_entry

from superglobal_core.data.landmarks import make_landmarks
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.steps.extract import extract_step

MINE = [page for page, languages in RUN.items() if EXAMPLES in languages.values()]
# What is added to a verb's words, so that it takes seconds; what is said last counts.
SMALL = {
    "landmarks": ["--size", "128", "--landmarks", "2", "--distractors", "0", "--processes", "1"],
    "rerank": ["--device", "cpu"],
    "search": ["--device", "cpu"],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples name: pictures, descriptors, a ranking."""
    folder = tmp_path_factory.mktemp("examples")
    make_landmarks(folder / "pictures", size=128, landmarks=2, distractors=0, processes=1)
    (folder / "landmarks").symlink_to("pictures")
    rows = {name: len(list((folder / "pictures" / name).glob("*.jpg"))) for name in ("queries", "database")}
    rng = np.random.default_rng(0)
    for name, count in rows.items():
        np.save(folder / f"{name}.npy", unit_rows(rng, count, 32))
    np.save(folder / "ranking.npy", np.tile(np.arange(rows["database"]), (rows["queries"], 1)))
    shutil.copy(folder / "pictures/gnd_landmarks.pkl", folder / "gnd_roxford5k.pkl")
    return folder


@pytest.fixture(scope="module")
def features(made: Path) -> Path:
    """Descriptors of the pictures, as the command line makes them."""
    for part, boxes in (("queries", made / "pictures/gnd_landmarks.pkl"), ("database", None)):
        extract_step(
            made / "pictures" / part,
            made / "features" / part,
            backbone="mini",
            settings=DescriptorSettings(),
            boxes=boxes,
            device="cpu",
        )
    return made / "features"


@pytest.fixture
def place(made: Path, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a test's own with all of that; what examples write stays in it."""
    shutil.copytree(made, tmp_path, symlinks=True, dirs_exist_ok=True)
    (tmp_path / "workflow/methods").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", MINE)
def test_the_examples_of_a_page_work(page: str, place: Path, run: Run) -> None:
    if page == "README.md":  # its first lines make these
        (place / "landmarks").unlink()
        shutil.rmtree(place / "features")
    names = known_names(place)
    mine = [
        block
        for block in blocks(page)
        if RUN[page].get(block.language) == EXAMPLES and shown_entry(page, block.text) is None
    ]
    assert mine
    for block in sorted(mine, key=lambda block: block.language != "json"):  # a file that commands read
        if block.language == "python":
            exec(compile(block.text, page, "exec"), names)
        elif block.language == "json":
            (place / "variants.json").write_text(block.text)
        else:
            for program, verb, *words in commands(block.text):
                assert program == "superglobal"
                done = run(verb, *words, *SMALL.get(verb, []))
                assert done.code == 0, (page, verb, words, done.err)


def known_names(folder: Path) -> dict[str, Any]:
    """Return what Python examples take for granted."""
    queries, database = np.load(folder / "queries.npy"), np.load(folder / "database.npy")
    similarities = queries @ database.T
    return {
        "feature_map": torch.rand(2, 8, 6, 7),
        "queries": queries,
        "database": database,
        "similarities": similarities,
        "shortlist_indices": np.argsort(-similarities, axis=1),
    }


def test_what_is_worked_out_by_hand_is_right() -> None:
    (script,) = blocks("docs/protocol.md", "python")
    names: dict[str, Any] = {}
    exec(script.text, names)
    value = names["average_precision"](np.array([0, 2]))
    assert f"{value:.4f}" == script.text.rpartition(": ")[2].strip()
