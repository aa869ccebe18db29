"""Rows that are asked for come into memory, those beside them do not, and reading stays what it was."""

from __future__ import annotations

import mmap
import re
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import unit_rows
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.features import reading_ahead
from superglobal_core.features.reading_ahead import for_torch, let_go, read_ahead
from superglobal_core.features.store import FeatureStore
from superglobal_core.files import load_array
from superglobal_core.timing.storage import cached_share, drop_from_page_cache

ROWS, DIMENSION = 5000, 2048


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.npy"
    np.save(path, unit_rows(np.random.default_rng(0), ROWS, DIMENSION, np.float16))
    if not drop_from_page_cache([path]):
        pytest.skip("files of this folder cannot be dropped from the page cache")
    return path


def pages(path: Path, least: int) -> int:
    """Pages of the file in memory, waited for until there are as many as expected."""
    end = time.monotonic() + 10
    while True:
        share = cached_share(path)
        assert share is not None
        found = round(share * -(-path.stat().st_size // mmap.PAGESIZE))
        if found >= least or time.monotonic() > end:
            return found
        time.sleep(0.01)


def test_just_the_pages_of_the_rows_are_read(path: Path) -> None:
    array = load_array(path, mmap=True)
    chosen = np.array([7, 7, 900, 901, 4999])
    assert drop_from_page_cache([path])
    read_ahead(array, chosen)
    # A row of 4096 bytes behind a header of 128 lies in two pages; the last is the file's end.
    first = (128 + chosen * 4096) // mmap.PAGESIZE
    wanted = {*first, *((128 + chosen * 4096 + 4095) // mmap.PAGESIZE)}
    assert pages(path, len(wanted)) == len(wanted)
    assert drop_from_page_cache([path])
    read_ahead(array[100:], np.array([10]), count=50)
    assert pages(path, 51) == 51


def test_a_store_reads_ahead_and_nothing_but_its_rows(path: Path) -> None:
    store = FeatureStore.open(path)
    rows = np.random.default_rng(1).permutation(ROWS)[:60]
    expected = np.load(path)[rows]
    store.release()
    assert drop_from_page_cache([path])
    assert np.array_equal(store[rows], expected)
    assert pages(path, 0) <= len(rows) * (2 + reading_ahead.GAP_BYTES // mmap.PAGESIZE) < ROWS


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 49), max_size=30).map(sorted), st.integers(0, 10))
def test_what_is_no_map_of_whole_rows_is_left_alone(rows: list[int], count: int) -> None:
    array = np.zeros((60, 4))
    for view in (array, array[::2], array[::-1], array[:, ::2]):
        read_ahead(view, np.array([row for row in rows if row + count <= len(view)], np.int64), count)


def test_a_system_that_takes_no_hints(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = load_array(path, mmap=True)
    monkeypatch.setattr(reading_ahead, "MOST_BYTES", 4096)
    assert drop_from_page_cache([path])
    read_ahead(array, np.arange(5))
    assert pages(path, 0) == 0
    monkeypatch.delattr(mmap, "MADV_WILLNEED")
    read_ahead(array, np.arange(1))
    assert pages(path, 0) == 0


def resident() -> int:
    """Bytes of mapped files that count as this process's memory."""
    found = re.search(r"RssFile:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how much of mapped files is resident")
@pytest.mark.parametrize("cut", [0, 137])
def test_rows_that_were_read_are_let_go_and_can_be_read_again(path: Path, cut: int) -> None:
    array = load_array(path, mmap=True)[cut:]
    whole = np.array(array)  # takes in all pages
    before = resident()
    let_go(array, 0, 2000)
    half = before - resident()
    assert abs(half - 2000 * 4096) < 1e6
    let_go(array, 0, len(array))
    assert abs(before - resident() - array.nbytes) < 1e6
    assert np.array_equal(array, whole)
    let_go(whole, 0, len(whole))  # in memory for good
    assert np.array_equal(array, whole)


def test_a_range_of_a_store_is_let_go_across_its_segments(path: Path) -> None:
    store = FeatureStore.open(path, path)
    whole = store.all_rows()
    store.will_read(ROWS - 10, ROWS + 10)
    store.will_read(2 * ROWS, 3 * ROWS)  # there are none
    for start, stop in ((ROWS - 5, ROWS + 5), (0, 2 * ROWS), (2 * ROWS, 2 * ROWS + 9)):
        store.release(start, stop)
    assert np.array_equal(store.all_rows(), whole)


def test_torch_takes_a_mapped_array_as_it_is(path: Path, recwarn: pytest.WarningsRecorder) -> None:
    array = load_array(path, mmap=True)[3:9, ::2]
    assert not array.flags.writeable
    tensor = torch.from_numpy(for_torch(array))
    assert tensor.data_ptr() == array.__array_interface__["data"][0]
    expected = np.array(array)
    del array  # the tensor keeps the file open
    assert np.array_equal(tensor.numpy(), expected)
    assert not recwarn.list
