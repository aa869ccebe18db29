"""What is stored of a size: whole, or told to be measured again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scale_records import made_up

from superglobal_core.errors import UserError
from superglobal_core.files import write_json
from superglobal_core.scale_record import ScaleStudy, read_scale, read_scale_study, write_scale


def test_a_record_comes_back(tmp_path: Path) -> None:
    record = made_up(1000)
    write_scale(tmp_path / "1000.json", record)
    assert read_scale(tmp_path / "1000.json") == record
    write_json(tmp_path / "all.json", ScaleStudy(sizes=[record]).model_dump(mode="json"))
    assert read_scale_study(tmp_path / "all.json").sizes == [record]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("size", 0),
        ("samples_s", {"search": []}),
        ("samples_s", {"search": [-1.0]}),
        ("samples_s", {"dance": [1.0]}),
    ],
)
def test_damage_is_told(tmp_path: Path, key: str, value: Any) -> None:
    write_json(tmp_path / "n.json", made_up(1000).model_dump(mode="json") | {key: value})
    with pytest.raises(UserError, match="measure again"):
        read_scale(tmp_path / "n.json")
