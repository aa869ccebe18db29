"""Whether a list of distractors is the list: a path of an image on each line, no fewer than there should be."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from superglobal_core.data.images import SUFFIXES


def list_problem(path: Path, count: int | None) -> str | None:
    """Return what is wrong with a list of images (text in UTF-8), None if nothing is."""
    found = 0
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            name = line.strip()
            if not name:
                continue
            # An error page may come as plain text; a list cut short ends in the middle of a name.
            if PurePosixPath(name).suffix.lower() not in SUFFIXES or not name.isprintable():
                return f"is no list of images: line {number} is {name[:80]!a}"
            found += 1
    # A longer one may be a newer edition: every result says how many of it were used.
    if count is not None and found < count:
        return f"lists {found} images where the catalogue says {count}"
    return None
