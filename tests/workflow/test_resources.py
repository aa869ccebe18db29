"""What jobs ask of a cluster: complete, covering what was measured, and on the nodes that the profile means."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any

import pytest
import yaml
from runs import ROOT

ASKED: dict[str, dict[str, float]] = yaml.safe_load((ROOT / "workflow/resources.yaml").read_text())
PROFILE: dict[str, Any] = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
LOCAL = {"all", "ablation"}


def rules() -> dict[str, str]:
    """Every rule of the workflow and what is written in it."""
    texts = [path.read_text() for path in [ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")]]
    parts = chain.from_iterable(
        re.split(r"^ *(?:use rule \w+ as|rule) (\w+)(?::| with:)", text, flags=re.M)[1:] for text in texts
    )
    return dict(zip(parts, parts, strict=True))


def test_every_rule_says_what_it_asks_for() -> None:
    found = rules()
    assert set(found) - LOCAL == set(ASKED)
    for name in ASKED:
        assert f'mem_mb=memory("{name}")' in found[name], name
        assert f'runtime=minutes("{name}")' in found[name], name


@pytest.mark.parametrize("name", [name for name, asked in ASKED.items() if "mb" in asked])
def test_what_is_asked_covers_what_was_measured(name: str) -> None:
    asked = ASKED[name]
    assert asked["mem_mb"] >= 500 + 1.5 * asked["mb"]
    assert 60 * asked["runtime"] >= 10 * asked["s"]


def test_the_profile_decides_for_every_rule_with_a_gpu() -> None:
    with_gpu = {name for name, text in rules().items() if re.search(r"\bgpu=", text)}
    decided = {name: asked["gpu"] for name, asked in PROFILE["set-resources"].items() if "gpu" in asked}
    assert decided == dict.fromkeys(with_gpu, 0)


def test_what_shares_an_allocation_takes_turns_in_it() -> None:
    taking = {name for name, asked in PROFILE["set-resources"].items() if asked.get("turn") == 1}
    assert set(PROFILE["groups"]) == taking <= set(rules())


def test_the_manual_tells_the_settings_of_the_profile() -> None:
    table = (ROOT / "docs/cluster.md").read_text().partition("## What the profile's settings are for")[2]
    cells = re.findall(r"^\| (`.+?) \|", table.partition("\n## ")[0], re.M)
    told = set(re.findall(r"`(\w[\w-]*(?:: [^`]+)?)`", " ".join(cells))) - {"time", "resources: gpu=1"}
    assert len(told) >= 6
    for setting in told:
        name, _, value = setting.partition(": ")
        assert name in PROFILE, name
        assert not value or yaml.safe_load(value) == PROFILE[name], name
