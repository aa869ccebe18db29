"""What a time depends on beside the machine itself: threads, frequencies, limits."""

from __future__ import annotations

import contextlib
import csv
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

_CPU_FREQUENCY = Path("/sys/devices/system/cpu/cpu0/cpufreq")
_CPUINFO = Path("/proc/cpuinfo")
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_NVIDIA_SMI_TIMEOUT_S = 10.0
# What nvidia-smi calls it, and the name and type it has in a record.
_GPU_FACTS: dict[str, tuple[str, type]] = {
    "name": ("name", str),
    "driver_version": ("driver", str),
    "clocks.sm": ("sm_mhz", float),
    "clocks.max.sm": ("sm_max_mhz", float),
    "clocks.mem": ("memory_mhz", float),
    "clocks.max.mem": ("memory_max_mhz", float),
    "power.limit": ("power_limit_w", float),
    "temperature.gpu": ("temperature_c", float),
}


def describe_clocks() -> dict[str, Any]:
    """Return threads, CPU frequencies (MHz), load averages, and every GPU's clocks (MHz) and limits (W).

    What the system does not tell is None; nothing here raises, or waits for longer than ten seconds.
    Frequencies are those of the moment. Torch's threads are told where torch is loaded already.

    >>> sorted(describe_clocks())
    ['cpu_frequency', 'gpus', 'load_average', 'threads']
    """
    return {
        "threads": _threads(),
        "cpu_frequency": {
            "governor": _read(_CPU_FREQUENCY / "scaling_governor"),
            "current_mhz": _current_mhz(),
            "max_mhz": _mhz(_CPU_FREQUENCY / "cpuinfo_max_freq"),
        },
        "load_average": _load_average(),
        "gpus": describe_gpus(),
    }


def describe_gpus(timeout_s: float = _NVIDIA_SMI_TIMEOUT_S) -> list[dict[str, Any]] | None:
    """Return the NVIDIA GPUs as nvidia-smi tells of them; None where it is absent, fails or hangs."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    query = [program, f"--query-gpu={','.join(_GPU_FACTS)}", "--format=csv,noheader,nounits"]
    output = _output(query, timeout_s)
    if output is None:
        return None
    rows = list(csv.reader(output.splitlines(), skipinitialspace=True))
    return [_gpu(row) for row in rows if len(row) == len(_GPU_FACTS)] or None


def _gpu(row: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for (name, kind), text in zip(_GPU_FACTS.values(), row, strict=True):
        try:
            # "[N/A]" and "[Not Supported]" stand for what the card does not tell.
            facts[name] = None if text.startswith("[") else kind(text)
        except ValueError:
            facts[name] = None
    return facts


def _output(command: list[str], timeout_s: float) -> str | None:
    """Run a command, or give it up: without waiting for one that a broken driver keeps from dying."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        output = process.communicate(timeout=timeout_s)[0]
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=1)
        return None
    return output if process.returncode == 0 else None


def _threads() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    return {
        "torch": torch.get_num_threads() if torch is not None else None,
        **{name: os.environ.get(name) for name in _THREAD_VARIABLES},
    }


def _current_mhz() -> float | None:
    exact = _mhz(_CPU_FREQUENCY / "scaling_cur_freq")
    if exact is not None:
        return exact
    for line in (_read(_CPUINFO) or "").splitlines():
        if line.startswith("cpu MHz"):
            with contextlib.suppress(ValueError):
                return float(line.partition(":")[2])
    return None


def _mhz(path: Path) -> float | None:
    try:
        return int(_read(path) or "") / 1000  # the kernel writes kHz
    except ValueError:
        return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return None


def _load_average() -> list[float] | None:
    """The last 1, 5 and 15 minutes'."""
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except (OSError, AttributeError):
        return None
