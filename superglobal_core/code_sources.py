"""What source files compute and import, remembered between processes.

Each start of Snakemake asks for all modules, and so does each of its jobs on a cluster: parsing them takes seconds.
"""

from __future__ import annotations

import ast
import atexit
import contextlib
import functools
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from superglobal_core.errors import UserError
from superglobal_core.files import cache_home, write_file

# The beginning of the files' names, and after how many seconds those of other versions go.
KEPT, UNUSED_S = "sources", 30 * 86_400


class Source(NamedTuple):
    """A digest of what a file computes, and the names of modules that it imports, anywhere in it."""

    digest: str
    imports: tuple[str, ...]


class Sources:
    """Sources by path, kept in a file between processes.

    An entry counts only for the very bytes it was made of. A file that cannot be read or written costs time alone.

    Args:
        kept: the JSON file; without one nothing is kept.
    """

    def __init__(self, kept: Path | None) -> None:
        self.kept = kept
        self._changed = False
        self._entries: dict[str, tuple[str, Source]] = {}
        # Whatever is not what `save` wrote is as good as nothing.
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
            content = json.loads(kept.read_bytes()) if kept else {}
            self._entries = {
                path: (str(of), Source(str(digest), tuple(map(str, imports))))
                for path, (of, digest, imports) in content.items()
            }

    def of(self, path: Path) -> Source:
        """Return what a file computes: of Python not its comments, docstrings and layout, of others every byte."""
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        if path.suffix != ".py":
            return Source(sha256, ())
        of, source = self._entries.get(str(path), ("", Source("", ())))
        if of != sha256:
            source = _parsed(content)
            self._entries[str(path)] = sha256, source
            self._changed = True
        return source

    def save(self) -> None:
        """Keep what was new, and forget files that are gone, and what other versions of this kept."""
        if self.kept is None or not self._changed:
            return
        self._changed = False
        with contextlib.suppress(UserError, OSError):
            entries = {
                path: (of, *source)
                for path, (of, source) in self._entries.items()
                if os.path.exists(path)  # noqa: PTH110  (Path.exists raises for what it cannot look at)
            }
            write_file(self.kept, json.dumps(entries))
            for other in self.kept.parent.glob(f"{KEPT}-*.json"):
                if other != self.kept and time.time() - other.stat().st_mtime > UNUSED_S:
                    other.unlink()


@functools.cache
def known_sources() -> Sources:
    """Return the sources known to this user's Python and this very module."""
    made_by = hashlib.sha256(sys.version.encode() + Path(__file__).read_bytes()).hexdigest()[:16]
    folder = cache_home()
    sources = Sources(folder / "superglobal" / f"{KEPT}-{made_by}.json" if folder else None)
    # Once, not with every fingerprint that needed another module.
    atexit.register(sources.save)
    return sources


def _parsed(content: bytes) -> Source:
    tree = ast.parse(content)
    imports: list[str] = []
    for node in ast.walk(tree):
        imports += _imported(node)
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            del body[0]
    return Source(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(dict.fromkeys(imports)))


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
