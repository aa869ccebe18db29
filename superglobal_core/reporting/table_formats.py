"""Rows and texts as CSV, Markdown and LaTeX: what every table shares."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from tabulate import tabulate

from superglobal_core.reporting import texts

MARKDOWN_SPECIAL = frozenset("\\`*_[]<>|~&$")
LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",  # after a line's end it would begin an option
    texts.ABSENT: "--",
    texts.MINUS: "$-$",
}


def to_csv(rows: list[dict[str, object]]) -> str:
    """Return rows as CSV; an empty cell is a value that is not known."""
    # Objects keep whole numbers whole where others of their column are absent.
    return pd.DataFrame(rows, dtype=object).to_csv(index=False, lineterminator="\n")


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]], alignment: Sequence[str]) -> str:
    """Return a Markdown table of cells that are Markdown already; alignment: "left" or "right" a column."""
    return str(tabulate(rows, headings, tablefmt="pipe", disable_numparse=True, colalign=alignment))


def markdown(text: str) -> str:
    """Return a text whose characters mean nothing to Markdown.

    >>> print(markdown("a_b|c"))
    a\\_b\\|c
    """
    return "".join(
        f"\\{character}" if character in MARKDOWN_SPECIAL else character
        for character in " ".join(text.split())
    )


def latex_comment(text: str) -> str:
    """Return a text as a comment that ends a line of LaTeX.

    >>> print(latex_comment("a%b"))
    % a%b
    """
    return f"% {' '.join(text.split())}"


def latex(text: str) -> str:
    """Return a text whose characters mean nothing to LaTeX.

    >>> print(latex("50 % & a_b"))
    50 \\% \\& a\\_b
    """
    return "".join(LATEX_SPECIAL.get(character, character) for character in " ".join(text.split()))
