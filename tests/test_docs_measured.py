"""Figures that the documentation shows as measured are those of the records in reports/published."""

from __future__ import annotations

import csv
import json
import re
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "reports/published"
PAGES = ("README.md", "docs/measured.md")
# What the pages call a figure: its record, its benchmark and its name there, and how it is written.
FIGURES = {
    "reranking 70 queries, 6,322 x 2048, M = 400, against the bare batched product `G G^T`": (
        *("bench-2-cores", "test_reranking_costs_little_more_than_the_bare_product"),
        *("time against the bare batched product", "{:.3f} times"),
    ),
    "its memory beyond the inputs": (
        *("bench-2-cores", "test_reranking_costs_little_more_than_the_bare_product"),
        *("memory beyond the inputs", "{:.1f} MB"),
    ),
    "ranks of 24,360 labels among 70 x 1,006,322 scores, against the fastest sort of indices": (
        *("bench-2-cores", "test_counting_ranks_beats_sorting"),
        *("speed against the fastest sort of indices", "{:.2f} times faster"),
    ),
    "their memory beyond one shard": (
        *("bench-2-cores", "test_counting_ranks_beats_sorting", "memory beyond one shard", "{:.2f} MB"),
    ),
    "exact search of 70 x 200,000 x 2048, float16 shards on disk, against product and top-k in memory": (
        *("bench-2-cores", "test_search_from_disk_keeps_up_with_the_plain_product"),
        *("time against the plain float32 product and top-k", "{:.2f} times"),
    ),
    "CVNet-Rerank, maps of 1024 x 768 pictures, against scoring pair by pair plainly": (
        *("bench-2-cores", "test_scoring_is_faster_than_pair_by_pair"),
        *("speed against pair by pair", "{:.2f} times faster"),
    ),
    "its memory beyond the inputs, CVNet-Rerank": (
        *("bench-2-cores", "test_scoring_is_faster_than_pair_by_pair"),
        *("memory beyond the inputs", "{:.0f} MB"),
    ),
    "SuperGlobal's reranking of one query, M = 400, over RootSIFT + MAGSAC, scoring": (
        *("bench-2-cores", "test_superglobal_is_faster_than[rootsift-magsac-1000]"),
        *("scoring of a query against rootsift-magsac", "{:,.0f} times"),
    ),
    "SuperGlobal's reranking of one query, M = 400, over CVNet-Rerank, scoring": (
        *("bench-2-cores", "test_superglobal_is_faster_than[cvnet-rerank-50000]"),
        *("scoring of a query against cvnet-rerank", "{:,.0f} times"),
    ),
    **{
        f"{shown}, {model}": (
            *("bench-2-cores", f"test_leave_one_out[{kind}-magsac-{kind}-{least}-{model}]"),
            *(f"mAP of leave-one-out, {kind}-magsac, {model}", "{:.1f} %"),
        )
        for shown, kind, least in (("XFeat", "xfeat", 90), ("RootSIFT", "rootsift", 70))
        for model in ("affine", "homography")
    },
    "1,001,001 vectors from shards to mAP, against reading the shards once and multiplying them as float32": (
        *("bench-scale-2-cores", "test_costs_little_more_than_reading"),
        *("time against reading the shards and multiplying them as float32", "{:.2f} times"),
    ),
    "memory of that process, libraries included": (
        *("bench-scale-2-cores", "test_costs_little_more_than_reading"),
        *("peak memory of a fresh process, libraries included", "{:.2f} GB"),
    ),
    "1,001,001 vectors from shards to mAP, against loading and sorting all": (
        *("bench-scale-2-cores", "test_is_faster_than_the_plain_way"),
        *("speed against loading and sorting all", "{:.2f} times faster"),
    ),
    "memory against the same": (
        *("bench-scale-2-cores", "test_is_faster_than_the_plain_way"),
        *("memory against loading and sorting all", "{:.3f} times"),
    ),
    **{
        f"extraction, ResNet-50, three scales, `{mode}`, against the plain loop": (
            *("bench-scale-2-cores", f"test_faster_than_the_plain_loop_on_two_cores[{mode}-{least}]"),
            *(f"{mode}: speed against the plain loop", "{:.2f} times"),
        )
        for mode, least in (("exact", 1.3), ("fast", 2))
    },
}


