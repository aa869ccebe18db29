"""Where memory ends a batch is halved, and the run goes on; one image that does not fit is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import write_pictures
from hypothesis import given
from hypothesis import strategies as st

from superglobal_core.data.images import list_images
from superglobal_core.errors import UserError
from superglobal_core.features.extraction import extract
from superglobal_core.features.memory_adapting import Adapting, short_of_memory
from superglobal_core.features.shared_pass import Describer
from superglobal_core.features.store import FeatureStore
from superglobal_core.networks.checkpoints import load_checkpoint

# A batch is another order of summation than one image alone.
BATCH_TOLERANCE = 1e-5


class Limited:
    """Describes an image by its number; more than `room` pixels at once are too many."""

    def __init__(self, room: int, error: BaseException) -> None:
        self.room, self.error, self.sizes = room, error, list[int]()

    def __call__(self, images: np.ndarray, wanted: object) -> list[np.ndarray]:
        self.sizes.append(len(images))
        if images[..., 0].size > self.room:
            raise self.error
        return [images[:, 0, 0, :1].astype(np.float32)] * 2


def numbered(count: int, side: int = 4) -> np.ndarray:
    return np.zeros((count, side, side, 3), np.uint8) + np.arange(count, dtype=np.uint8)[:, None, None, None]


@given(count=st.integers(1, 40), room=st.integers(1, 40))
def test_every_image_is_described_once_in_order(count: int, room: int) -> None:
    describe = Limited(16 * room, MemoryError())
    adapting = Adapting(describe)
    for _ in range(2):
        found = adapting(numbered(count), [0, 1], [str(number) for number in range(count)])
        assert [array[:, 0].tolist() for array in found] == [list(range(count))] * 2
    assert adapting.halvings == sum(size > room for size in describe.sizes), "the size is remembered"
    assert (adapting.most_pixels is None) == (count <= room)


def test_the_size_is_remembered_in_pixels() -> None:
    describe = Limited(16 * 8, torch.OutOfMemoryError("CUDA out of memory"))
    adapting = Adapting(describe)
    adapting(numbered(16), [0], ["x"] * 16)
    describe.sizes.clear()
    adapting(numbered(8, side=8), [0], ["x"] * 8)  # four times the pixels, a quarter of the images
    assert describe.sizes == [2, 2, 2, 2]
    assert adapting.as_dict() == {"halvings": 1, "most_batch_pixels": 128}


def test_one_image_too_large_is_named() -> None:
    adapting = Adapting(Limited(20, RuntimeError("DefaultCPUAllocator: not enough memory")), "the GPU")
    with pytest.raises(
        UserError, match=r"the image b \(8 x 8 px\) does not fit .* GPU \(Default.*\): scale it"
    ):
        adapting(numbered(1, side=8), [0], ["b"])
    assert len(adapting(numbered(3), [0], ["a"] * 3)[0]) == 3, "smaller ones still fit"


def test_other_errors_are_not_swallowed() -> None:
    with pytest.raises(RuntimeError, match="shapes differ"):
        Adapting(Limited(0, RuntimeError("shapes differ")))(numbered(2), [0], ["a", "b"])


@pytest.mark.parametrize(
    ("error", "short"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("could not create a memory object"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (ValueError("not enough memory"), False),
    ],
)
def test_what_counts_as_short_of_memory(error: BaseException, short: bool) -> None:
    assert short_of_memory(error) is short


def test_an_extraction_goes_on_in_smaller_batches(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "images", [f"{number}" for number in range(9)])
    files, network = list_images(tmp_path / "images"), load_checkpoint(checkpoint, "mini")
    whole = extract(files, network, tmp_path / "whole", made_with={}, device="cpu")
    assert whole.memory == {"halvings": 0, "most_batch_pixels": None}
    plain, sizes = Describer.__call__, list[int]()

    def limited(self: Describer, images: np.ndarray, wanted: list[int]) -> list[np.ndarray]:
        sizes.append(len(images))
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return plain(self, images, wanted)

    monkeypatch.setattr(Describer, "__call__", limited)
    done = extract(files, network, tmp_path / "small", made_with={}, device="cpu", shard_size=5)
    assert sizes == [5, 2, 2, 1, 2, 2], "the second shard knows what the first found out"
    assert done.memory == {"halvings": 1, "most_batch_pixels": 2 * 100 * 120}
    rows = [FeatureStore.open(tmp_path / name).all_rows() for name in ("whole", "small")]
    assert np.abs(rows[0] - rows[1]).max() < BATCH_TOLERANCE

    def full(self: Describer, images: np.ndarray, wanted: list[int]) -> list[np.ndarray]:
        raise MemoryError

    monkeypatch.setattr(Describer, "__call__", full)
    with pytest.raises(UserError, match=r"the image 0 \(120 x 100 px\) does not fit into the memory"):
        extract(files, network, tmp_path / "none", made_with={}, device="cpu", on_error="skip")
    assert not list((tmp_path / "none").glob("shard-*"))


# All that is loaded stays; what a batch needs beyond it is limited.
_UNDER_A_LIMIT = """
import re, resource, sys
from pathlib import Path
import torch
from superglobal_core.data.images import list_images
from superglobal_core.features import decoding
from superglobal_core.features.extraction import extract
from superglobal_core.networks.checkpoints import load_checkpoint
images, checkpoint, out, room = sys.argv[1:]
torch.set_num_threads(1)
decoding.THREADS = 1
files, network = list_images(images), load_checkpoint(checkpoint, "mini")
extract(files[:1], network, out + "-one", made_with={}, device="cpu")  # threads and libraries are there now
held = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
limit = held + int(room) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
print(extract(files, network, out, made_with={}, device="cpu").memory["halvings"])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_under_a_limit_of_the_address_space(tmp_path: Path, checkpoint: Path) -> None:
    write_pictures(tmp_path / "images", [f"{number:02}" for number in range(32)], height=256, width=256)
    room = {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}

    def run(name: str, megabytes: int) -> int:
        arguments = [str(tmp_path / "images"), str(checkpoint), str(tmp_path / name), str(megabytes)]
        done = subprocess.run(
            [sys.executable, "-c", _UNDER_A_LIMIT, *arguments],
            env=os.environ | room,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return int(done.stdout)

    assert run("ample", 4000) == 0
    assert run("tight", 250) > 0
    rows = [FeatureStore.open(tmp_path / name).all_rows() for name in ("ample", "tight")]
    assert np.abs(rows[0] - rows[1]).max() < BATCH_TOLERANCE
