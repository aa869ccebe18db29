"""The charts of what was timed."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_results import EVIL
from made_up_timings import M, all_kinds, boxes, groups_of, places, points, record, rows_of, timing

from superglobal_core.reporting.collect import read_study
from superglobal_core.reporting.drawing import Figure
from superglobal_core.reporting.label_places import Box, place_labels
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.speed import SpeedGroup
from superglobal_core.reporting.speed_figures import Point, pareto, speed_figures
from superglobal_core.reporting.speed_tables import speed_csv


def test_charts_draw_only_what_is_known(whole: Path) -> None:
    groups = groups_of(whole)
    labels = Labels(read_study(whole).suite)
    ((by_map, growth, disk),) = speed_figures(groups, labels, ["x"])
    drawn = "".join(ElementTree.fromstring(by_map.svg).itertext())
    assert "CVNet_Rerank" not in drawn
    assert "CVNet_Rerank (accuracy not available: weights missing)" in by_map.reading
    assert "counted in (1.00 ms)" in by_map.reading
    # 50, 100 and 200 candidates, each twice as long; 800 were none, and others have one size only.
    assert "exponent 1.00" in " ".join(ElementTree.fromstring(growth.svg).itertext())
    assert "800" not in "".join(ElementTree.fromstring(growth.svg).itertext())
    assert "RootSIFT" in growth.reading
    assert "4.10 GB" in disk.svg


def test_accuracy_stands_beside_the_time_of_its_own_shortlist(whole: Path) -> None:
    labels = Labels(read_study(whole).suite)
    ((chart, *_),) = speed_figures(groups_of(whole), labels, ["x"])
    assert f"because no such time or no such shortlist is known: {EVIL} (mAP 400, time {M})." in chart.reading
    assert " 3.00 " in tooltips(chart)  # search and reranking of the main shortlist

    same = timing("better", seconds=0.05, shortlist=400, pairs_a_query=400, memory=None)
    ((chart, *_),) = speed_figures(groups_of(whole, record([*all_kinds(), same])), labels, ["x"])
    assert "Not so" not in chart.reading
    assert " 400 51.0 " in tooltips(chart)
    assert "shortlists of" not in chart.title


def tooltips(chart: Figure) -> str:
    """What a chart's points tell, all in one line."""
    told = [row for data in chart.vega["data"] for row in data.get("values", []) if "method" in row]
    return " ".join(f" {row['shortlist']} {row['ms a query']} {row['mAP Medium']} " for row in told)


def test_no_accuracy_at_all_draws_no_points(results: Path) -> None:
    for name in ("better", "rootsift", "single-stage"):
        path = results / "evaluation" / "mini" / "toy" / "plain" / f"{name}.json"
        path.rename(results / "evaluation" / f"{name}-elsewhere.json")
    groups = groups_of(results)
    (charts,) = speed_figures(groups, Labels(read_study(results).suite), ["x"])
    assert [chart.name for chart in charts] == ["speed-shortlist-x", "speed-disk-x"]
    rows = rows_of(speed_csv(groups, Labels(None)))
    assert rows["scoring", "none"]["no_gain_because"] == "accuracy not available: not evaluated"


@given(st.lists(st.tuples(places, boxes), min_size=1, max_size=14))
@settings(deadline=None, max_examples=40)
def test_no_label_lies_on_another_or_on_a_point(found: list[tuple[Any, Any]]) -> None:
    points, sizes = [place for place, _ in found], [size for _, size in found]
    line = Box(100, 0, 3, 260)
    placed = place_labels(points, sizes, 380, 260, [line])
    assert None not in placed
    labels = [box for box in placed if box is not None]
    for number, box in enumerate(labels):
        assert 0 <= box.x <= 380 - box.width
        assert 0 <= box.y <= 260 - box.height
        assert not box.overlaps(line)
        assert not any(box.overlaps(other) for other in labels[:number])
        assert not any(box.overlaps(Box(x - 4, y - 4, 8, 8)) for x, y in points)


def test_a_label_without_room_is_told() -> None:
    assert place_labels([(5, 5)], [(100, 10)], 50, 50) == [None]


@given(st.lists(points, min_size=1, max_size=12))
def test_no_point_beats_the_front(found: list[Point]) -> None:
    front = pareto(found)
    for one in front:
        assert not any(
            other.seconds <= one.seconds
            and other.accuracy >= one.accuracy
            and (other.seconds, other.accuracy) != (one.seconds, one.accuracy)
            for other in found
        )
    for other in found:
        assert any(one.seconds <= other.seconds and one.accuracy >= other.accuracy for one in front)


def test_many_methods_close_together_are_all_named(whole: Path) -> None:
    (group,) = groups_of(whole)
    rng = np.random.default_rng(0)
    rows = []
    for number in range(14):
        method = timing(
            "better", seconds=float(0.002 * rng.uniform(0.9, 1.1)), label=f"method number {number}"
        )
        like = next(row for row in group.rows["scoring"] if row.timing.method == "superglobal")
        rows.append(type(like)(method, method.summary(), None, (), like.accuracy, like.disk, ()))
    crowded = SpeedGroup(group.timed, M, {"scoring": tuple(rows)})
    ((chart, *_),) = speed_figures([crowded], Labels(None), ["x"])
    drawn = " ".join(" ".join(ElementTree.fromstring(chart.svg).itertext()).split())
    assert all(f"method number {number}" in drawn for number in range(14))