def recorded() -> dict[tuple[str, str, str], dict]:
    """Return every figure of the records by record, benchmark and name."""
    return {
        (path.stem, figure["benchmark"], figure["figure"]): figure
        for path in sorted(PUBLISHED.glob("bench-*.json"))
        for figure in json.loads(path.read_text())["figures"]
    }


def rows(page: str, heading: str) -> list[list[str]]:
    """Return the cells of every row of a page's tables that begin with this heading."""
    found: list[list[str]] = []
    for table in re.findall(r"(?:^\|.*\n)+", (ROOT / page).read_text(), re.M):
        cells = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
        if cells[0][0] == heading and len(cells[0]) > 2:
            found += cells[2:]
    return found


@pytest.mark.parametrize("page", PAGES)
def test_measured_figures_are_the_records(page: str) -> None:
    kept = recorded()
    shown = rows(page, "what")
    assert shown
    for what, measured, wanted in shown:
        *key, form = FIGURES[what]
        figure = kept[key[0], key[1], key[2]]
        assert measured == form.format(figure["value"]), what
        assert wanted.replace(",", "") == figure["target"], what


def test_no_measured_figure_is_left_out() -> None:
    shown = {tuple(FIGURES[row[0]][:3]) for row in rows("docs/measured.md", "what")}
    assert shown == set(recorded())


def test_those_that_were_not_met_are_said_to_be() -> None:
    missed = [figure for figure in recorded().values() if not figure["met"]]
    assert len(missed) == 2
    assert "The last two fall short" in (ROOT / "docs/measured.md").read_text()
    assert "The last falls short" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", ["README.md", "docs/scaling.md"])
def test_times_by_size_are_the_records(page: str) -> None:
    sizes = json.loads((PUBLISHED / "scale-2-cores.json").read_text())["sizes"]
    wanted = [
        [
            f"{size['size']:,}",
            *(shown_seconds(size["samples_s"][stage]) for stage in ("ranked", "rerank", "whole", "cold")),
        ]
        for size in sizes
    ]
    shown = rows(page, "vectors")
    assert shown
    assert shown == [row for row in wanted if row[0] in {cells[0] for cells in shown}]
    assert shown[-1] == wanted[-1]


def shown_seconds(samples: list[float]) -> str:
    """Return a median as the pages write it, to three digits."""
    median = statistics.median(samples)
    return f"{median:.3f} s" if median < 0.9995 else f"{median:.2f} s"


def test_the_sample_is_quoted_as_it_is() -> None:
    sample = PUBLISHED / "mini"
    figures = {(row["method_label"], row["distractors"]): row for row in table(sample / "map.csv")}
    times = {row["method_label"]: row for row in table(sample / "speedup.csv") if row["scope"] == "scoring"}
    shown = rows("README.md", "method")
    assert {"single stage", "SuperGlobal reranking"} <= {cells[0] for cells in shown}
    for label, *cells in shown:
        maps = [
            float(figures[label, distractors][f"{protocol}_map_percent"])
            for distractors in ("0", "500")
            for protocol in ("medium", "hard")
        ]
        assert cells == [
            *(f"{value:.1f}" for value in maps),
            f"{float(times[label]['ms_a_query']):.3g} ms",
        ], label
        scaled = times[label]["scaled_from_pairs"]
        assert not scaled or f"scaled from {scaled} pairs" in (ROOT / "README.md").read_text(), label


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_answers_quote_the_records() -> None:
    page = " ".join((ROOT / "docs/faq.md").read_text().split())
    kept = recorded()
    for mode, least in (("exact", 1.3), ("fast", 2)):
        name = f"test_faster_than_the_plain_loop_on_two_cores[{mode}-{least}]"
        ours = kept["bench-scale-2-cores", name, f"{mode}: speed against the plain loop"]["samples_s"]["ours"]
        assert f"{statistics.median(ours) / 4:.1f} s (`{mode}`)" in page  # four pictures a sample
    largest = json.loads((PUBLISHED / "scale-2-cores.json").read_text())["sizes"][-1]
    whole, cold = (statistics.median(largest["samples_s"][stage]) for stage in ("whole", "cold"))
    assert f"| {whole:.1f} s, {cold:.1f} s from storage |" in page
    peak = kept[
        "bench-scale-2-cores",
        "test_costs_little_more_than_reading",
        "peak memory of a fresh process, libraries included",
    ]
    assert f"took a process of {peak['value']:.2f} GB" in page
