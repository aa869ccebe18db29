"""Rows copied from the system's cache: the same values as the mapped file's, whatever has to be read otherwise."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.features import store as store_module
from superglobal_core.features.cached_rows import LEAST_BYTES, MOST_MISSED
from superglobal_core.features.store import FeatureStore

pytestmark = pytest.mark.skipif(
    not hasattr(os, "RWF_NOWAIT"), reason="this system has no reads without waiting"
)

ROWS, DIMENSION = 60, LEAST_BYTES // 2
Pread = Callable[..., int]


def matrix() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((ROWS, DIMENSION)).astype(np.float16)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.save(tmp_path / "rows.npy", matrix())
    return tmp_path / "rows.npy"


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows that were asked for through the map."""
    asked: list[int] = []
    monkeypatch.setattr(store_module, "read_ahead", lambda array, rows: asked.extend(rows.tolist()))
    return asked


@given(wanted=st.lists(st.integers(0, ROWS - 1), max_size=20))
@settings(deadline=None, max_examples=40)
def test_any_rows_in_any_order(tmp_path_factory: pytest.TempPathFactory, wanted: list[int]) -> None:
    folder = tmp_path_factory.mktemp("rows")
    whole = matrix()
    for number, part in enumerate(np.split(whole, [7, 31])):
        np.save(folder / f"shard-{number:05d}.npy", part)
    rows = np.array(wanted, np.int64)
    assert np.array_equal(FeatureStore.open(folder)[rows], whole[rows])


def test_what_is_cached_is_not_mapped(file: Path, mapped: list[int]) -> None:
    file.read_bytes()
    rows = np.array([50, 3, 3, 20])
    assert np.array_equal(FeatureStore.open(file)[rows], matrix()[rows])
    assert mapped == []


def missing(real: Pread, every: int) -> Pread:
    calls = 0

    def pread(*args: object) -> int:
        nonlocal calls
        calls += 1
        if calls % every == 0:
            raise BlockingIOError(errno.EAGAIN, "not in the cache")
        return real(*args)

    return pread


def short(real: Pread) -> Pread:
    return lambda handle, buffers, *rest: real(handle, [buffers[0][:100]], *rest)


def refusing(error: int) -> Pread:
    def pread(*args: object) -> int:
        raise OSError(error, os.strerror(error))

    return pread


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (lambda real: missing(real, 3), [10, 30]),
        (lambda real: missing(real, 1), [0, 5, 10, 15, 20, 30, 45]),
        (short, [0, 5, 10, 15, 20, 30, 45]),
        (lambda real: refusing(errno.EOPNOTSUPP), [0, 5, 10, 15, 20, 30, 45]),
    ],
)
def test_what_is_not_cached_is_read_through_the_map(
    file: Path,
    mapped: list[int],
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[Pread], Pread],
    expected: list[int],
) -> None:
    file.read_bytes()
    rows = np.array([45, 0, 5, 30, 10, 15, 20])
    assert len(rows) > MOST_MISSED
    monkeypatch.setattr(os, "preadv", fault(os.preadv))
    assert np.array_equal(FeatureStore.open(file)[rows], matrix()[rows])
    assert mapped == expected


@pytest.mark.parametrize("replace", [True, False])
def test_a_file_that_was_replaced_or_removed_keeps_its_old_rows(
    file: Path, mapped: list[int], replace: bool
) -> None:
    store, rows = FeatureStore.open(file), np.array([40, 2])
    if replace:
        np.save(file.with_name("new.npy"), -matrix())
        file.with_name("new.npy").replace(file)
    else:
        file.unlink()
    assert np.array_equal(store[rows], matrix()[rows])
    assert mapped == [2, 40]


def test_mixed_dtypes_and_byte_orders(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", matrix().astype(">f4"))
    np.save(tmp_path / "b.npy", matrix())
    rows = np.array([ROWS + 30, 50, 1, ROWS])
    found = FeatureStore.open(tmp_path / "a.npy", tmp_path / "b.npy")[rows]
    assert found.dtype == np.float32
    assert np.array_equal(found, np.concatenate([matrix(), matrix()])[rows])
