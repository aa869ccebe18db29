"""Pools of processes: none outlives the process that made it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import os, sys, time
from superglobal_core.pools import spawned_pool

if __name__ == "__main__":
    pool = spawned_pool(2)
    print(*{pool.submit(os.getpid).result() for _ in range(20)}, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_process_that_made_them(tmp_path: Path, end: signal.Signals) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True) as made:
        assert made.stdout is not None
        workers = [int(number) for number in made.stdout.readline().split()]
        assert workers
        assert all(Path(f"/proc/{worker}").exists() for worker in workers)
        made.send_signal(end)
        # They hold the other end of this pipe: it closes with the last of them.
        made.communicate(timeout=30)
    deadline = time.monotonic() + 10
    while any(Path(f"/proc/{worker}/exe").exists() for worker in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
