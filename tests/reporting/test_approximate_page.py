"""The page of approximate search: its files' figures, the front where it belongs, any name of a file."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_results import EVIL, Page

from superglobal_core.errors import UserError
from superglobal_core.files import write_json
from superglobal_core.parameter_results import Accuracy
from superglobal_core.reasons import write_reason
from superglobal_core.reporting.anchors import record_anchor
from superglobal_core.reporting.approximate_view import approximate_views
from superglobal_core.reporting.collect import read_study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.pareto import front, front_steps
from superglobal_core.reporting.report import write_pages, write_report
from superglobal_core.reporting.texts import MINUS

RECORD = {"step": "approximate", "date": "2024-05-06T07:08:09+00:00", "wall_time_s": 1.0, "distractors": 5}


def accuracy(value: float) -> dict[str, Any]:
    """An accuracy around a value; no query has positives under Hard."""
    return Accuracy.of(
        {"easy": [value, value], "medium": [value - 0.1, value + 0.1], "hard": [None, None]}
    ).model_dump()


def searched(seconds: float, single: float, reranked: float) -> dict[str, Any]:
    return {
        "samples_s": [seconds, 1.1 * seconds, 0.9 * seconds],
        "single_stage": accuracy(single),
        "reranked": accuracy(reranked),
    }


def point(
    effort: int | None, seconds: float, recall: float, single: float, reranked: float
) -> dict[str, Any]:
    recalls = {"1": 1.0, "10": recall, "400": recall / 2}
    rebuilt = {"reranked_rebuilt": accuracy(reranked - 0.05)}
    return searched(seconds, single, reranked) | rebuilt | {"effort": effort, "recall": recalls}


def index(name: str, kind: str, size: int, points: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "parameters": {"nlist": 64} if kind == "ivfpq" else {},
        "effort_name": "nprobe" if kind == "ivfpq" else None,
        "bytes": size * 1000,
        "bytes_a_vector": size,
        "train_s": 1.5,
        "add_s": 70.0,
        "rebuilt_cosine": 0.875,
        "points": points,
    }


def comparison(**changes: Any) -> dict[str, Any]:
    """A comparison as written: the exact search takes 10 ms and has 60 and 70 % under Medium."""
    return {
        "dataset": EVIL,
        "database": 1000,
        "dimension": 512,
        "distractors": 5,
        "queries": 2,
        "k": 400,
        "shortlist": 400,
        "exact": searched(0.01, 0.6, 0.7)
        | {
            "bytes_a_vector": 1024,
            "device": "cpu",
            "single_stage_whole": accuracy(0.62),
            "reranked_whole": accuracy(0.71),
        },
        "indexes": [
            index("flat-sq8", "flat-sq8", 512, [point(None, 0.005, 0.99, 0.6, 0.699)]),
            index(
                "ivfpq:nlist=64",
                "ivfpq",
                64,
                [point(1, 0.0005, 0.5, 0.45, 0.5), point(64, 0.002, 0.8, 0.55, 0.697)],
            ),
        ],
        "others": {"seconds": 3.0, "cores": 0.0, "stolen": 0.0},
        "record": RECORD,
    } | changes


@pytest.fixture
def root(tmp_path: Path, whole: Path) -> Path:
    """A results folder with evaluations and a comparison."""
    folder = tmp_path / "results"
    folder.mkdir()
    for name in ("evaluation", "data", "suite.json"):
        (folder / name).symlink_to(whole / name)
    write_json(folder / "approximate" / "mini" / "toy" / "distractors.json", comparison())
    return folder


def test_what_the_page_says(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_report(root, out)
    html = (out / "approximate.html").read_text()
    page = Page(html)
    assert page.wrong == []
    assert "Toy (synthetic) · Mini · 1,000 vectors of 512 dimensions" in page.text
    assert "that alone takes 2.00 points, and 1.00 points after reranking" in page.text
    assert (
        "lose at most 0.5 points of mAP Medium after reranking, the fastest is ivfpq:nlist=64 (nprobe 64) with "
        "2.00 ms a query (exact: 10.0 ms, 5.00x), the smallest ivfpq:nlist=64 (nprobe 64) with 64 bytes a vector "
        "(exact: 1,024)" in " ".join(page.text.split())
    )
    assert html.count("<svg") == 2
    assert Page(html).only_own_scripts
    assert "Not alone" not in page.text
    assert "approximate.html" in (out / "index.html").read_text()
    address = f"provenance.html#{record_anchor('approximate/mini/toy/distractors.json')}"
    assert address in page.attributes("href")
    for name in ("time", "bytes"):
        svg = (out / "figures" / f"1-approximate-mini-toy-distractors-{name}.svg").read_text()
        assert all(text in svg for text in ("flat-sq8", "ivfpq:nlist=64", "exact search", "Pareto front"))


def test_the_tables_hold_the_figures(root: Path, tmp_path: Path) -> None:
    write_pages(root, tmp_path / "out", ["approximate"])
    with (tmp_path / "out" / "approximate.csv").open() as lines:
        rows = {(row["index"], row["effort"]): row for row in csv.DictReader(lines)}
    assert list(rows) == [
        ("exact search", ""),
        ("flat-sq8", ""),
        ("ivfpq:nlist=64", "nprobe 1"),
        ("ivfpq:nlist=64", "nprobe 64"),
    ]
    exact, coarse = rows["exact search", ""], rows["ivfpq:nlist=64", "nprobe 1"]
    assert (exact["reranked_medium_map_percent"], exact["reranked_medium_change_points"]) == ("70.0", "")
    assert (exact["recall_at_400"], exact["ms_a_query"], exact["build_s"]) == ("1.0", "10.0", "")
    assert (coarse["reranked_medium_change_points"], coarse["reranked_hard_change_points"]) == ("-20.0", "")
    assert coarse["reranked_rebuilt_medium_change_points"] == "-25.0"
    assert (coarse["recall_at_400"], coarse["ms_a_query"], coarse["build_s"]) == ("0.25", "0.5", "71.5")
    assert (coarse["bytes_a_vector"], coarse["dataset"]) == ("64.0", EVIL)
    table = (tmp_path / "out" / "approximate.md").read_text()
    line = next(line for line in table.splitlines() if "nprobe 64" in line)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    changes = [f"{MINUS}5.00", f"{MINUS}0.30", f"{MINUS}5.30"]
    assert cells[2:] == ["64", "1 min 12 s", "2.00", "100.00", "80.00", "40.00", *changes]


def test_files_of_any_name_are_read(root: Path) -> None:
    write_json(root / "approximate" / "synthetic-1000.json", comparison())
    write_json(root / "approximate" / "a" / "b" / "c" / "d.json", comparison())
    write_json(root / "approximate" / ".partial-x.json", {})
    write_json(root / "approximate" / "mini" / ".partial-x" / "rows" / "shard-00000.json", {})
    write_reason(root / "approximate" / "mini" / "toy" / "plain.json", f"no faiss {EVIL}")
    write_json(root / "approximate" / "mini" / "toy" / "plain.record.json", RECORD)
    views, unable = approximate_views(read_study(root), Labels(None))
    assert [view.source for view in views] == [
        "approximate/a/b/c/d.json",
        "approximate/mini/toy/distractors.json",
        "approximate/synthetic-1000.json",
    ]
    assert views[2].title == "synthetic-1000 · 1,000 vectors of 512 dimensions"
    assert unable == [("approximate/mini/toy/plain.json", f"no faiss {EVIL}")]


def test_reasons_stand_on_the_page(root: Path, tmp_path: Path) -> None:
    path = root / "approximate" / "mini" / "toy" / "distractors.json"
    write_reason(path, f"no faiss {EVIL}")
    write_pages(root, tmp_path / "out", ["approximate"])
    html = (tmp_path / "out" / "approximate.html").read_text()
    page = Page(html)
    assert f"no faiss {EVIL}" in page.text
    assert Page(html).only_own_scripts
    assert "approximate.csv" not in html
    path.unlink()
    with pytest.raises(UserError, match="has nothing for approximate"):
        write_pages(root, tmp_path / "out", ["approximate"])


def test_where_no_index_will_do_and_others_were_busy(root: Path, tmp_path: Path) -> None:
    poor = [index("flat-sq8", "flat-sq8", 512, [point(None, 0.005, 0.9, 0.5, 0.5)])]
    busy = {"seconds": 3.0, "cores": 1.5, "stolen": 0.0}
    write_json(
        root / "approximate" / "mini" / "toy" / "distractors.json", comparison(indexes=poor, others=busy)
    )
    write_pages(root, tmp_path / "out", ["approximate"])
    text = Page((tmp_path / "out" / "approximate.html").read_text()).text
    assert "no index loses 0.5 points of mAP Medium or less" in text
    assert "Other processes kept 1.5 cores busy" in text


def test_the_same_results_give_the_same_bytes(root: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_pages(root, tmp_path / name, ["approximate"])
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 7
    for path in files:
        assert path.read_bytes() == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()


@given(st.lists(st.tuples(st.floats(0.1, 9), st.floats(0, 1)), min_size=1, max_size=20))
def test_nothing_beats_the_front(places: list[tuple[float, float]]) -> None:
    found = [places[number] for number in front(places)]
    assert found == sorted(found)
    for cost, quality in found:
        assert not any(
            (one <= cost and other > quality) or (one < cost and other >= quality) for one, other in places
        )
    for cost, quality in places:
        assert any(one <= cost and other >= quality for one, other in found)
    steps = front_steps(places)
    assert len(steps) == 2 * len(found) - 1
    assert set(found) <= set(steps)
