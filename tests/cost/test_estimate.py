"""Hours and bytes from made-up rates: every figure can be checked by hand."""

from __future__ import annotations

import dataclasses

import pytest

from superglobal_core.cost.estimate import estimate
from superglobal_core.cost.rates import NetworkRate, Rates
from superglobal_core.cost.work import Network, Pass, Search, Work

FAST, SLOW = Network("resnet50", "float32"), Network("resnet101", "float32")
RATES = Rates(
    device="cpu",
    networks=(NetworkRate(FAST, 0.5, "made up"), NetworkRate(SLOW, 2.0, "made up")),
    decoded_per_s=10.0,
    products_per_s=1e9,
    rerank_s=0.25,
    write_bytes_s=1e8,
    read_bytes_s=2e8,
    read_from="disk",
)
WORK = Work(
    passes=(Pass("a", FAST, 100, 300.0), Pass("b", SLOW, 10, 30.0)),
    searches=(Search(70, 1_000_000, 1000),),
    reranked=8,
    timing_s=90.0,
    download_bytes=5_000_000_000,
    missing_bytes=3_000_000_000,
    archive_bytes=4_000_000_000,
    image_bytes=2_000_000_000,
    passing_bytes=1_000_000_000,
    descriptor_bytes=500_000_000,
    not_counted=("something else",),
)


def test_every_kind_of_work_is_its_amount_by_its_rate() -> None:
    done = estimate("made-up", WORK, RATES, 1e7)
    assert done.seconds == pytest.approx(
        {
            "download": 300,  # what is missing, at 10 MB/s
            "unpacking": 2 * 40 + 2 * 20,  # written and read, as archive and as images
            "describing": 300 * 0.5 + 30 * 2.0,
            "searching": 70 + 20,  # products, and the rows read once
            "reranking": 2,
            "timing": 90,
        }
    )
    assert done.total_s == pytest.approx(300 + 120 + 210 + 90 + 2 + 90)
    assert (done.kept_bytes, done.peak_bytes) == (2_500_000_000, 3_500_000_000)
    assert done.images == 110


def test_decoding_counts_where_it_is_slower_than_the_network() -> None:
    slow = dataclasses.replace(RATES, decoded_per_s=0.5)
    assert estimate("x", WORK, slow, 1e7).seconds["describing"] == pytest.approx(100 / 0.5 + 30 * 2.0)


def test_without_rates_bytes_alone() -> None:
    done = estimate("x", WORK, None, 1e7)
    assert done.seconds == {}
    assert done.as_dict()["total_s"] is None
    assert not any("time" in line for line in done.lines())


def test_lines_say_what_does_not_fit_and_what_is_assumed() -> None:
    done = estimate("made-up", WORK, dataclasses.replace(RATES, device="cuda"), 1e7)
    told = "\n".join(done.lines(free_bytes=10**9))
    assert "made-up: 110 images" in told
    assert "14 min: download 5 min" in told
    assert "5 GB (2 GB of it are here)" in told
    assert "3.5 GB at most, 2.5 GB kept; only 1 GB are free" in told
    assert "not counted: something else" in told
    assumed = "\n".join(done.assumptions)
    assert "on the GPU" in assumed
    assert "10 MB/s, not measured" in assumed
    assert "made up" in assumed
