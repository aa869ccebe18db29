"""What this machine can run, what is missing, and the command that would add it."""

from __future__ import annotations

from pathlib import Path

from superglobal_core.doctor.data import data_findings
from superglobal_core.doctor.findings import Finding
from superglobal_core.doctor.hardware import hardware_findings
from superglobal_core.doctor.packages import package_findings
from superglobal_core.doctor.tools import tool_findings

__all__ = ["Finding", "examine"]


def examine(folder: str | Path = ".", root: str | Path = "data") -> list[Finding]:
    """Look at the machine; nothing is changed.

    folder: where results would go (for the free disk); root: where downloads are.
    """
    return [
        *hardware_findings(Path(folder)),
        *package_findings(),
        *tool_findings(),
        *data_findings(Path(root)),
    ]
