"""docs/verdict.md says what the code does."""

from __future__ import annotations

from pathlib import Path

from superglobal_core.verdict.judging import Verdict
from superglobal_core.verdict.reported import load_reported

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/verdict.md").read_text()


def test_the_page_names_what_there_is() -> None:
    reported = load_reported()
    table = [line.split("|")[1].strip() for line in PAGE.splitlines() if line.startswith("|")]
    assert table[2:] == [str(verdict) for verdict in Verdict]
    tolerances = reported.tolerances
    assert (
        f"within {tolerances.without_distractors} points of the published one, {tolerances.with_distractors} with"
        in PAGE
    )
    assert f"{reported.distractors.images:,} of {reported.distractors.label}" in PAGE
    for network in reported.networks.values():
        assert network.catalogue is None or f"`{network.catalogue}`" in PAGE
    assert (ROOT / "superglobal_core/verdict/reported.yaml").is_file()
