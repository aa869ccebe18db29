"""What is said of the machine and of a step."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from superglobal_core.results import Record, Stopwatch, record_path, recorded
from superglobal_core.timing.machine import describe_hardware, describe_software, usable_cores
from superglobal_core.timing.memory import peak_memory


def test_software_and_hardware() -> None:
    software = describe_software()
    assert software["python"] == platform.python_version()
    assert software["numpy"] == np.__version__
    hardware = describe_hardware()
    assert set(hardware) >= {"cpu", "cores", "memory_bytes", "system", "gpu", "threads"}
    assert hardware["cores"] == usable_cores() >= 1
    json.dumps([software, hardware])


def test_describing_the_machine_does_not_import_torch() -> None:
    script = (
        "import sys; from superglobal_core.timing.machine import *; describe_hardware(); describe_software()"
    )
    script += "; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_peak_memory_grows_with_use() -> None:
    before = peak_memory()
    assert before is not None
    block = np.ones(before // 8 + 4_000_000)
    after = peak_memory()
    assert after is not None
    assert after - before >= 4_000_000
    del block
    assert peak_memory() == after or (peak_memory() or 0) > after


def test_records_say_everything(tmp_path: Path) -> None:
    with recorded("search", tmp_path / "topk.npz") as facts:
        facts["method"] = "none"
    content = json.loads((tmp_path / "topk.record.json").read_text())
    assert set(content) == set(Record.model_fields)
    for key in ("code", "software", "hardware", "date", "wall_time_s", "peak_memory_bytes"):
        assert content[key] is not None
    assert content["wall_time_s"] >= 0
    assert content["date"].endswith("+00:00")
    assert record_path(tmp_path) == tmp_path / "record.json"


def test_a_failed_step_has_no_record(tmp_path: Path) -> None:
    def fail() -> None:
        with recorded("search", tmp_path / "topk.npz"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_fact_that_a_record_does_not_know_is_refused() -> None:
    with pytest.raises(ValidationError, match="colour"):
        Stopwatch().record("search", colour="red")
