"""How the program ends when somebody ends it, and when nobody can read what it says."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from small_data import Data

PROGRAM = [sys.executable, "-m", "superglobal_core"]


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_who_ends_it_finds_nothing_half_done(
    tmp_path: Path, data: Data, number: signal.Signals, code: int
) -> None:
    out = tmp_path / "times"
    out.mkdir()
    command = [*PROGRAM, "time", "--queries", data.queries, "--database", data.database, "--methods", "rrt"]
    with subprocess.Popen(
        [*map(str, command), "--shortlist", "10", "--repeats", "1000", "--out", str(out / "t.json")],
        stderr=subprocess.PIPE,
        text=True,
        # A test in the background of a shell would have it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as run:
        until(lambda: any(out.glob(".partial-time-*")) or run.poll() is not None)
        run.send_signal(number)
        _, said = run.communicate(timeout=60)
    assert run.returncode == code, said
    assert said.splitlines()[-1] == "superglobal: interrupted; the same command goes on where it was"
    assert not list(out.iterdir())


def test_a_full_disk_behind_the_output_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert (
        done.stderr == "superglobal: cannot write the output: No space left on device; look where it goes\n"
    )


@pytest.mark.parametrize("verb", ["--help", "doctor"])
def test_whoever_stops_reading_is_no_mistake_of_the_inputs(verb: str) -> None:
    with subprocess.Popen([*PROGRAM, verb], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.stderr is not None
        assert run.stderr.read() == ""
    assert run.returncode == 141


def test_work_that_ends_for_want_of_a_reader_is_not_done(tmp_path: Path, data: Data) -> None:
    out = tmp_path / "t.json"
    command = [*PROGRAM, "time", "--queries", data.queries, "--database", data.database, "--out", out]
    with subprocess.Popen([*map(str, command), "--methods", "superglobal"], stderr=subprocess.PIPE) as run:
        assert run.stderr is not None
        run.stderr.close()
    assert (run.returncode, out.exists()) == (141, False)


def test_a_mistake_that_nobody_reads_is_none_that_was_told() -> None:
    with subprocess.Popen([*PROGRAM, "no-such-verb"], stderr=subprocess.PIPE) as run:
        assert run.stderr is not None
        run.stderr.close()
    assert run.returncode == 141


def test_an_interruption_while_it_is_loaded_is_one_line(tmp_path: Path) -> None:
    script = (
        "import builtins, runpy, signal\n"
        "usual = builtins.__import__\n"
        "def interrupted(name, *more, **named):\n"
        "    if name == 'typer': signal.raise_signal(signal.SIGINT)\n"
        "    return usual(name, *more, **named)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "builtins.__import__ = interrupted\n"
        "runpy.run_module('superglobal_core.__main__', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "superglobal: interrupted before it began\n")
