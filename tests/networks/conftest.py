"""Stand-ins for the released checkpoints: weights drawn by name, the same anywhere."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="session")
def standin(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """Give the checkpoint of stand-in weights of `resnet50` or `resnet101`, made when first asked for."""
    folder, made = tmp_path_factory.mktemp("standins"), {}
    golden = shared / "golden" / "network"
    spec = importlib.util.spec_from_file_location("weights_recipe", golden / "weights_recipe.py")
    assert spec is not None
    assert spec.loader is not None
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)

    def make(backbone: str) -> Path:
        if backbone not in made:
            name = backbone.replace("resnet", "r")
            layout = json.loads((golden / f"checkpoint_layout_{name}.json").read_text())
            parts = ("encoder_q.", "conv2ds.", "cv_learner.")
            wanted = {key: value for key, value in layout.items() if key.startswith(parts)}
            empty = {
                key: torch.empty(shape, dtype=getattr(torch, kind)) for key, (kind, shape) in wanted.items()
            }
            made[backbone] = folder / f"{backbone}.pth"
            torch.save({"epoch": 100, "model_state": recipe.fill(empty)}, made[backbone])
        return made[backbone]

    yield make
    shutil.rmtree(folder)  # hundreds of megabytes
