"""Folders for what is under work: of what killed processes left, nothing stays; of live ones, everything."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from superglobal_core.scratch import scratch_folder

PROGRAM = """
import sys, time
from superglobal_core.scratch import scratch_folder

with scratch_folder(sys.argv[1], "work") as folder:
    (folder / "half").mkdir()
    (folder / "half" / "rows.npy").write_bytes(b"x")
    print(folder, flush=True)
    time.sleep(60)
"""


def test_it_is_gone_afterwards_even_after_an_error(tmp_path: Path) -> None:
    with scratch_folder(tmp_path, "work") as folder:
        (folder / "rows.npy").write_bytes(b"x")
        assert folder.parent == tmp_path
    with pytest.raises(ValueError, match="halt"), scratch_folder(tmp_path, "work"):
        raise ValueError("halt")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_a_live_one_has_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as live,
    ):
        assert killed.stdout is not None
        assert live.stdout is not None
        left, held = Path(killed.stdout.readline().strip()), Path(live.stdout.readline().strip())
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert (left / "half/rows.npy").exists()
        (tmp_path / ".partial-other-x").mkdir()
        with scratch_folder(tmp_path, "work") as folder:
            assert sorted(tmp_path.iterdir()) == sorted([folder, held, tmp_path / ".partial-other-x"])
            assert (held / "half/rows.npy").exists()
        live.kill()
    with scratch_folder(tmp_path, "work"):
        assert not held.exists()
