"""The manual of ablations says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from superglobal_core.ablation_plan import bases
from superglobal_core.config import parse_suite
from superglobal_core.protocol_switches import PRESETS, SWITCHES, shown

MANUAL = (Path(__file__).parents[1] / "docs/ablation.md").read_text()


def test_its_example_is_an_ablation() -> None:
    example = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", MANUAL, re.S)[0])
    content = {
        "suite": "toy",
        "title": "Toy",
        "datasets": {"landmarks": {"synthetic": {}}},
        "descriptors": {"superglobal": {"extract": {"backbone": "mini"}}},
        "methods": ["none"],
        **example,
    }
    first, second = bases(parse_suite(content, "the manual"))
    assert second.backbone == "torchvision-resnet50"
    assert {change.name for change in first.changes} >= {switch.name for switch in SWITCHES}


def test_its_table_is_that_of_the_switches() -> None:
    rows = [
        f"| `{switch.name}` | {' | '.join(shown(switch.of(preset)) for preset in PRESETS)} | {switch.touches} |"
        for switch in SWITCHES
    ]
    assert "\n".join(rows) in MANUAL
