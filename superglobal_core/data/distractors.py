"""Which archives of a distractor set a subset is taken from."""

from __future__ import annotations

import hashlib

from superglobal_core.data.catalogue import Entry

# Archives hold fewer images than the list says, and some do not decode.
MARGIN = 1.1


def choose_parts(entry: Entry, count: int | None, seed: int) -> list[int]:
    """Return the numbers of the archives to use, ascending: all, or enough for `count` distractors.

    The choice follows from the seed alone, and a larger subset uses the archives of a smaller one,
    so that nothing is downloaded twice.
    """
    numbers = list(range(1, (entry.parts.count if entry.parts else 0) + 1))
    if count is None or entry.images is None:
        return numbers
    an_archive = entry.images / len(numbers)
    enough = min(len(numbers), int(-(-count * MARGIN // an_archive)))
    shuffled = sorted(numbers, key=lambda number: hashlib.sha256(f"{seed}/{number}".encode()).digest())
    return sorted(shuffled[:enough])
