"""Processor, memory, disk and GPU."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from superglobal_core.doctor.findings import Finding, answer
from superglobal_core.progress import bytes_text
from superglobal_core.timing.machine import (
    cpu_name,
    describe_software,
    free_memory,
    total_memory,
    usable_cores,
)

NO_GPU = "an NVIDIA GPU makes extraction tens of times faster; the suites mini and scale do without"


def hardware_findings(folder: Path) -> list[Finding]:
    """Look at Python and the machine. folder: where results would go."""
    memory, free = total_memory(), shutil.disk_usage(folder).free
    return [
        Finding(
            "python",
            sys.version_info >= (3, 11),
            str(describe_software()["python"]),
            "use Python 3.11 or newer",
        ),
        Finding("processor", True, f"{cpu_name()}, {usable_cores()} cores"),
        Finding(
            "memory",
            memory is None or memory >= 4e9,
            f"{bytes_text(memory or 0)}{_available()}",
            "4 GB are needed, 8 GB for ResNet-101 and a million descriptors: use a machine with more",
        ),
        Finding(
            "disk",
            free >= 5e9,
            f"{bytes_text(free)} free in {folder.absolute()}",
            "free some: the suite mini needs 1 GB, what others need is said below",
        ),
        gpu_finding(),
    ]


def gpu_finding() -> Finding:
    """Look for a GPU that torch can use; what the driver shows alone is said, too."""
    driver = _driver()
    try:
        import torch
    except Exception as error:
        # A broken binary raises nearly anything on import.
        return Finding("gpu", False, f"torch does not import ({type(error).__name__})", NO_GPU, needed=False)
    if torch.cuda.is_available():
        names = []
        for number in range(torch.cuda.device_count()):
            found = torch.cuda.get_device_properties(number)
            names.append(f"{found.name}, {bytes_text(found.total_memory)}")
        shown = f"; driver {driver[1]}" if driver else ""
        return Finding("gpu", True, f"{'; '.join(names)}; CUDA {torch.version.cuda}{shown}", needed=False)
    if driver is None:
        return Finding("gpu", False, "none usable", NO_GPU, needed=False)
    build = "a build without CUDA" if torch.version.cuda is None else f"built for CUDA {torch.version.cuda}"
    return Finding(
        "gpu",
        False,
        f"{driver[0]} with driver {driver[1]}, which torch ({build}) cannot use",
        "pip install --force-reinstall torch torchvision, in a build that fits the driver",
        needed=False,
    )


def _driver() -> tuple[str, str] | None:
    said = answer(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"])
    if not said:
        return None
    name, _, version = said.splitlines()[0].partition(",")
    return name.strip(), version.strip()


def _available() -> str:
    free = free_memory()
    return "" if free is None else f", {bytes_text(free)} of it free"
