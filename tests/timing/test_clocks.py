"""Threads, frequencies, GPUs, and what others did meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from superglobal_core.timing import clocks, others
from superglobal_core.timing.clocks import describe_clocks, describe_gpus
from superglobal_core.timing.others import Others, watch_others


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program on PATH to be written by the test."""
    program = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return program


def write_program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_clocks_can_be_stored_and_name_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    facts = json.loads(json.dumps(describe_clocks()))
    assert facts["threads"]["torch"] == torch.get_num_threads()
    assert facts["threads"]["OMP_NUM_THREADS"] == "3"
    assert facts["threads"]["MKL_NUM_THREADS"] is None
    assert len(facts["load_average"]) == 3


def test_frequencies_are_in_mhz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "scaling_governor": "performance\n",
        "scaling_cur_freq": "2400000\n",
        "cpuinfo_max_freq": "3500000\n",
    }.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(clocks, "_CPU_FREQUENCY", tmp_path)
    assert describe_clocks()["cpu_frequency"] == {
        "governor": "performance",
        "current_mhz": 2400.0,
        "max_mhz": 3500.0,
    }
    (tmp_path / "scaling_cur_freq").unlink()
    (tmp_path / "cpuinfo").write_text("processor : 0\ncpu MHz\t\t: 2199.998\n")
    monkeypatch.setattr(clocks, "_CPUINFO", tmp_path / "cpuinfo")
    assert describe_clocks()["cpu_frequency"]["current_mhz"] == 2199.998


def test_what_the_system_does_not_tell_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "_CPU_FREQUENCY", tmp_path / "none")
    monkeypatch.setattr(clocks, "_CPUINFO", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    facts = describe_clocks()
    assert facts["cpu_frequency"] == {"governor": None, "current_mhz": None, "max_mhz": None}
    assert facts["gpus"] is None


def test_gpus_are_described(nvidia_smi: Path) -> None:
    write_program(
        nvidia_smi,
        'test "$1" = "--query-gpu=name,driver_version,clocks.sm,clocks.max.sm,clocks.mem,clocks.max.mem,'
        'power.limit,temperature.gpu" || exit 2\n'
        "echo 'NVIDIA H100 80GB HBM3, 570.86.15, 1980, 1980, 2619, 2619, 700.00, 31'\n"
        "echo 'NVIDIA T400, 570.86.15, 300, [N/A], [Not Supported], 5001, [N/A], unknown'",
    )
    gpus = describe_gpus()
    assert gpus is not None
    assert gpus[0] == {
        "name": "NVIDIA H100 80GB HBM3",
        "driver": "570.86.15",
        "sm_mhz": 1980.0,
        "sm_max_mhz": 1980.0,
        "memory_mhz": 2619.0,
        "memory_max_mhz": 2619.0,
        "power_limit_w": 700.0,
        "temperature_c": 31.0,
    }
    assert [gpus[1][name] for name in ("sm_mhz", "sm_max_mhz", "memory_mhz", "power_limit_w")] == [
        300.0,
        None,
        None,
        None,
    ]
    assert gpus[1]["temperature_c"] is None


@pytest.mark.parametrize("body", ["echo 'no devices were found' && exit 6", "echo one, two", "exit 0"])
def test_a_failing_nvidia_smi_is_no_error(nvidia_smi: Path, body: str) -> None:
    write_program(nvidia_smi, body)
    assert describe_gpus() is None


def test_a_broken_program_is_no_error(nvidia_smi: Path) -> None:
    nvidia_smi.write_bytes(b"\x7fELF broken")
    nvidia_smi.chmod(0o755)
    assert describe_gpus() is None


def ended(pid: int) -> bool:
    """Whether a process is gone, or only waits to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_hanging_nvidia_smi_is_given_up_and_ended(nvidia_smi: Path, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    write_program(nvidia_smi, f"sleep 60 &\necho $! > {pid}\nwait")
    start = time.monotonic()
    assert describe_gpus(timeout_s=0.5) is None
    assert time.monotonic() - start < 5
    # A killed process may run a moment longer on a busy machine, and be listed longer still.
    while not ended(int(pid.read_text())):
        assert time.monotonic() - start < 20
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_another_process_at_work_is_seen() -> None:
    spin = "import time; end = time.monotonic() + 60\nwhile time.monotonic() < end: pass"
    with watch_others() as beside:
        other = subprocess.Popen([sys.executable, "-c", spin])
        time.sleep(0.8)
    other.kill()
    other.wait()
    assert 0.8 <= beside.seconds < 5
    # On a machine that others use too it gets a share of a core, of which a third is little.
    assert beside.cores is not None
    assert beside.cores > 0.3
    assert beside.sentence is not None
    assert f"other processes kept {beside.cores + (beside.stolen or 0):.1f} cores busy" in beside.sentence


def test_ones_own_work_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tick = os.sysconf("SC_CLK_TCK")
    path = tmp_path / "stat"
    monkeypatch.setattr(others, "_STAT", path)
    own, clock = iter([1.0, 7.0]), iter([100.0, 110.0])
    monkeypatch.setattr(others, "_own", lambda: next(own))
    monkeypatch.setattr(others.time, "monotonic", lambda: next(clock))
    path.write_text(f"cpu  {5 * tick} 0 {3 * tick} 900 0 0 0 {tick} 0 0\n")
    with watch_others() as beside:
        path.write_text(f"cpu  {14 * tick} 0 {5 * tick} 950 0 0 0 {4 * tick} 0 0\n")
    # Eleven seconds of processor in ten, six of them one's own; three stolen.
    assert (beside.seconds, beside.cores, beside.stolen) == pytest.approx((10.0, 0.5, 0.3))


def test_a_quiet_or_silent_system_gives_no_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "_STAT", tmp_path / "none")
    with watch_others() as beside:
        pass
    assert (beside.cores, beside.stolen, beside.sentence) == (None, None, None)
    assert Others(seconds=10, cores=0.1, stolen=0.05).sentence is None
    assert Others(seconds=10, cores=0.1, stolen=0.2).sentence is not None
