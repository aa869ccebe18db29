"""Verifying sizes of a database: what is right agrees, and every fault is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import Run
from scale_records import made_up

from superglobal_core.approximate_record import Approximate
from superglobal_core.config import parse_suite, save_suite
from superglobal_core.errors import UserError
from superglobal_core.features.planted_shards import write_planted_queries, write_planted_rows
from superglobal_core.files import sha256_of
from superglobal_core.reporting.report import write_report
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.scale_record import Maps, write_scale
from superglobal_core.search.index_kinds import parse_index
from superglobal_core.steps.approximate import approximate_step
from superglobal_core.steps.checked import DISAGREES, OK, UNCHECKED
from superglobal_core.steps.verify_results import verify_results

SMALL, LARGE = 500, 1000
SUITE = parse_suite(
    {
        "suite": "grown",
        "title": "Grown",
        "scale": {
            "sizes": [SMALL, LARGE],
            "dimension": 16,
            "queries": 4,
            "landmarks": 2,
            "easy": 6,
            "hard": 6,
            "junk": 2,
            "k": 20,
            "shortlist": 20,
            "repeats": 3,
            "approximate": {"kinds": ["flat-sq8"], "sizes": [SMALL], "repeats": 1},
        },
    },
    "grown.yaml",
)
assert SUITE.scale is not None
WITHIN = SUITE.scale.world().within
INDEXED = f"approximate/planted/{SMALL}.json"
SOURCES = [INDEXED, f"scale/{SMALL}.json", f"scale/{LARGE}.json"]


def record(root: Path, size: int, single: Maps, reranked: Maps) -> None:
    parameters = {"k": 20, "shortlist": 20, "repeats": 3, "neighbours": 9, "beta": 0.15, "database": size}
    truth = root / "planted/gnd_planted.pkl"
    about = dict(made_up(size).record or {}) | {
        "parameters": parameters,
        "inputs": [{"role": "ground truth", "path": "gnd_planted.pkl", "sha256": sha256_of(truth)}],
        "distractors": size - WITHIN,
    }
    known: dict[str, Any] = {"queries": 4, "dimension": 16, "k": 20, "shortlist": 20, "labelled": 4 * 14}
    known["array_bytes"] = size * 16 * 2 + 128 * 2
    samples = made_up(size).samples_s
    known["samples_s"] = samples | {"cold": samples["cold"][:2]}
    maps = {"single_stage": single, "reranked": reranked}
    write_scale(root / f"scale/{size}.json", made_up(size, record=about, **known, **maps))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two sizes, with the indexes of the smaller one, in a suite's layout, and their report."""
    folder = tmp_path_factory.mktemp("made")
    root = folder / "results"
    assert SUITE.scale is not None
    save_suite(SUITE, root / "suite.json")
    write_planted_queries(SUITE.scale.world(), root / "planted")
    rows = folder / "rows"
    write_planted_rows(SUITE.scale.world(), rows, 0, SMALL, 300)
    found: Approximate = approximate_step(
        root / "planted/queries",
        [rows],
        root / "planted/gnd_planted.pkl",
        [parse_index("flat-sq8")],
        root / INDEXED,
        k=20,
        reranker=SuperGlobalReranker(20),
        repeats=1,
        device="cpu",
    )
    single, reranked = found.exact.single_stage_whole.map, found.exact.reranked_whole.map
    record(root, SMALL, Maps(**single), Maps(**reranked))
    lower = {name: value - 0.01 for name, value in single.items() if value is not None}
    record(root, LARGE, Maps(**lower), Maps(**reranked))
    write_report(root, folder / "report")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "made")


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_suite_of_sizes_alone_verifies(folder: Path, run: Run) -> None:
    done = run("verify", folder / "results", "--report", folder / "report")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    report = str(folder / "report/scale.json")
    assert [line.split() for line in lines[:4]] == [["ok", source] for source in (*SOURCES, report)]
    assert "note: mAP of the sizes was taken as stored: their rankings are not kept (2 of 4)" in lines
    assert lines[-1] == "4 agree, 0 disagree, 0 cannot be checked"


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_missing_is_named(folder: Path, run: Run, source: str) -> None:
    (folder / "results" / source).unlink()
    done = run("verify", folder / "results")
    assert done.code == 1
    assert f"{UNCHECKED:18} {source}: missing: the suite asks for it" in done.out.splitlines()


def test_a_folder_without_any_is_refused(folder: Path) -> None:
    for source in SOURCES:
        (folder / "results" / source).unlink()
    with pytest.raises(UserError, match="holds no evaluation"):
        verify_results(folder / "results")


def set_maps(stage: str, value: float | None) -> Callable[[dict[str, Any]], object]:
    return lambda it: it[stage].__setitem__("medium", value)


