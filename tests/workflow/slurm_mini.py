"""Run config/mini.yaml as it is on a throw-away SLURM of two nodes and on this machine, and compare the results.

`make slurm-mini`, a quarter of an hour on two cores. The tests run a smaller suite.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import cluster_runs
import slurm_cluster
from compared_runs import differences, rankings, tables
from runs import ROOT, command, environment

SUITE = ROOT / "config/mini.yaml"


def main() -> int:
    """Return 0 where both runs ended and have the same results."""
    absent = cluster_runs.missing()
    if absent is not None:
        print(absent, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="slurm-mini-") as scratch:
        on_cluster, here, daemons = (Path(scratch, name) for name in ("on-cluster", "here", "daemons"))
        for folder in (on_cluster, here, daemons):
            folder.mkdir()
        return _run_there(daemons, on_cluster) or _run_here(here) or _compare(on_cluster, here)


def _run_there(daemons: Path, folder: Path) -> int:
    profile = ["--workflow-profile", str(ROOT / "profiles/slurm"), *cluster_runs.HERE]
    began = time.monotonic()
    with slurm_cluster.cluster(daemons) as slurm:
        run = cluster_runs.start(slurm, folder, *command(folder, SUITE, *profile)[3:])
        try:
            while run.poll() is None:
                _tell(folder, began)
                time.sleep(30)
        finally:
            run.kill()
        _tell(folder, began)
        jobs = slurm.jobs()
    if run.returncode != 0:
        print((folder / "said").read_text(), file=sys.stderr)
        return 1
    states = ", ".join(
        f"{count} {state}" for state, count in sorted(Counter(job["state"] for job in jobs).items())
    )
    nodes = ", ".join(
        f"{count} on {node}" for node, count in sorted(Counter(job["node"] for job in jobs).items())
    )
    print(f"On SLURM: {len(jobs)} jobs ({states}; {nodes}) in {time.monotonic() - began:.0f} s")
    return 0


def _tell(folder: Path, began: float) -> None:
    """Print how far Snakemake says that it is."""
    steps = [line for line in (folder / "said").read_text().splitlines() if line.endswith("done")]
    print(f"{time.monotonic() - began:5.0f} s: {steps[-1] if steps else 'no step is done'}", flush=True)


def _run_here(folder: Path) -> int:
    began = time.monotonic()
    done = subprocess.run(
        command(folder, SUITE), cwd=folder, env=environment(), capture_output=True, text=True
    )
    if done.returncode != 0:
        print(done.stdout + done.stderr, file=sys.stderr)
        return 1
    print(f"On this machine: {time.monotonic() - began:.0f} s")
    return 0


def _compare(on_cluster: Path, here: Path) -> int:
    found = differences(on_cluster, here, "mini")
    counted = f"{len(tables(here, 'mini'))} tables and {len(rankings(here, 'mini'))} rankings"
    print(f"Of {counted} these differ: {', '.join(found)}" if found else f"All {counted} are equal")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
