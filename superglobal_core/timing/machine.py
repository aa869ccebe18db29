"""The machine and the software a result was made with."""

from __future__ import annotations

import os
import platform
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
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    return {"gpu": gpu, "threads": torch.get_num_threads()}
