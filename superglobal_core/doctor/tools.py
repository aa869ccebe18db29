"""Programs beside Python: the workflow, a cluster, a browser."""

from __future__ import annotations

import importlib.metadata
import shutil

from superglobal_core.doctor.findings import Finding, answer

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "firefox")


def tool_findings() -> list[Finding]:
    """Look for Snakemake, its plugin for SLURM, SLURM itself, and a browser."""
    return [
        _package(
            "snakemake", "snakemake", 'pip install "superglobal[workflow]" (for the workflow)', needed=True
        ),
        slurm_finding(),
        _package(
            "slurm plugin",
            "snakemake-executor-plugin-slurm",
            'pip install "superglobal[cluster]" (to run suites on a cluster)',
        ),
        browser_finding(),
        _package("playwright", "playwright", "pip install playwright (for the tests of the report's pages)"),
    ]


def _package(name: str, package: str, advice: str, needed: bool = False) -> Finding:
    try:
        return Finding(name, True, importlib.metadata.version(package), advice, needed)
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, False, "not installed", advice, needed)


def slurm_finding() -> Finding:
    """Look for SLURM's programs, and ask for its partitions."""
    advice = "log in to a machine of your cluster that has sinfo and sbatch (see docs/cluster.md)"
    if shutil.which("sinfo") is None or shutil.which("sbatch") is None:
        return Finding("slurm", False, "no sinfo and sbatch here", advice, needed=False)
    said = answer(["sinfo", "--noheader", "--format=%P"])
    if not said:
        return Finding("slurm", False, "sinfo is here, but no cluster answers it", advice, needed=False)
    return Finding("slurm", True, f"partitions {', '.join(dict.fromkeys(said.split()))}", needed=False)


def browser_finding() -> Finding:
    """Look for a browser: reports open in any, their tests drive Chromium."""
    advice = "apt-get install chromium, or: python -m playwright install chromium"
    found = [name for name in BROWSERS if shutil.which(name)]
    if not found:
        return Finding(
            "browser", False, "none found (pages open in any browser elsewhere)", advice, needed=False
        )
    said = (answer([found[0], "--version"]) or found[0]).splitlines()[0].strip()
    tested = any(name != "firefox" for name in found)
    note = "" if tested else "; the tests of the report need Chromium"
    return Finding("browser", tested, f"{said}{note}", advice, needed=False)
