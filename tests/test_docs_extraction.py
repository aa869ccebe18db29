"""The examples of docs/extraction.md work on a small data set, and its figures are the code's."""

from __future__ import annotations

from pathlib import Path

import pytest
from doc_pages import blocks, commands, read
from helpers import Run

from superglobal_core.data.landmarks import make_landmarks
from superglobal_core.features import batching, self_check
from superglobal_core.steps import check_fast

PAGE = read("docs/extraction.md")


def test_the_examples_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.chdir(tmp_path)
    make_landmarks(tmp_path / "landmarks", size=128, landmarks=2, distractors=0, processes=1)
    lines = [words for block in blocks("docs/extraction.md", "") for words in commands(block.text)]
    assert len(lines) == 3
    for _, *arguments in lines:
        done = run(*arguments)
        assert done.code == 0, done.err
    assert (tmp_path / "fast" / "check.json").is_file()
    assert (tmp_path / "fast" / "check" / "exact" / "database" / "record.json").is_file()


def test_its_figures_are_the_codes() -> None:
    page = " ".join(PAGE.split())
    assert f"describes {self_check.SAMPLE} of its own images" in page
    assert f"the `bound`, {self_check.BOUND:g}." in page
    assert f"`--bound` ({check_fast.BOUND:g} points)" in page
    pixels = batching.MOST_PIXELS // 10**6, batching.MOST_PIXELS_GPU // 10**6
    assert (
        f"{batching.MOST_IMAGES} images and {pixels[0]} million pixels, on a GPU {pixels[1]} million" in page
    )
