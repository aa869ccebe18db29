"""Progress: one display at a time, and none where quiet is wanted."""

from __future__ import annotations

import pytest

from superglobal_core import progress
from superglobal_core.progress import Counter, hushed, note


@pytest.fixture(autouse=True)
def every_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOG_INTERVAL_S", 0.0)


def test_a_line_says_how_far_and_how_long(capsys: pytest.CaptureFixture[str]) -> None:
    with Counter("search", 4, "rows") as counter:
        counter.advance(2)
    assert capsys.readouterr().err == "search: 2 of 4 rows, about 0 s left\n"


def test_within_another_a_counter_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with Counter("ablate", 2, "changes") as outer:
        with Counter("rerank", 70, "queries") as inner:
            inner.advance(8)
        outer.advance()
    assert capsys.readouterr().err.splitlines() == ["ablate: 1 of 2 changes, about 0 s left"]
    # One that failed leaves the next one its display.
    with pytest.raises(ZeroDivisionError), Counter("ablate", 2):
        raise ZeroDivisionError
    with Counter("rerank", 2, "queries") as counter:
        counter.advance()
    assert "rerank: 1 of 2" in capsys.readouterr().err


def test_quiet_shows_neither_progress_nor_notes(capsys: pytest.CaptureFixture[str]) -> None:
    with hushed():
        note("waiting")
        with Counter("search", 4, "rows") as counter:
            counter.advance(2)
    assert capsys.readouterr().err == ""
    note("waiting")
    assert capsys.readouterr().err == "waiting\n"
