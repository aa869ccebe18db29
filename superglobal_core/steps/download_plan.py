"""What a download would take and what of it is there, without touching the network."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from superglobal_core.data.catalogue import Entry
from superglobal_core.progress import bytes_text
from superglobal_core.steps.items import Item, items_of


@dataclasses.dataclass(frozen=True)
class Size:
    """Bytes as far as they are known, and whether there are files whose size is not."""

    bytes: int
    unknown: bool

    def __str__(self) -> str:
        if self.unknown:
            return f"{bytes_text(self.bytes)} and more" if self.bytes else "size unknown"
        return bytes_text(self.bytes)


@dataclasses.dataclass(frozen=True)
class Planned:
    """One line of a plan: what of an entry is to be downloaded."""

    name: str
    files: int
    there: int
    size: Size
    missing: Size


def plan(entries: Sequence[Entry], root: str | Path, parts: Sequence[int] | None = None) -> list[Planned]:
    """Return what each entry takes and what of it is there."""
    lines = []
    for entry in entries:
        items = items_of(entry, root, parts)
        missing = [item for item in items if not item.there()]
        there = len(items) - len(missing)
        lines.append(Planned(entry.name, len(items), there, _size(items), _size(missing)))
    return lines


def plan_text(lines: Sequence[Planned]) -> str:
    """Return a plan as a table for people."""
    rows = [
        f"{line.name:20} {line.size!s:>8}  {line.there} of {line.files} files there, {line.missing} to download"
        for line in lines
    ]
    total = Size(sum(line.missing.bytes for line in lines), any(line.missing.unknown for line in lines))
    return "\n".join([*rows, f"{'to download':20} {total!s:>8}"])


def _size(items: Sequence[Item]) -> Size:
    sizes = [item.file.expected_bytes for item in items]
    return Size(sum(size or 0 for size in sizes), None in sizes)
