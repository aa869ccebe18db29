"""This machine's rates: measured for real on the smallest network, nothing left behind."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from superglobal_core.cost.rates import measure_rates
from superglobal_core.cost.work import Network
from superglobal_core.errors import UserError


def test_rates_are_measured_and_nothing_is_left(tmp_path: Path) -> None:
    network = Network("mini", "float32")
    rates = measure_rates([network], tmp_path, "cpu")
    assert rates.device == "cpu"
    assert 0 < rates.of(network).s_per_megapixel < 60
    numbers = [value for value in dataclasses.asdict(rates).values() if isinstance(value, float)]
    assert len(numbers) == 5
    assert min(numbers) > 0
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot measure the disk of .*no-measure"):
        measure_rates([], tmp_path / "absent", "cpu")
