"""docs/conformance.md names the checks that there are."""

from __future__ import annotations

import re
from pathlib import Path

from superglobal_core.methods.conformance.reranker_checks import FIRST, THEN


def test_every_check_is_explained_in_its_order() -> None:
    text = (Path(__file__).parents[1] / "docs" / "conformance.md").read_text()
    rows = re.findall(r"^\| ([^|]+) \| ", text, re.M)
    assert rows == ["check", "description", "small data", *FIRST, *THEN]
