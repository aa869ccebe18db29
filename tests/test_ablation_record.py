"""An ablation's file: what is written is read, and what is damaged is refused with a sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from superglobal_core.ablation_record import AblationRecord, read_ablation, write_ablation
from superglobal_core.errors import UserError
from superglobal_core.files import read_json, write_json


def figures(*aps: float | None) -> dict[str, Any]:
    known = [value for value in aps if value is not None]
    return {
        "map": sum(known) / len(known) if known else None,
        "map_interval_95": None,
        "average_precision": list(aps),
        "mean_precision": {"1": 0.5},
        "queries_with_positives": len(known),
    }


def measured(*aps: float | None) -> dict[str, Any]:
    return {"easy": figures(*aps), "medium": figures(*aps), "hard": figures(*[None] * len(aps))}


def content() -> dict[str, Any]:
    row = {"table": "switches", "name": "antialias", "preset_value": "on", "changed_value": "off"}
    return {
        "dataset": "toy",
        "descriptor": "sg",
        "preset": "official",
        "single_stage": measured(0.5, None),
        "reranked": measured(0.6, None),
        "rows": [
            row | {"touches": "images", "single_stage": measured(0.4, None), "settings": {"antialias": False}}
        ],
        "left_out": [{"table": "backbones", "name": "resnet", "reason": "no weights"}],
        "fixed": [{"name": "images", "reason": "blurred"}],
    }


def test_what_is_written_is_read(tmp_path: Path) -> None:
    record = AblationRecord.model_validate(content())
    write_ablation(tmp_path / "toy.json", record)
    assert read_ablation(tmp_path / "toy.json") == record
    assert record.single_stage.medium.average_precision == [0.5, None]


def test_what_an_evaluation_says_beyond_the_figures_is_passed_over() -> None:
    changed = content()
    changed["single_stage"]["record"] = {"step": "evaluate"}
    assert AblationRecord.model_validate(changed) == AblationRecord.model_validate(content())


def without_dataset(changed: dict[str, Any]) -> None:
    del changed["dataset"]


def with_unknown_preset(changed: dict[str, Any]) -> None:
    changed["preset"] = "mine"


def with_figures_beyond_one(changed: dict[str, Any]) -> None:
    changed["reranked"]["medium"]["map"] = 1.5


def with_uneven_protocols(changed: dict[str, Any]) -> None:
    changed["reranked"]["easy"] = figures(0.5)


def with_other_queries(changed: dict[str, Any]) -> None:
    changed["rows"][0]["reranked"] = measured(0.1, 0.2, 0.3)


def with_uneven_stages(changed: dict[str, Any]) -> None:
    changed["reranked"] = measured(0.1, 0.2, 0.3)


def with_a_row_twice(changed: dict[str, Any]) -> None:
    changed["rows"] *= 2


def with_an_empty_row(changed: dict[str, Any]) -> None:
    del changed["rows"][0]["single_stage"]


def with_switches_on_a_backbone(changed: dict[str, Any]) -> None:
    changed["backbone"] = "resnet"


def with_a_misspelt_key(changed: dict[str, Any]) -> None:
    changed["rows"][0]["setings"] = {}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (without_dataset, "dataset is missing"),
        (with_unknown_preset, "preset is wrong"),
        (with_figures_beyond_one, "reranked.medium.map is wrong"),
        (with_uneven_protocols, "reranked is wrong (the protocols have different numbers of queries"),
        (with_other_queries, "antialias = off has 3 queries and the preset 2"),
        (with_uneven_stages, "single_stage has 2 queries and reranked 3"),
        (with_a_row_twice, "antialias = off is there twice"),
        (with_an_empty_row, "rows.0 is wrong (neither stage was measured"),
        (with_switches_on_a_backbone, "with another backbone (resnet) there are modules only"),
        (with_a_misspelt_key, "rows.0.setings is wrong"),
    ],
)
def test_a_damaged_file_is_refused(
    tmp_path: Path, damage: Callable[[dict[str, Any]], None], says: str
) -> None:
    changed = content()
    damage(changed)
    write_json(tmp_path / "toy.json", changed)
    with pytest.raises(UserError) as error:
        read_ablation(tmp_path / "toy.json")
    assert says in str(error.value)
    assert str(error.value).startswith(f"{tmp_path / 'toy.json'} is damaged")
    assert str(error.value).endswith("run the ablation again")
    assert "\n" not in str(error.value)


def test_a_list_and_no_file_are_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "toy.json", [])
    with pytest.raises(UserError, match="the file is wrong"):
        read_ablation(tmp_path / "toy.json")
    with pytest.raises(UserError, match="cannot read"):
        read_ablation(tmp_path / "other.json")


def test_a_stored_file_holds_nothing_beyond_the_record(tmp_path: Path) -> None:
    write_ablation(tmp_path / "toy.json", AblationRecord.model_validate(content()))
    stored = read_json(tmp_path / "toy.json")
    assert list(stored) == list(AblationRecord.model_fields)
