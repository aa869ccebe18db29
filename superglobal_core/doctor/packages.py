"""Python packages: those that are needed, and those that only some uses need."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

from superglobal_core.doctor.findings import Finding
from superglobal_core.timing.machine import describe_software


@dataclasses.dataclass(frozen=True)
class Module:
    """A module, the package it comes from, and the command that adds it."""

    name: str
    package: str
    advice: str
    needed: bool = False


MODULES = (
    Module("torch", "torch", "pip install torch torchvision", needed=True),
    Module("torchvision", "torchvision", "pip install torchvision", needed=True),
    Module("cv2", "opencv-python-headless", "pip install opencv-python-headless", needed=True),
    Module("faiss", "faiss-cpu", 'pip install "superglobal[faiss]" (for approximate search only)'),
    Module("onnxruntime", "onnxruntime", 'pip install "superglobal[local]" (for XFeat only)'),
    Module("asmk", "asmk", "make asmk (for ASMK only; takes a C compiler)"),
)


def package_findings() -> list[Finding]:
    """Import each module, and look for what it can do."""
    software = describe_software()
    return [_finding(module, software) for module in MODULES]


def _finding(module: Module, software: dict[str, str | None]) -> Finding:
    try:
        imported = importlib.import_module(module.name)
    except Exception as error:
        # A broken binary raises nearly anything on import; to the user it is missing.
        said = f"does not import ({type(error).__name__}: {error})"[:160]
        return Finding(module.name, False, " ".join(said.split()), module.advice, module.needed)
    version = software.get(module.package) or getattr(imported, "__version__", None) or "installed"
    found = faiss_build(imported, str(version)) if module.name == "faiss" else str(version)
    return Finding(module.name, True, found, module.advice, module.needed)


def faiss_build(faiss: Any, version: str) -> str:
    """Say which build of faiss this is: for the CPU or the GPU, and its instruction set.

    >>> class Build:
    ...     get_compile_options = staticmethod(lambda: "OPTIMIZE AVX2 ")
    >>> faiss_build(Build, "1.10")
    '1.10, for the CPU, AVX2'
    """
    kind = "GPU" if hasattr(faiss, "StandardGpuResources") else "CPU"
    options = str(faiss.get_compile_options()).split() if hasattr(faiss, "get_compile_options") else []
    sets = [option for option in options if option.startswith(("AVX", "NEON", "SVE", "ARM"))]
    return f"{version}, for the {kind}" + (f", {' '.join(sets)}" if sets else "")
