"""The pages on method, protocol, rerankers and questions say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doc_pages import ROOT, read

from superglobal_core.config import Suite
from superglobal_core.data.catalogue import load_catalogue
from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.evaluation.paired import EXACT_UP_TO, RESAMPLES
from superglobal_core.methods.registry import find_methods
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.protocol_switches import PRESETS, SWITCHES, preset_values, shown
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.verdict.reported import load_reported


def text(page: str) -> str:
    return " ".join(read(page).split())


def test_the_table_of_switches_is_the_codes() -> None:
    rows = [
        f"| `{switch.name}` | {' | '.join(shown(switch.of(preset)) for preset in PRESETS)} | {switch.who} |"
        for switch in SWITCHES
    ]
    assert "\n".join(rows) in read("docs/method.md")
    named = set(re.findall(r"\| `(\w+)`(?: \([^|]*\))? \|$", read("docs/method.md"), re.M))
    assert named >= {switch.name for switch in SWITCHES} - {"query_crop", "colour", "exif"}


def test_paper_is_official_but_for_the_query_among_the_neighbours() -> None:
    official, paper = preset_values("official"), preset_values("paper")
    assert {name for name in official if official[name] != paper[name]} == {"query_neighbour"}


def test_the_formulas_parameters_are_the_defaults() -> None:
    page = text("docs/method.md")
    settings, reranker = DescriptorSettings(), SuperGlobalReranker().parameters
    assert f"\N{GREEK SMALL LETTER ALPHA} = {settings.relup_alpha}" in page
    assert f"p_r = {settings.regional_p}" in page
    assert f"p = {settings.gem_plus_p}" in page
    assert f"s ∈ {{{', '.join(f'{scale:g}' for scale in settings.scales)}}}" in page
    assert f"M = {reranker['shortlist']}, K = {reranker['neighbours']}, β = {reranker['beta']}" in page
    assert f"under about {settings.smallest_side()} pixels" in page
    numbers = 70 * reranker["shortlist"] * (reranker["neighbours"] + 1) * 2048
    assert f"{numbers / 1e6:.0f} million, {numbers * 4 / 1e9:.1f} GB" in page
    assert f"{reranker['shortlist'] ** 2 * 2048 / 1e6:.0f} million multiplications" in page


def test_every_reranker_is_in_the_table() -> None:
    table = read("docs/rerankers.md").partition("\n\n## ")[0]
    named = re.findall(r"`([\w-]+)`", "".join(re.findall(r"^\| (`.*?) \|", table, re.M)))
    assert sorted(named) == sorted(find_methods())
    others = len(named) - len(("none", "superglobal"))
    assert others == 11
    assert "and eleven others" in text("README.md")
    assert "Eleven other rerankers" in text("docs/method.md")


@pytest.mark.parametrize(("name", "label"), [("roxford5k", "ROxford5k"), ("rparis6k", "RParis6k")])
def test_the_protocols_counts_are_the_labels(shared: Path, name: str, label: str) -> None:
    truth = load_groundtruth(shared / f"data/groundtruth/gnd_{name}.pkl")
    counts = truth.counts()
    row = [len(truth.image_names), len(truth.query_names), counts["easy"], counts["hard"], counts["junk"]]
    assert f"| {label} | {' | '.join(f'{count:,}' for count in row)} |" in read("docs/protocol.md")


def test_the_protocols_statistics_are_the_codes() -> None:
    page = text("docs/protocol.md")
    assert f"{Suite.model_fields['bootstrap'].default:,} resamples" in page
    assert f"at most {EXACT_UP_TO} queries differ, {RESAMPLES:,} draws otherwise" in page
    listed = load_catalogue()["revisitop1m"].images
    assert f"The list has {listed:,} names" in page
    assert f"only one with all {load_reported().distractors.images:,} is compared" in page


def test_the_answers_quote_what_is_known() -> None:
    page = text("docs/faq.md")
    tolerances = load_reported().tolerances
    assert f"allow {tolerances.without_distractors} without and {tolerances.with_distractors} with" in page
    assert f"Fewer distractors than {load_reported().distractors.images:,}." in page
    known = (ROOT / "superglobal_core/verdict/reported.yaml").read_text()
    assert all(figure in page and figure in known for figure in ("54.81", "51.57"))
    assert "64,865" in page
