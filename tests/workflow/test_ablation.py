"""The ablation of a suite: what is shared, what is measured, and what a change runs again."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from runs import COMPARED, Snakemake
from test_workflow import planned_rules

from superglobal_core.ablation_record import read_ablation
from superglobal_core.errors import UserError
from superglobal_core.steps.ablate import ablate_step

pytestmark = pytest.mark.workflow

MODULES = {"gem-off", "regional-gem-on", "scale-gem-off", "relup-off", "p-of-gem-3"}


def test_every_change_is_measured_and_the_untouched_is_shared(tiny_run: Path) -> None:
    results = tiny_run / "results/tiny"
    features = results / "ablation-features/mini/landmarks"
    database = {path.name for path in (features / "database").iterdir() if path.is_dir()}
    queries = {path.name for path in (features / "queries").iterdir() if path.is_dir()}
    assert database == {"inner-normalisation-off", *MODULES}
    # Whole queries are looked for among the database's own descriptors; rerankings need no descriptors.
    assert queries - database == {"query-crop-off"}
    found = read_ablation(results / "ablation/mini/landmarks.json")
    rows = {(row.name, row.changed_value): row for row in found.rows}
    assert {name for name, _ in rows} >= {"query_crop", "inner_normalisation", "junk", "query_neighbour"}
    assert rows["junk", "remove"].single_stage is None
    assert rows["query_crop", "off"].single_stage is not None
    left_out = {(each.table, each.name) for each in found.left_out}
    assert left_out >= {("backbones", "torchvision-resnet50"), ("switches", "relup")}
    assert not left_out & {(row.table, row.name) for row in found.rows}
    # The base is the suite's own result, reranked alike.
    for name, own in (("single-stage", found.single_stage), ("superglobal", found.reranked)):
        stored = json.loads((results / f"evaluation/mini/landmarks/plain/{name}.json").read_text())
        for protocol in ("easy", "medium", "hard"):
            assert own.figures(protocol).average_precision == stored[protocol]["average_precision"]


def test_descriptors_of_another_variant_are_refused(tiny_run: Path, tmp_path: Path) -> None:
    results = tiny_run / "results/tiny"
    variants = tmp_path / "landmarks"
    shutil.copytree(results / "ablation-features/mini/landmarks", variants)
    shutil.rmtree(variants / "database/relup-off")
    shutil.copytree(variants / "database/scale-gem-off", variants / "database/relup-off")
    own = results / "features/mini/landmarks"
    with pytest.raises(UserError, match="should be the variant relup-off, with scale_pooling 'max'"):
        ablate_step(
            results / "suite.json",
            "mini",
            "landmarks",
            own / "queries",
            [own / "database"],
            results / "data/landmarks/gnd_landmarks.pkl",
            variants,
            tmp_path / "out.json",
            device="cpu",
        )
    assert not (tmp_path / "out.json").exists()


def test_the_pages_show_it(tiny_run: Path) -> None:
    report = tiny_run / "reports/tiny"
    page = (report / "ablation.html").read_text()
    for text in ("query neighbour", "its weights are not at hand", "GLDv2-clean", "p of GeM+"):
        assert text in page
    names = {row["name"] for row in csv.DictReader((report / "ablation.csv").open())}
    assert names >= {"query_crop", "junk", "GeM+", "p of GeM+"}
    assert "<svg" in (report / "parameters.html").read_text()
    assert len(list(csv.DictReader((report / "tuning.csv").open()))) > 0
    assert "not run" in (report / "verdict.html").read_text()
    assert "statistics.html" in (report / "index.html").read_text()


def changed(tmp_path: Path, **ablation: Any) -> Path:
    suite = tmp_path / "changed.yaml"
    suite.write_text(yaml.safe_dump({**COMPARED, "ablation": {**COMPARED["ablation"], **ablation}}))  # type: ignore[dict-item]
    return suite


def test_a_changed_ablation_reruns_what_it_touches(
    tiny_run: Path, snakemake: Snakemake, tmp_path: Path
) -> None:
    again = {"ablate", "report"}
    done = snakemake(
        tiny_run, changed(tmp_path, switches=["query_crop", "inner_normalisation", "junk"]), "-n"
    )
    assert planned_rules(done.stdout) == again, done.stdout + done.stderr
    done = snakemake(tiny_run, changed(tmp_path, exponents=[3.0, 5.0]), "-n")
    assert planned_rules(done.stdout) == again | {"ablation_features"}, done.stdout + done.stderr


def test_records_name_what_was_read(tiny_run: Path) -> None:
    results = tiny_run / "results/tiny"
    record = read_ablation(results / "ablation/mini/landmarks.json").record
    assert record is not None
    variants = "results/tiny/ablation-features/mini/landmarks"
    given = {one["role"]: one for one in record["inputs"]}
    assert given["variants of the queries"]["path"] == f"{variants}/queries"
    assert given["variants of the database"]["path"] == f"{variants}/database"
    assert set(given) >= {"suite", "search", "queries", "database", "ground truth"}
    assert all(one["sha256"] or one["digest"] for one in record["inputs"])
    made = json.loads((results / "ablation-features/mini/landmarks/queries/record.json").read_text())[
        "inputs"
    ]
    assert {one["role"] for one in made} >= {"suite", "images", "checkpoint", "boxes"}
    assert all(one["sha256"] or one["digest"] for one in made)
