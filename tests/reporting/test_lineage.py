"""Which steps a result came from."""

from __future__ import annotations

from superglobal_core.reporting.collect import StoredRecord
from superglobal_core.reporting.lineage import steps_before, steps_by_output
from superglobal_core.results import Input


def record(step: str, *paths: str) -> StoredRecord:
    inputs = [Input(role="file", path=path) for path in paths]
    return StoredRecord(step=step, inputs=inputs, date="2026-01-01", wall_time_s=1.0)


def names(last: StoredRecord, records: dict[str, StoredRecord]) -> list[str]:
    return [source for source, _ in steps_before(last, steps_by_output(records.items()))]


def test_steps_come_in_the_order_that_makes_them() -> None:
    records = {
        "rankings/d/x/plain/m.record.json": record(
            "rerank", "r/search/d/x/plain/topk.npz", "r/features/d/x/q"
        ),
        "features/d/x/q/record.json": record("extract", "r/data/x/q", "weights.pth"),
        "features/d/x/other/record.json": record("extract"),
        "search/d/x/plain/topk.record.json": record("search", "r/features/d/x/q/", "./r/features/d/x/q"),
    }
    last = record("evaluate", "/elsewhere/results/rankings/d/x/plain/m.npz", "gnd.pkl")
    assert names(last, records) == [
        "features/d/x/q/record.json",
        "search/d/x/plain/topk.record.json",
        "rankings/d/x/plain/m.record.json",
    ]


def test_a_circle_and_strangers_end() -> None:
    records = {
        "rankings/a.record.json": record("rerank", "rankings/b.npz", "other/b.npz"),
        "rankings/b.record.json": record("rerank", "rankings/a.npz", "rankings/b.npz"),
    }
    assert names(record("evaluate", "rankings/a.npz"), records) == [
        "rankings/b.record.json",
        "rankings/a.record.json",
    ]
    assert names(record("evaluate", "c.npz", "b.npz"), records) == []
