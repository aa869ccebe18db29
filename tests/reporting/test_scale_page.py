"""The page of growth, from made-up records whose exponents and costs are known."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from scale_records import A_VECTOR, BASE, made_up

from superglobal_core.config import parse_suite, save_suite
from superglobal_core.errors import UserError
from superglobal_core.reporting.report import write_pages, write_report
from superglobal_core.reporting.scale_plan import PATIENCE_S, costs_of, limits, plan, plan_markdown
from superglobal_core.reporting.scale_view import added_by_ranks, times_floor, view_of
from superglobal_core.scale_record import read_scale_study, write_scale

SIZES = (10_000, 30_000, 100_000, 300_000)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    suite = {"suite": "grown", "title": "Grown <b>", "note": "Made up.", "scale": {"sizes": list(SIZES)}}
    for size in (*SIZES, 777):
        write_scale(folder / f"scale/{size}.json", made_up(size))
    save_suite(parse_suite(suite, "grown.yaml"), folder / "suite.json")
    return folder


def test_exponents_are_those_that_were_put_in() -> None:
    view = view_of([made_up(size) for size in SIZES])
    found = {each.stage: each for each in view.growth}
    assert found["search"].whole.exponent == pytest.approx(1.0)
    assert found["rerank"].whole.exponent == pytest.approx(0.0, abs=1e-9)
    assert found["search"].largest is not None
    assert found["search"].largest.sizes == [30_000, 100_000, 300_000]
    assert found["search"].as_expected
    assert found["whole"].as_expected is None
    assert view.memory_slope("whole") == pytest.approx(A_VECTOR)


def test_growth_that_is_not_as_expected_is_said() -> None:
    slow = [made_up(size, samples_s={"search": [1e-9 * size**1.2] * 3}) for size in SIZES]
    (search,) = view_of(slow).growth
    assert search.whole.exponent == pytest.approx(1.2)
    assert search.as_expected is False


def test_ratios_are_of_one_size() -> None:
    record = made_up(100_000)
    ratio = times_floor(record)
    assert ratio is not None
    assert ratio.ratio == pytest.approx(2.0)
    assert added_by_ranks(record) == pytest.approx(0.05)
    assert times_floor(made_up(100_000, samples_s={"search": [1.0]})) is None


def test_one_size_has_no_growth_and_a_plan_all_the_same() -> None:
    view = view_of([made_up(1000)])
    assert view.growth == ()
    assert view.memory_slope("whole") is None
    assert costs_of(view.records) is not None


def test_the_plan_multiplies_the_costs() -> None:
    costs = costs_of([made_up(size) for size in SIZES])
    assert costs is not None
    assert costs.base_bytes == pytest.approx(BASE)
    small, large = plan(costs, 1_000_000), plan(costs, 1_000_000_000)
    assert small.exact_s == pytest.approx(3.5)
    assert (small.from_storage, small.choice, small.machines) == (False, "exact", 1)
    assert large.from_storage
    assert large.exact_s > small.exact_s * 1000
    assert large.disk_bytes == pytest.approx(4116e9)
    assert large.machines == 206
    assert large.streaming_bytes == pytest.approx(BASE + A_VECTOR * 1e9)
    assert large.choice == "IVF-PQ 64 on 4 machines"
    assert large.indexes["SQ8"] == 2048e9
    assert f"within {PATIENCE_S:.0f} s up to about 4,900,000 vectors" in limits(costs)[0]
    table = plan_markdown([made_up(size) for size in SIZES])
    assert table is not None
    assert "1,000,000,000" in table


def test_without_a_machine_nothing_is_planned() -> None:
    assert plan_markdown([made_up(1000, record=None)]) is None


def test_a_suite_of_scale_alone_has_a_first_page_that_leads_on(results: Path, tmp_path: Path) -> None:
    page = write_report(results, tmp_path / "out")
    assert 'href="scale.html"' in page.read_text()
    shown = (tmp_path / "out/scale.html").read_text()
    assert "Grown &lt;b&gt;" in shown
    assert "Grown <b>" not in shown
    assert "synthetic" in shown
    assert "exponent 1.00" in shown
    assert "1,000,000,000" in shown
    # A size of an earlier run is another database's.
    assert "scale/777.json" not in shown
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out/scale.csv").read_text())))
    assert len(rows) == 8 * len(SIZES)
    assert float(rows[0]["median_s"]) == pytest.approx(0.02)
    kept = read_scale_study(tmp_path / "out/scale.json")
    assert [record.size for record in kept.sizes] == list(SIZES)
    assert (tmp_path / "out/figures/scale-time.svg").is_file()
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    write_report(results, tmp_path / "again")
    assert {path.name: path.read_bytes() for path in (tmp_path / "again").rglob("*.*")} == written


def test_the_page_alone(results: Path, tmp_path: Path) -> None:
    assert write_pages(results, tmp_path / "out", ["scale"]) == [tmp_path / "out/scale.html"]


def test_without_a_measured_size_there_is_no_report(results: Path, tmp_path: Path) -> None:
    for path in (results / "scale").iterdir():
        path.unlink()
    with pytest.raises(UserError, match="no measured size"):
        write_report(results, tmp_path / "out")
