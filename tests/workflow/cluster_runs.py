"""How Snakemake runs a suite on the throw-away cluster."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import slurm_cluster
from runs import ROOT, environment

# The nodes have few CPUs, and nobody else's controller is asked too often.
HERE = ["--max-threads", str(slurm_cluster.CPUS), "--slurm-init-seconds-before-status-checks", "1"]
IMPATIENT = [sys.executable, str(Path(__file__).with_name("impatient_snakemake.py"))]


def missing() -> str | None:
    """Say why no suite can be run on a cluster here, or None where one can."""
    if find_spec("snakemake_executor_plugin_slurm") is None:
        return "SLURM's executor for Snakemake is not installed: make cluster"
    return slurm_cluster.missing()


def start(slurm: slurm_cluster.Slurm, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Start Snakemake in a folder, where what it says is kept."""
    with (folder / "said").open("w") as said:
        return subprocess.Popen(
            [*IMPATIENT, *arguments],
            cwd=folder,
            env=environment() | slurm.environment | {"PYTHONPATH": str(ROOT)},
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
