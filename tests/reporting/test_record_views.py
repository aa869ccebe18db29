"""What the page shows of records: the shared once, the rest with each result, every figure linked to it."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from superglobal_core.config import parse_suite, save_suite
from superglobal_core.files import write_json
from superglobal_core.reporting.anchors import record_anchor
from superglobal_core.reporting.collect import read_study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.record_views import RecordViews, record_views
from superglobal_core.reporting.report import write_report
from superglobal_core.reporting.study import group_results
from superglobal_core.timing.record import MethodTiming, TimingRecord

METHODS = ("single", "better", "left-over")
EVALUATION = "evaluation/mini/toy/plain/{}.json"
TIMING = "timing/mini/toy/plain.json"


def record(step: str, **facts: Any) -> dict[str, Any]:
    software, hardware = {"numpy": "2.9"}, {"cpu": "a <processor>", "cores": 2}
    common = {"date": "2026-01-02T03:04:05+00:00", "wall_time_s": 1.0, "software": software}
    return {
        "step": step,
        **common,
        "hardware": hardware,
        "code": {"commit": "c" * 40, "dirty": False},
    } | facts


def read(role: str, path: str, sha256: str) -> dict[str, str]:
    return {"role": role, "path": path, "sha256": sha256}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "results"
    suite = {
        "suite": "tiny",
        "title": "Tiny",
        "datasets": {"toy": {"synthetic": {}}},
        "descriptors": {"mini": {"extract": {"backbone": "mini"}}},
        "methods": {
            "single": {"reranker": "none"},
            "better": {"reranker": "superglobal"},
            "left-over": {"reranker": "superglobal"},
        },
    }
    save_suite(parse_suite(suite, "suite"), root / "suite.json")
    figures = {
        "map": 0.25,
        "mean_precision": {"1": 0.5},
        "queries_with_positives": 1,
        "average_precision": [0.25],
    }
    for number, name in enumerate(METHODS):
        ranking = f"results/tiny/rankings/mini/toy/plain/{name}.npz"
        write_json(
            root / f"rankings/mini/toy/plain/{name}.record.json",
            record("rerank", command=f"superglobal rerank --set 'a<b' {name}", inputs=[read("search", "s.npz", "5")]),
        )  # fmt: skip
        facts = {
            "method": "none" if name == "single" else "superglobal",
            "parameters": {"shortlist": 10 + number, "bootstrap": 7},
            "command": None if name == "left-over" else f"superglobal evaluate {name}",
            "inputs": [read("ground truth", "gnd.pkl", "1234"), read("ranking", ranking, f"9{number}")],
        }
        content = dict.fromkeys(("easy", "medium", "hard"), figures)
        write_json(root / EVALUATION.format(name), content | {"record": record("evaluate", **facts)})
    timing = MethodTiming(
        method="none", label="single", scope="scoring", samples_s=[0.001] * 6, shortlist=10, samples_wanted=6
    )
    made = record(
        "time", command="superglobal time", parameters={"shortlist": 10}, hardware={"cpu": "another"}
    )
    write_json(root / TIMING, json.loads(TimingRecord(timings=[timing]).model_dump_json()) | {"record": made})
    return root


def views_of(root: Path) -> RecordViews:
    study = read_study(root)
    return record_views(study, group_results(study), Labels(study.suite))


def test_what_all_share_is_shown_once(root: Path) -> None:
    found = views_of(root)
    single, better, left_over, timing = found.views
    assert found.shared["Software"] == {"numpy": "2.9"}
    assert found.shared["Read"] == {"search: s.npz": "sha256 5", "ground truth: gnd.pkl": "sha256 1234"}
    assert found.shared["Parameters"] == {"bootstrap": "7", "seed": "not set"}
    assert single.sections == {
        "Parameters": {"shortlist": "10", "method": "none"},
        "Read": {"ranking: results/tiny/rankings/mini/toy/plain/single.npz": "sha256 90"},
    }
    # A timing has parameters of its own: only what surrounds it is the results'.
    assert timing.sections["Parameters"] == {"shortlist": "10", "method": "not set", "seed": "not set"}
    assert timing.sections["Hardware"] == {"cpu": "another"}
    assert "Software" not in timing.sections
    assert [view.unrecorded for view in found.views] == [0, 0, 1, 0]
    assert better.commands == ("superglobal rerank --set 'a<b' better", "superglobal evaluate better")
    assert left_over.commands == ("superglobal rerank --set 'a<b' left-over",)


def test_one_result_alone_shows_all(root: Path) -> None:
    for name in METHODS[1:]:
        (root / EVALUATION.format(name)).unlink()
    found = views_of(root)
    assert found.shared == {}
    assert found.views[0].sections["Software"] == {"numpy": "2.9"}


def test_snakemake_is_asked_for_a_suites_own_results_alone(root: Path) -> None:
    # Evaluated by hand, beside the suite's own.
    (root / EVALUATION.format("left-over")).rename(root / "evaluation/own.json")
    found = {view.source: view for view in views_of(root).views}
    single, timing = found[EVALUATION.format("single")], found[TIMING]
    assert shlex.split(single.snakemake or "") == [
        "snakemake", "--configfile", "results/tiny/suite.json", "--cores", "all",
        f"results/tiny/{EVALUATION.format('single')}",
    ]  # fmt: skip
    assert found["evaluation/own.json"].snakemake is None
    assert (timing.snakemake or "").endswith(f" results/tiny/{TIMING}")
    (root / "suite.json").unlink()
    assert {view.snakemake for view in views_of(root).views} == {None}


def test_every_figure_leads_to_its_record(root: Path, tmp_path: Path) -> None:
    out = write_report(root, tmp_path / "out").parent
    first, speed, page = ((out / f"{name}.html").read_text() for name in ("index", "speed", "provenance"))
    for name in METHODS:
        anchor = record_anchor(EVALUATION.format(name))
        # The tables of all figures, under three protocols; on its own page, the list of steps.
        assert first.count(f'href="provenance.html#{anchor}"') >= 3
        assert page.count(f'href="#{anchor}"') >= 1
        assert page.count(f'id="{anchor}"') == 1
    assert speed.count(f'href="provenance.html#{record_anchor(TIMING)}"') >= 2
    ids, links = re.findall(r' id="([^"]*)"', page), re.findall(r' href="#([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(links) <= set(ids)
    assert f'id="{record_anchor("rankings/mini/toy/plain/better.record.json")}"' in page
    assert "--set &#39;a&lt;b&#39; better" in page
    assert "superglobal rerank --set 'a<b' better" in html.unescape(page)


def test_tables_name_the_record(root: Path, tmp_path: Path) -> None:
    out = write_report(root, tmp_path / "out").parent
    for name in METHODS:
        source = EVALUATION.format(name)
        assert any(line.endswith(f",{source}") for line in (out / "map.csv").read_text().splitlines())
        assert any(line.endswith(f",{source}") for line in (out / "per_query.csv").read_text().splitlines())
        assert any(line.endswith(rf"\\ % {source}") for line in (out / "map.tex").read_text().splitlines())
        assert f"| {source} " in (out / "map.md").read_text().replace("\\_", "_")
    assert all(line.endswith(f",{TIMING}") for line in (out / "speedup.csv").read_text().splitlines()[1:])
    assert rf"\\ % {TIMING}" in (out / "speedup.tex").read_text()
    assert f"| {TIMING} |" in (out / "speedup.md").read_text()


def test_a_timing_without_a_record_leads_nowhere(root: Path, tmp_path: Path) -> None:
    content = json.loads((root / TIMING).read_text())
    del content["record"]
    write_json(root / TIMING, content)
    page = (write_report(root, tmp_path / "out").parent / "speed.html").read_text()
    assert record_anchor(TIMING) not in page
    assert "which has no record" in page


KEPT = {
    "ablation/mini/toy.json": ("ablate", "Ablation: toy (synthetic), mini"),
    "sweeps/mini/toy/plain.json": ("sweep", "Sweep: toy (synthetic), mini"),
    "sweeps/mini/toy/distractors.json": ("sweep", "Sweep: toy (synthetic), mini, distractors"),
    "tuning/toy-to-other-half.json": ("tune", "Tuning: toy-to-other-half"),
}


def test_ablations_sweeps_and_tunings_have_views_with_their_lineage(root: Path) -> None:
    variants = "ablation-features/mini/toy/queries"
    images = read("images", "pictures", "77")
    write_json(
        root / variants / "record.json", record("ablation-features", command="make them", inputs=[images])
    )
    # A variant's own record says the same once more.
    write_json(root / variants / "relup-off/record.json", record("extract", command="not shown"))
    for source, (step, _) in KEPT.items():
        given = [read("variants of the queries", f"results/tiny/{variants}", "88")]
        made = record(step, command=f"superglobal {step}", inputs=given, parameters={"beta": 0.15})
        write_json(root / source, {"record": made})
    found = views_of(root)
    views = {view.source: view for view in found.views}
    assert [view.source for view in found.views[4:]] == sorted(KEPT)
    for source, (step, title) in KEPT.items():
        view = views[source]
        assert found.shown(source)
        assert view.title == title
        assert view.anchor == record_anchor(source)
        assert view.commands == ("make them", f"superglobal {step}")
        assert view.sections["Parameters"]["beta"] == "0.15"
        assert view.sections["Read"] == {
            "images: pictures": "sha256 77",
            f"variants of the queries: results/tiny/{variants}": "sha256 88",
        }
        assert (view.snakemake or "").endswith(f" results/tiny/{source}")