@pytest.mark.parametrize(
    ("size", "change", "source", "named"),
    [
        (SMALL, lambda it: it.update(size=400), SOURCES[1], "size: stored 400, recomputed 500"),
        (SMALL, lambda it: it.update(labelled=55), SOURCES[1], "labelled: stored 55, recomputed 56"),
        (LARGE, lambda it: it.update(k=30), SOURCES[2], "k, which the suite sets: stored 30, recomputed 20"),
        (LARGE, lambda it: it["samples_s"].pop("ranked"), SOURCES[2], "stages: "),
        (LARGE, lambda it: it["samples_s"]["search"].pop(), SOURCES[2],
         "search, number of samples: stored 2, recomputed 3"),
        (LARGE, lambda it: it["samples_s"]["cold"].append(1.0), SOURCES[2],
         "cold, number of samples: stored 3, recomputed 2"),
        (LARGE, lambda it: it.update(array_bytes=32001), SOURCES[2],
         "array_bytes: stored 32001, recomputed 32000 (1000 x 16 "),
        (LARGE, lambda it: it.update(array_bytes=31872), SOURCES[2], "array_bytes: stored 31872, recomputed 32000"),
        (LARGE, lambda it: it.update(array_bytes=10**6), SOURCES[2], "array_bytes: stored 1000000, recomputed 32000"),
        (LARGE, lambda it: it.update(dtype="int8"), SOURCES[2], "dtype: stored int8, recomputed float16 or float32"),
        (LARGE, lambda it: it.update(dtype="float32"), SOURCES[2], "array_bytes: stored 32256, recomputed 64000"),
        (LARGE, lambda it: it["record"].update(distractors=7), SOURCES[2], "record.distractors: stored 7, recomputed "),
        (LARGE, lambda it: it["memory"].pop("rerank"), SOURCES[2],
         "memory, its stages: stored floor, search, ranked, evaluate,"),
        (LARGE, set_maps("single_stage", None), SOURCES[2], "single_stage.medium: stored nothing, recomputed a number"),
        (LARGE, set_maps("reranked", None), SOURCES[2], "reranked.medium: stored nothing, recomputed a number"),
        (
            LARGE,
            lambda it: it["record"]["parameters"].update(beta=0.3),
            SOURCES[2],
            "beta, which the suite sets: stored 0.3, recomputed 0.15",
        ),
        (
            LARGE,
            lambda it: it["record"]["inputs"][0].update(sha256="0" * 64),
            SOURCES[2],
            "sha256 of the ground truth",
        ),
        (LARGE, set_maps("single_stage", 1.0), SOURCES[2], "single_stage.medium: stored 1.0, recomputed at most"),
        (SMALL, set_maps("reranked", 0.0123), INDEXED, "reranked.medium of the exact search, beside the size's"),
    ],
)  # fmt: skip
def test_what_disagrees_is_named(folder: Path, size: int, change: Any, source: str, named: str) -> None:
    edit(folder / f"results/scale/{size}.json", change)
    done = verify_results(folder / "results")
    (found,) = (one for one in done.checked if one.source == source)
    assert found.state == DISAGREES
    assert any(named in str(each) for each in found.differences), list(map(str, found.differences))
    assert not done.agrees


def test_other_indexes_than_the_suite_names_are_told(folder: Path) -> None:
    edit(folder / "results" / INDEXED, lambda it: it["indexes"][0].update(name="flat-fp16"))
    (found,) = (one for one in verify_results(folder / "results").checked if one.source == INDEXED)
    assert [each.what for each in found.differences] == ["indexes, which the suite sets"]


def test_damage_is_told_once(folder: Path) -> None:
    (folder / f"results/scale/{SMALL}.json").write_text("{}")
    (folder / "results" / INDEXED).write_text('{"indexes": []}')
    checked = verify_results(folder / "results").checked
    assert [(one.source, one.state) for one in checked] == [
        (INDEXED, UNCHECKED),
        (SOURCES[1], UNCHECKED),
        (SOURCES[2], OK),
    ]


def test_sizes_of_an_earlier_run_are_not_held_against_the_suite(folder: Path) -> None:
    path = folder / f"results/scale/{LARGE}.json"
    edit(
        path,
        lambda it: (
            it.update(size=700, array_bytes=700 * 16 * 2),
            it["record"].update(distractors=700 - WITHIN),
        ),
    )
    edit(path, lambda it: it["record"]["parameters"].update(database=700, beta=0.3))
    shutil.copy(path, path.with_name("700.json"))
    found = {one.source: one.state for one in verify_results(folder / "results").checked}
    assert found["scale/700.json"] == OK
    assert found[f"scale/{LARGE}.json"] == DISAGREES


def test_a_report_of_other_sizes_is_told(folder: Path) -> None:
    report = folder / "report/scale.json"
    edit(report, lambda it: it["sizes"][0].update(labelled=1))
    done = verify_results(folder / "results", folder / "report")
    assert [(one.source, one.state) for one in done.checked if one.state != OK] == [(str(report), DISAGREES)]
    edit(report, lambda it: it["sizes"].pop())
    assert "sizes: stored 500, recomputed 500, 1000" in str(
        verify_results(folder / "results", folder / "report").checked[-1]
    )
    report.unlink()
    assert verify_results(folder / "results", folder / "report").checked[-1].state == UNCHECKED
