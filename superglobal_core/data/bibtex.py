"""BibTeX entries: taken apart, joined, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable

# An entry begins at the start of a line: @type{key,
_START = re.compile(r"^[ \t]*@(\w+)\s*\{\s*([^\s,{}]+)\s*,", re.M)


def entries_of(text: str) -> dict[str, str]:
    """Return the entries of a BibTeX text by key, as they are written.

    Raises:
        ValueError: when there is none, a key comes twice, a brace is not closed, or other text is between them.

    >>> entries_of("@misc{a, title = {An {A}}}")
    {'a': '@misc{a, title = {An {A}}}'}
    """
    found: dict[str, str] = {}
    at = 0
    while rest := text[at:].strip():
        start = _START.match(text, text.index(rest[0], at))
        if start is None:
            raise ValueError(f"an entry begins with @type{{key, and not with {rest[:30]!r}")
        end = _end(text, start.start())
        if start[2] in found:
            raise ValueError(f"the key {start[2]} comes twice")
        found[start[2]] = text[start.start() : end].strip()
        at = end
    if not found:
        raise ValueError("it holds no entry")
    return found


def _end(text: str, start: int) -> int:
    depth = 0
    for match in re.compile(r"(?<!\\)[{}]").finditer(text, start):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return match.end()
    raise ValueError(f"a brace of {text[start : start + 30]!r} is not closed")


def bibliography(texts: Iterable[str]) -> str:
    """Join BibTeX texts: each key once, the first of its entries, sorted by key.

    >>> print(bibliography(["@misc{b, year = 2}", "@misc{a, year = 1}", "@misc{b, year = 2}"]))
    @misc{a, year = 1}
    <BLANKLINE>
    @misc{b, year = 2}
    <BLANKLINE>
    """
    joined: dict[str, str] = {}
    for text in texts:
        joined = entries_of(text) | joined
    return "\n\n".join(joined[key] for key in sorted(joined)) + "\n"
