"""Ids of records."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from superglobal_core.reporting.anchors import record_anchor

names = st.lists(st.text(st.sampled_from('aA0_-./ é"<&_2e'), max_size=5), max_size=4).map("/".join)


@given(names, names)
def test_other_files_have_other_ids(one: str, other: str) -> None:
    assert (record_anchor(one) == record_anchor(other)) == (one == other)
    assert (record_anchor(one + ".json") == record_anchor(other + ".json")) == (one == other)
    assert record_anchor(one) != record_anchor(other + ".json") or one == other + ".json"


@given(st.text())
def test_an_id_needs_no_escaping(name: str) -> None:
    assert re.fullmatch(r"record-[A-Za-z0-9._-]*", record_anchor(name))
