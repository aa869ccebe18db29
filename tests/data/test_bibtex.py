"""BibTeX taken apart and joined."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from superglobal_core.data.bibtex import bibliography, entries_of

KEYS = st.text("abcdefgh123:-_", min_size=1, max_size=6).filter(lambda key: key[0].isalpha())


@given(
    st.dictionaries(
        st.text("xyz ", min_size=1, max_size=5), st.lists(KEYS, unique=True, max_size=4), max_size=4
    )
)
def test_joined_each_key_comes_once_in_order(cited: dict[str, list[str]]) -> None:
    # A brace that is escaped opens and closes nothing.
    entry = "@misc{KEY,\n  title = {A {KEY} \\} B},\n}"
    texts = {purpose: [entry.replace("KEY", key) for key in keys] for purpose, keys in cited.items()}
    joined = bibliography(texts)
    keys = re.findall(r"^@misc\{(.+),$", joined, re.M)
    assert keys == sorted({key for each in cited.values() for key in each})
    if keys:
        # What it writes it reads, comments and all.
        assert list(entries_of(joined)) == keys


def test_what_is_between_entries_is_refused() -> None:
    for text, message in (
        ("", "no entry"),
        ("Shao et al., 2023", "an entry begins with"),
        ("@misc{a, year = 1} and more", "not with 'and more'"),
        ("@misc{a, title = {open}", "not closed"),
        ("@misc{a, year = 1}\n@misc{a, year = 2}", "the key a comes twice"),
        ("@misc{}", "an entry begins with"),
    ):
        with pytest.raises(ValueError, match=message):
            entries_of(text)


def test_the_first_of_two_that_differ_stands() -> None:
    joined = bibliography({"one": ["@misc{a, year = 1}"], "two": ["@misc{a, year = 2}"]})
    assert joined == "% one, two\n@misc{a, year = 1}\n"
