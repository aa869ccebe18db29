"""One timing at a time: real processes, and a real kill."""

from __future__ import annotations

import itertools
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from superglobal_core.errors import UserError
from superglobal_core.timing.alone import VARIABLE, alone, lock_path

HOLD = """
import sys, time
from pathlib import Path
from superglobal_core.timing.alone import alone
out, rounds, seconds = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
out.with_suffix(".ready").touch()
while out.with_name("wait").exists():
    time.sleep(0.001)
for _ in range(rounds):
    asked = time.monotonic_ns()
    with alone():
        out.open("a").write(f"{asked} {time.monotonic_ns()} ")
        time.sleep(seconds)
        out.open("a").write(f"{time.monotonic_ns()}\\n")
"""


def start(out: Path, rounds: int, seconds: float, lock: Path, temporary: str = "") -> subprocess.Popen[str]:
    environment = {**os.environ, VARIABLE: str(lock)} | ({"TMPDIR": temporary} if temporary else {})
    command = [sys.executable, "-c", HOLD, str(out), str(rounds), str(seconds)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def wait_for(path: Path) -> None:
    end = time.monotonic() + 20
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert path.exists()


def test_two_jobs_are_never_timed_at_once(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "timing.lock"
    (tmp_path / "wait").touch()
    jobs = [start(tmp_path / name, 8, 0.03, lock, str(tmp_path)) for name in ("a", "b")]
    wait_for(tmp_path / "a.ready")
    wait_for(tmp_path / "b.ready")
    (tmp_path / "wait").unlink()
    for job in jobs:
        job.communicate(timeout=60)
        assert job.returncode == 0
    intervals = sorted(
        [int(number) for number in line.split()][::-1]
        for name in ("a", "b")
        for line in (tmp_path / name).read_text().splitlines()
    )
    assert len(intervals) == 16
    followed = list(itertools.pairwise(intervals))  # each one: end, start, asked
    assert all(earlier[0] <= later[1] for earlier, later in followed)
    assert any(later[2] < earlier[0] for earlier, later in followed)  # they did get in each other's way


def test_a_killed_holder_frees_the_lock_and_the_waiting_one_said_once_for_whom(tmp_path: Path) -> None:
    lock = tmp_path / "timing.lock"
    holder = start(tmp_path / "held", 1, 600, lock)
    wait_for(tmp_path / "held")
    waiting = start(tmp_path / "got", 1, 0, lock)
    try:
        assert waiting.stderr is not None
        line = waiting.stderr.readline()
        assert not (tmp_path / "got").exists()
        os.kill(holder.pid, signal.SIGKILL)
        rest = waiting.communicate(timeout=20)[1]
    finally:
        holder.kill()
        holder.communicate()
    assert waiting.returncode == 0
    assert rest == ""
    assert re.fullmatch(
        rf"waiting: process {holder.pid} \(-c {re.escape(str(tmp_path / 'held'))} 1 600, "
        rf"since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\) is timing \(lock: {re.escape(str(lock))}\)\n",
        line,
    )
    assert (tmp_path / "got").read_text().count("\n") == 1
    assert "\n" not in (tmp_path / "held").read_text()


def test_two_threads_exclude_each_other_too(tmp_path: Path) -> None:
    inside: list[str] = []

    def second() -> None:
        with alone(tmp_path):
            inside.append("second")

    with alone(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.2)
        inside.append("first")
    thread.join(timeout=20)
    assert inside == ["first", "second"]


def test_a_block_inside_a_block_enters_at_once_and_only_the_outer_one_frees(tmp_path: Path) -> None:
    with alone(tmp_path):
        with alone(tmp_path):
            pass
        job = start(tmp_path / "got", 1, 0, tmp_path / "timing.lock")
        assert job.stderr is not None
        assert f"process {os.getpid()} " in job.stderr.readline()
        assert not (tmp_path / "got").exists()
    job.communicate(timeout=20)
    assert (tmp_path / "got").exists()


def test_an_error_in_the_block_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="mine"), alone(tmp_path):
        raise RuntimeError("mine")
    job = start(tmp_path / "got", 1, 0, tmp_path / "timing.lock")
    assert job.communicate(timeout=20)[1] == ""
    assert job.returncode == 0


def test_a_damaged_card_of_the_holder_does_not_matter(tmp_path: Path) -> None:
    with alone(tmp_path) as lock:
        (tmp_path / "timing.lock.holder").write_text("[1")
        job = start(tmp_path / "got", 1, 0, lock)
        assert job.stderr is not None
        assert job.stderr.readline() == f"waiting: another process is timing (lock: {lock})\n"
    assert job.communicate(timeout=20)[1] == ""


def test_every_user_may_take_the_lock(tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        with alone(tmp_path / "shared") as lock:
            pass
    finally:
        os.umask(umask)
    assert stat.S_IMODE(lock.parent.stat().st_mode) == 0o777
    assert {stat.S_IMODE(path.stat().st_mode) for path in lock.parent.iterdir()} == {0o666}


def test_where_the_lock_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    assert lock_path() == tmp_path / "mine"
    assert lock_path(tmp_path / "other") == tmp_path / "other" / "timing.lock"
    monkeypatch.delenv(VARIABLE)
    default = lock_path()
    # A batch system's own temporary folder must not part the jobs of one machine.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert lock_path() == default
    assert default.name == "timing.lock"


def test_a_place_that_cannot_be_locked_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for place in (tmp_path / "file" / "timing.lock", tmp_path / "folder"):
        monkeypatch.setenv(VARIABLE, str(place))
        with pytest.raises(UserError, match=f"cannot lock {re.escape(str(place))}.*{VARIABLE}"), alone():
            pass
