"""BibTeX entries: taken apart, joined, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# An entry begins at the start of a line: @type{key,
_START = re.compile(r"^[ \t]*@(\w+)\s*\{\s*([^\s,{}]+)\s*,", re.M)


def entries_of(text: str) -> dict[str, str]:
    """Return the entries of a BibTeX text by key, as they are written; lines that begin with % are passed over.

    Raises:
        ValueError: when there is none, a key comes twice, a brace is not closed, or other text is between them.

    >>> entries_of("@misc{a, title = {An {A}}}")
    {'a': '@misc{a, title = {An {A}}}'}
    """
    text = re.sub(r"^[ \t]*%.*$", "", text, flags=re.M)
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


def bibliography(texts: Mapping[str, Iterable[str]]) -> str:
    """Join BibTeX texts, given by what they are cited for: each key once, sorted by key, and what it is for.

    >>> print(bibliography({"alpha": ["@misc{b, year = 2}"], "beta": ["@misc{a, year = 1}", "@misc{b, year = 2}"]}))
    % beta
    @misc{a, year = 1}
    <BLANKLINE>
    % alpha, beta
    @misc{b, year = 2}
    <BLANKLINE>
    """
    entries: dict[str, str] = {}
    purposes: dict[str, list[str]] = {}
    for purpose, cited in texts.items():
        for key, entry in ((key, entry) for text in cited for key, entry in entries_of(text).items()):
            # Where two differ, the first stands.
            entries.setdefault(key, entry)
            if purpose not in purposes.setdefault(key, []):
                purposes[key].append(purpose)
    return "\n\n".join(f"% {', '.join(purposes[key])}\n{entries[key]}" for key in sorted(entries)) + "\n"
