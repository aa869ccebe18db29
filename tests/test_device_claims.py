"""Processes beside each other have a GPU each; the tests pretend that there are four."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from superglobal_core import device_claims
from superglobal_core.device_claims import CLAIMED, VISIBLE, claim_gpu
from superglobal_core.devices import choose_device
from superglobal_core.invocation import invoked

# It loads no torch, so that many of them start in no time.
PROGRAM = """
import os, sys
from superglobal_core.device_claims import claim_gpu
claimed = {claim_gpu(int(os.environ.get("PRETENDED", 4))) for _ in range(3)}
assert claimed == {os.environ["CUDA_VISIBLE_DEVICES"]}
print(*claimed, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No claim so far, and locks in a folder of the test's own."""
    for name in (VISIBLE, CLAIMED):
        monkeypatch.setenv(name, "")  # so that what the code sets is undone afterwards
        monkeypatch.delenv(name)
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(device_claims, "_held", [])


class Process:
    """A process that has chosen its device and lives until it is told to end."""

    def __init__(self, **variables: str) -> None:
        self.program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def gpu(self) -> str:
        """Its GPU, once it has chosen."""
        assert self.program.stdout is not None
        return self.program.stdout.readline().strip()

    def kill(self) -> None:
        self.program.kill()
        self.program.wait()

    def end(self) -> str:
        """End it; what it said on stderr."""
        return self.program.communicate("", timeout=60)[1]


@pytest.fixture
def start(clean: None) -> Iterator[type[Process]]:
    started: list[Process] = []

    class Started(Process):
        def __init__(self, **variables: str) -> None:
            super().__init__(**variables)
            started.append(self)

    yield Started
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def test_four_processes_at_once_have_four_gpus_and_a_killed_one_leaves_its_own(start: type[Process]) -> None:
    processes = [start() for _ in range(4)]
    found = {process.gpu(): process for process in processes}
    assert sorted(found) == ["0", "1", "2", "3"]
    found["2"].kill()
    next_one = start()
    assert next_one.gpu() == "2"
    # With all four taken, the fifth shares one, and says so in one line; another shares another one.
    fifth, sixth = start(), start()
    assert sorted([fifth.gpu(), sixth.gpu()]) == ["0", "1"]
    for process in (fifth, sixth):
        assert process.end().startswith("all 4 GPUs are in use by other processes: this one shares GPU ")
    assert next_one.end() == ""
    assert found["0"].end() == ""


def test_one_of_those_that_are_visible_is_claimed_whatever_they_are_called(start: type[Process]) -> None:
    names = "GPU-8f3a,MIG-1/2/0"
    first, second = (start(PRETENDED="2", CUDA_VISIBLE_DEVICES=names) for _ in range(2))
    assert {first.gpu(), second.gpu()} == set(names.split(","))
    third = start(PRETENDED="1", CUDA_VISIBLE_DEVICES="GPU-8f3a")
    assert third.gpu() == "GPU-8f3a"
    assert third.end() == "the GPU is in use by other processes: this one shares GPU GPU-8f3a\n"


def test_jobs_of_a_scheduler_have_nothing_to_share_out(start: type[Process]) -> None:
    jobs = [start(PRETENDED="1", CUDA_VISIBLE_DEVICES="0", SLURM_JOB_ID=job) for job in ("7", "8")]
    assert [job.gpu() for job in jobs] == ["0", "0"]
    assert [job.end() for job in jobs] == ["", ""]


def test_a_claim_is_kept_by_its_process_and_by_those_it_starts(
    clean: None, capsys: pytest.CaptureFixture[str], start: type[Process]
) -> None:
    assert claim_gpu(4) == "0"
    assert os.environ[VISIBLE] == "0"
    assert claim_gpu(4) == claim_gpu(1) == "0"
    child = start()
    assert child.gpu() == "0"
    assert child.end() == capsys.readouterr().err == ""


def test_without_a_gpu_nothing_is_made(clean: None, tmp_path: Path) -> None:
    assert claim_gpu(0) is None
    assert VISIBLE not in os.environ
    assert not list(tmp_path.iterdir())


def test_the_processor_is_chosen_without_a_look_at_gpus(
    clean: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("cpu").type == "cpu"
    assert VISIBLE not in os.environ


def test_the_command_line_claims_and_a_caller_from_python_does_not(
    clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto").type == "cuda"
    assert VISIBLE not in os.environ
    with invoked(["search"]):
        assert {choose_device(name).type for name in ("auto", "cuda", "auto")} == {"cuda"}
    assert os.environ[VISIBLE] == "0"


def test_where_no_lock_can_be_made_the_first_gpu_is_taken_and_the_reason_said(
    clean: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert claim_gpu(2, tmp_path / "file/locks") == "0"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cannot keep processes to GPUs of their own: ")


def test_a_choice_that_another_process_was_stopped_in_is_not_waited_for(
    clean: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_claims, "LONGEST_CHOICE_S", 0.05)
    with device_claims._lock(tmp_path / "choosing.lock"):
        assert claim_gpu(2, tmp_path) == "0"
