"""Examples in docstrings are code on the documentation's site: mkdocstrings takes bare `>>>` for quotations."""

from __future__ import annotations

import inspect
from typing import Any

import griffe


class FencedExamples(griffe.Extension):
    """Fences the examples of every docstring that is shown."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change an object's docstring, once it is known."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(inspect.cleandoc(obj.docstring.value))


def fenced(text: str) -> str:
    r"""Return a docstring whose examples, up to the next empty line each, are fenced.

    >>> fenced("One.\n\n>>> 1 + 1\n2\n\nMore.")
    'One.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nMore.'
    """
    lines: list[str] = []
    inside = False
    for line in text.splitlines():
        if not inside and line.startswith(">>> "):
            lines.append("```pycon")
            inside = True
        elif inside and not line.strip():
            lines.append("```")
            inside = False
        lines.append(line)
    return "\n".join([*lines, "```"] if inside else lines)
