"""Snakemake that asks a throw-away controller often: called with Snakemake's arguments.

SLURM's plugin waits ten seconds longer each time that no job has ended, which is kind to a controller that others use.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

PAUSE_S = 2


async def short_pause(executor: Any) -> None:
    """Wait for the next look at the queue."""
    await asyncio.sleep(PAUSE_S)


RemoteExecutor.sleep = short_pause

if __name__ == "__main__":
    sys.exit(main())
