"""doctor: what it finds, what it says is missing, and the cost of a suite."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pytest
from helpers import Run

from superglobal_core.doctor import examine
from superglobal_core.doctor.findings import Finding
from superglobal_core.doctor.hardware import gpu_finding
from superglobal_core.doctor.packages import faiss_build
from superglobal_core.doctor.tools import browser_finding, slurm_finding

ROOT = Path(__file__).parents[2]
MINI = ROOT / "config" / "mini.yaml"


def program(folder: Path, name: str, says: str, code: int = 0) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)


def test_the_paper_is_counted_and_nothing_is_measured(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    done = run("doctor", "--no-measure")
    assert (done.code, done.err) == (0, "")
    for name in (
        "python",
        "torch",
        "memory",
        "disk",
        "gpu",
        "faiss",
        "slurm",
        "browser",
        "snakemake",
        "data sets",
    ):
        assert f" {name} " in done.out
    assert "suite paper-small: " in done.out
    assert "suite paper: " in done.out
    assert "download  405 GB" in done.out
    assert "  time " not in done.out


def test_a_suite_is_measured(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("doctor", "--suite", MINI, "--device", "cpu", "--bandwidth", 20, "--json")
    assert (done.code, done.err) == (0, "")
    told = json.loads(done.out)
    assert told["rates"]["device"] == "cpu"
    (suite,) = told["suites"]
    assert suite["total_s"] == pytest.approx(sum(suite["seconds"].values()))
    assert suite["seconds"]["describing"] > 0
    assert any("20 MB/s, not measured" in each for each in suite["assumptions"])
    assert {finding["state"] for finding in told["findings"]} <= {"ok", "missing", "absent"}
    assert not list(tmp_path.iterdir())


def test_outside_the_repository_no_suite_is_assumed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run("doctor")
    assert done.code == 0
    assert "no suite was found here" in done.out


def test_what_is_absent_comes_with_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found = {finding.name: finding for finding in examine(tmp_path, tmp_path / "data")}
    assert (found["onnxruntime"].state, found["browser"].state, found["slurm"].state) == ("absent",) * 3
    assert 'pip install "superglobal[local]"' in found["onnxruntime"].advice
    assert "playwright install chromium" in found["browser"].advice
    assert found["data sets"].advice == f"superglobal download roxford5k rparis6k --root {tmp_path / 'data'}"
    for finding in found.values():
        assert finding.ok or len(finding.lines()) == 2


def test_programs_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(
        "shutil.which", lambda name: str(tmp_path / name) if (tmp_path / name).exists() else None
    )
    program(tmp_path, "firefox", "Firefox 1.0")
    assert "Firefox 1.0; the tests of the report need Chromium" in browser_finding().found
    program(tmp_path, "chromium", "Chromium 2.0")
    assert browser_finding() == Finding(
        "browser", True, "Chromium 2.0", browser_finding().advice, needed=False
    )
    program(tmp_path, "sbatch", "")
    program(tmp_path, "sinfo", "no cluster", code=1)
    assert "no cluster answers" in slurm_finding().found
    program(tmp_path, "sinfo", "gpu* long gpu*")
    assert slurm_finding().found == "partitions gpu*, long"


def test_a_driver_that_torch_cannot_use_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu_finding().found == "none usable"
    program(tmp_path, "nvidia-smi", "NVIDIA Some Card, 555.1")
    finding = gpu_finding()
    assert not finding.ok
    assert "NVIDIA Some Card with driver 555.1, which torch" in finding.found


def test_a_build_for_the_gpu_is_told_from_one_for_the_cpu() -> None:
    build = types.SimpleNamespace(
        StandardGpuResources=object, get_compile_options=lambda: "OPTIMIZE AVX512 GPU "
    )
    assert faiss_build(build, "1.9") == "1.9, for the GPU, AVX512"


@pytest.mark.parametrize("bandwidth", ["0", "-1", "nan", "inf"])
def test_a_bandwidth_that_is_none_is_refused(run: Run, bandwidth: str) -> None:
    done = run("doctor", "--no-measure", "--bandwidth", bandwidth)
    assert done.code == 2
    assert "--bandwidth is" in done.err
