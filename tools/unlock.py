"""Remove the lock that a killed Snakemake left behind, if none is running in this folder."""

from __future__ import annotations

import sys
from pathlib import Path


def running_here() -> bool:
    """Tell whether a Snakemake works in this folder; where the system does not say, assume it does."""
    processes = Path("/proc")
    if not processes.is_dir():
        return True
    here = Path.cwd()
    for process in processes.glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            folder = (process / "cwd").resolve()
        except OSError:
            continue
        if folder == here and any(word.endswith(b"snakemake") for word in command[:3]):
            return True
    return False


def main() -> None:
    """Unlock, or say how."""
    locks = list(Path(".snakemake/locks").glob("*"))
    if not locks:
        return
    if running_here():
        sys.exit(
            "Another Snakemake works in this folder, or one was killed: wait for it, or, if none runs, "
            f"{sys.executable} -m snakemake --unlock"
        )
    print("An earlier run was killed: unlocking the folder and going on")
    for lock in locks:
        lock.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
