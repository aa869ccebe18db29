"""Memory that a piece of work takes."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

from superglobal_core.timing import memory
from superglobal_core.timing.memory import MemoryUse, measure_memory

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
MB = 1_000_000


def probed(body: str) -> MemoryUse:
    """Run a script that prints a MemoryUse, in a process of its own."""
    script = "import superglobal_core.timing.memory as memory\n" + textwrap.dedent(body)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return MemoryUse(**json.loads(done.stdout))


@linux
@pytest.mark.parametrize(
    ("setup", "how"),
    [
        ("", "the kernel's high-water mark, reset before"),
        ("memory._CLEAR_REFS = memory.Path('/proc/none')", "resident memory, looked at every 1 ms"),
    ],
)
def test_the_peak_of_an_allocation_is_found(setup: str, how: str) -> None:
    # 200 MB that are given back before the end, in a process that held more before and still holds some.
    use = probed(f"""
        import time
        {setup}
        earlier = bytearray(b"x" * 300_000_000)
        del earlier
        held = bytearray(b"x" * 50_000_000)
        def work():
            block = bytearray(200_000_000)
            for start in range(0, len(block), 4096):
                block[start] = 1
            time.sleep(0.05)
            del block
        print(memory.measure_memory(work).model_dump_json())
    """)
    assert use.host_bytes is not None
    assert 195 * MB < use.host_bytes < 215 * MB
    assert use.device_bytes is None
    assert use.how == how


@linux
def test_work_served_from_memory_freed_before_is_not_free_of_cost() -> None:
    # Freed blocks stay with the allocator where one that is still in use lies above them.
    use = probed("""
        pins = []
        def work():
            blocks = [bytes(50_000) for _ in range(1000)]
            pins.append(bytes(50_000))
        work()
        print(memory.measure_memory(work).model_dump_json())
    """)
    assert use.host_bytes is not None
    assert use.host_bytes > 40 * MB


@linux
def test_work_that_takes_nothing_takes_nearly_nothing() -> None:
    use = probed("print(memory.measure_memory(lambda: None).model_dump_json())")
    assert use.host_bytes is not None
    assert 0 <= use.host_bytes < 3 * MB


def test_without_the_kernels_help_only_growth_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_CLEAR_REFS", memory.Path("/none/clear_refs"))
    monkeypatch.setattr(memory, "_STATUS", memory.Path("/none/status"))
    peaks = iter([100, 350])
    monkeypatch.setattr(memory, "peak_memory", lambda: next(peaks))
    use = measure_memory(lambda: None)
    assert use.host_bytes == 250
    assert "growth" in use.how
    monkeypatch.setattr(memory, "peak_memory", lambda: None)
    assert measure_memory(lambda: None).host_bytes is None


def test_the_work_runs_once_and_its_error_comes_through() -> None:
    runs = []
    measure_memory(lambda: runs.append(1))
    assert runs == [1]
    with pytest.raises(ZeroDivisionError):
        measure_memory(lambda: 1 / 0)


@pytest.mark.gpu
def test_the_peak_on_the_gpu_is_found() -> None:
    import torch

    held = torch.zeros(1000, 1000, device="cuda")

    def work() -> None:
        torch.zeros(100 * MB, dtype=torch.uint8, device="cuda")

    use = measure_memory(work, device=held.device)
    assert use.device_bytes is not None
    assert 100 * MB <= use.device_bytes < 110 * MB
