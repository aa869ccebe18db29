"""The machine and the software a result was made with."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch",
    "torchvision",
    "numpy",
    "scipy",
    "opencv-python-headless",
    "faiss-cpu",
    "faiss-gpu",
    "onnxruntime",
    "asmk",
    "snakemake",
)

DRIVER = Path("/proc/driver/nvidia/version")


def describe_software() -> dict[str, str | None]:
    """Return the versions of Python and of the packages that results depend on; None where absent."""
    versions: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return versions


def describe_hardware() -> dict[str, Any]:
    """Return processor, usable cores, memory, operating system and GPU, without importing torch.

    A GPU is named when this process has torch loaded and can use it: else it took no part.
    """
    return {
        "cpu": cpu_name(),
        "cores": usable_cores(),
        "memory_bytes": total_memory(),
        "system": f"{platform.system()} {platform.machine()}",
        **_torch_facts(),
    }


def cpu_name() -> str:
    """Return the processor's name as the operating system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def total_memory() -> int | None:
    """Return the machine's memory in bytes, or None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _torch_facts() -> dict[str, Any]:
    torch = sys.modules.get("torch")
    if torch is None:
        return {"gpu": None, "threads": None}
    threads = torch.get_num_threads()
    if not torch.cuda.is_available():
        return {"gpu": None, "threads": threads}
    driver = driver_version(DRIVER.read_text(errors="replace")) if DRIVER.is_file() else None
    return {
        "gpu": torch.cuda.get_device_name(0),
        "driver": driver,
        "cuda": torch.version.cuda,
        "threads": threads,
    }


def driver_version(text: str) -> str | None:
    """Return the version of NVIDIA's driver from what the system says of it.

    >>> driver_version("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 2024")
    '550.54.15'
    """
    found = re.search(r"Kernel Module.*?\s(\d+\.[\d.]+)\s", text)
    return found[1] if found else None


def free_memory() -> int | None:
    """Return how many bytes of memory can be had without swapping; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None
