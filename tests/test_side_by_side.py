"""Tasks at once: all errors are said, and an interruption waits for nobody."""

from __future__ import annotations

import threading
import time

import pytest

from superglobal_core.errors import UserError
from superglobal_core.side_by_side import side_by_side


def test_results_come_in_order_and_errors_stop_nobody() -> None:
    def slow() -> int:
        time.sleep(0.05)
        return 1

    def wrong() -> int:
        raise UserError("no")

    assert side_by_side([slow, lambda: 2], 2) == [1, 2]
    assert side_by_side([], 4) == []
    ran: list[int] = []
    with pytest.raises(UserError, match=r"^no; no$"):
        side_by_side([wrong, lambda: ran.append(1), wrong, lambda: ran.append(2)], 1)  # type: ignore[list-item]
    assert ran == [1, 2]


def test_an_interruption_waits_for_nobody_and_begins_nothing() -> None:
    hold, begun = threading.Event(), []

    def interrupted() -> None:
        raise KeyboardInterrupt

    def waiting() -> None:
        begun.append(1)
        hold.wait(60)

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side([waiting, interrupted, *[waiting] * 3], 2)
    assert time.monotonic() - start < 5
    before = len(begun)
    hold.set()
    time.sleep(0.05)
    assert len(begun) == before
