"""Whether images decode: all of a data set looked through before anything relies on them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from superglobal_core.data.images import ImageError, read_image
from superglobal_core.progress import track

# Decoding releases the interpreter's lock.
THREADS = min(8, os.cpu_count() or 1)


@dataclasses.dataclass(frozen=True)
class Checked:
    """How many images decode, which known ones do not, and which others do not, each with the reason."""

    good: int
    known: list[Path]
    bad: list[tuple[Path, str]]


def check_images(paths: Sequence[Path], known_corrupt: Collection[str] = ()) -> Checked:
    """Decode every image; those that fail are `known` when their id (name without extension) is expected to.

    An image that is expected to fail and decodes counts as good.
    """
    expected = frozenset(known_corrupt)
    good, known, bad = 0, [], []
    pool = ThreadPoolExecutor(THREADS)
    try:
        for path, reason in zip(
            paths, track(pool.map(_fault, paths), "check images", len(paths)), strict=True
        ):
            if reason is None:
                good += 1
            elif path.stem in expected:
                known.append(path)
            else:
                bad.append((path, reason))
    finally:
        # Whoever interrupts this does not wait for the thousands that are left.
        pool.shutdown(cancel_futures=True)
    return Checked(good, known, bad)


def _fault(path: Path) -> str | None:
    try:
        read_image(path)
    except ImageError as error:
        return str(error)
    return None
