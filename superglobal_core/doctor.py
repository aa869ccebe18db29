"""What this machine can run, what is missing, and the command that would add it."""

from __future__ import annotations

import dataclasses
import importlib
import shutil
import sys
from pathlib import Path

from superglobal_core.networks.shipped import MINI_CHECKPOINT
from superglobal_core.timing.machine import cpu_name, describe_software, total_memory, usable_cores


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is there, what was found, and what to do if it is not."""

    name: str
    ok: bool
    found: str
    advice: str = ""


def examine(folder: str | Path = ".") -> list[Finding]:
    """Look at the machine; nothing is changed. `folder`: where results would go (for the free disk)."""
    software = describe_software()
    memory = total_memory()
    free = shutil.disk_usage(folder).free
    return [
        Finding("python", sys.version_info >= (3, 11), str(software["python"]), "use Python 3.11 or newer"),
        Finding("processor", True, f"{cpu_name()}, {usable_cores()} cores"),
        Finding(
            "memory",
            memory is None or memory >= 4e9,
            f"{(memory or 0) / 1e9:.1f} GB",
            "4 GB are needed, 24 GB for a million images",
        ),
        Finding(
            "disk",
            free >= 5e9,
            f"{free / 1e9:.0f} GB free",
            "free some: the suite mini needs 1 GB, +1M distractors 10 GB",
        ),
        *(_module(name, package, software, advice) for name, package, advice in MODULES),
        _gpu(),
        Finding(
            "mini network",
            MINI_CHECKPOINT.is_file(),
            MINI_CHECKPOINT.name,
            "make it with: superglobal train-mini --out FILE",
        ),
    ]


MODULES = (
    ("torch", "torch", "pip install torch torchvision"),
    ("torchvision", "torchvision", "pip install torchvision"),
    ("cv2", "opencv-python-headless", "pip install opencv-python-headless"),
    ("faiss", "faiss-cpu", 'pip install "superglobal[faiss]" (needed for approximate search only)'),
    ("onnxruntime", "onnxruntime", 'pip install "superglobal[local]" (needed for XFeat only)'),
    (
        "asmk",
        "asmk",
        'make asmk, or pip install "superglobal[asmk]" (needed for ASMK only; takes a C compiler)',
    ),
    ("snakemake", "snakemake", 'pip install "superglobal[workflow]" (needed for the workflow only)'),
)


def _module(name: str, package: str, software: dict[str, str | None], advice: str) -> Finding:
    version = software.get(package) or (software.get("faiss-gpu") if name == "faiss" else None)
    if name == "snakemake":
        return Finding(name, version is not None, version or "not installed", advice)
    try:
        importlib.import_module(name)
    except Exception as error:
        # A broken binary raises nearly anything on import; to the user it is missing.
        return Finding(name, False, f"does not import ({type(error).__name__}: {error})"[:160], advice)
    return Finding(name, True, version or "installed")


def _gpu() -> Finding:
    advice = "an NVIDIA GPU speeds up extraction; the suites mini and scale do without"
    try:
        import torch

        if torch.cuda.is_available():
            properties = torch.cuda.get_device_properties(0)
            return Finding(
                "gpu",
                True,
                f"{properties.name}, {properties.total_memory / 1e9:.0f} GB, CUDA {torch.version.cuda}",
            )
    except ImportError:
        pass
    return Finding("gpu", False, "none usable", advice)
