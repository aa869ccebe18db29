"""Runs to be compared: made-up results, and what may be changed in a copy of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from made_up_results import DISTRACTORS, EVIL, NAMES, add_result, make_pickle, orders

from superglobal_core.config import parse_suite, save_suite
from superglobal_core.measured_values import mean

FIGURES = 12  # two methods, with and without distractors, three protocols


def make_run(root: Path) -> Path:
    """Make the results folder of a suite with two methods, each with and without distractors."""
    make_pickle(root / "data" / "toy" / "gnd_toy.pkl")
    suite = {
        "suite": "tiny",
        "title": "Tiny <b>suite</b>",
        "datasets": {"toy": {"label": "Toy", "synthetic": {"distractors": DISTRACTORS}}},
        "descriptors": {"mini": {"label": "Mini", "extract": {"backbone": "mini"}}},
        "methods": {
            "single-stage": {"label": "single stage", "reranker": "none"},
            "better": {"label": EVIL, "reranker": "superglobal"},
        },
    }
    save_suite(parse_suite(suite, "suite"), root / "suite.json")
    distractors = [f"far_{number}" for number in range(DISTRACTORS)]
    for variant, ids in (("plain", list(NAMES)), ("distractors", [*NAMES, *distractors])):
        before, after = orders(len(ids))
        add_result(root, variant, "single-stage", "none", before, ids)
        add_result(root, variant, "better", "superglobal", after, ids)
    return root


def copy_run(run: Path, to: Path) -> Path:
    return Path(shutil.copytree(run, to))


def change_json(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def change_records(run: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the record of every evaluation and every ranking."""
    for path in sorted([*run.glob("evaluation/**/*.json"), *run.glob("rankings/**/*.json")]):
        change_json(path, lambda content: change(content.get("record", content)))


def evaluation(run: Path, variant: str, method: str) -> Path:
    return run / "evaluation" / "mini" / "toy" / variant / f"{method}.json"


def set_aps(path: Path, aps: Sequence[float | None] | np.ndarray, *protocols: str) -> None:
    """Give an evaluation these APs, under some protocols or all, and their mean; all get as many queries."""
    values = [None if value is None else float(value) for value in aps]

    def change(content: dict[str, Any]) -> None:
        for protocol in ("easy", "medium", "hard"):
            figures = content[protocol]
            if protocol not in (protocols or ("easy", "medium", "hard")):
                if len(figures["average_precision"]) == len(values):
                    continue
                chosen: list[float | None] = [0.5] * len(values)
            else:
                chosen = values
            figures["average_precision"], figures["map"] = chosen, mean(chosen)
            figures["map_interval_95"] = None

    change_json(path, change)
