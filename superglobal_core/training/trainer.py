"""The training loop's state: network, loss, optimiser, and how to save and resume them."""

from __future__ import annotations

import io
import math
import platform
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from superglobal_core.code_version import fingerprint
from superglobal_core.data.landmarks.plan import RENDERER_VERSION
from superglobal_core.files import atomic_write
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.training.arcface import ArcFace
from superglobal_core.training.batches import batch_of, sides_at
from superglobal_core.training.folding import fold_neck, unit_length
from superglobal_core.training.renders import Renders

# As CVNet trains: the learned GeM exponent, one scale, ReLU, the projection of the plain pooled vector.
TRAINING_SETTINGS = DescriptorSettings(
    scales=(1.0,),
    gem_plus=False,
    regional_gem=False,
    scale_pooling="mean",
    relup="off",
    inner_normalisation=False,
)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights (with the versions of the software)."""

    seed: int = 0
    buildings: int = 1200
    views: int = 20
    size: int = 224
    epochs: int = 20
    batch: int = 64
    learning_rate: float = 5e-3
    weight_decay: float = 0.05
    warm_up: float = 0.05  # share of the steps over which the learning rate rises
    margin: float = 0.2
    margin_rise: tuple[float, float] = (0.4, 0.7)  # shares of the steps between which the margin grows
    scale: float = 16.0
    bfloat16: bool = True


class Trainer:
    """Network, loss and optimiser at a step."""

    def __init__(self, recipe: Recipe, renders: Renders, steps: int) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.renders, self.steps, self.step = recipe, renders, steps, 0
        self.network = GlobalDescriptor("mini", TRAINING_SETTINGS).train()
        self.network.to(memory_format=torch.channels_last)
        self.loss = ArcFace(self.network.dimension, recipe.buildings, 0.0, recipe.scale)
        # Descriptors of an untrained network all point the same way; centring and scaling each dimension
        # over the batch gives angles to learn from. Folded into fc at the end (`fold`).
        self.neck = nn.BatchNorm1d(self.network.dimension, affine=False)
        self.losses: list[float] = []
        self._pool = ThreadPoolExecutor(1)
        self._next: tuple[int, Future[tuple[Tensor, Tensor]]] | None = None
        named = [*self.network.named_parameters(), *self.loss.named_parameters()]
        matrices = [p for _, p in named if p.ndim > 1]
        rest = [p for _, p in named if p.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": recipe.weight_decay},
                {"params": rest, "weight_decay": 0.0},
            ],
            lr=recipe.learning_rate,
        )

    def advance(self) -> None:
        """Do one step."""
        recipe, share = self.recipe, self.step / self.steps
        rate = recipe.learning_rate * min(1.0, (share + 1 / self.steps) / recipe.warm_up)
        rate *= 0.5 * (1 + math.cos(math.pi * share))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        start, end = recipe.margin_rise
        self.loss.margin = recipe.margin * min(1.0, max(0.0, (share - start) / (end - start)))
        images, labels = self._batch()
        with torch.autocast("cpu", torch.bfloat16, enabled=recipe.bfloat16):
            descriptors = self.network.describe_scale(images)
        value = self.loss(self.neck(descriptors.float()), labels)
        self.optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.losses.append(float(value.detach()))
        self.step += 1

    def _batch(self) -> tuple[Tensor, Tensor]:
        # The next batch is prepared by a thread while the network works on this one.
        if self._next is None or self._next[0] != self.step:
            self._next = (self.step, self._prepare(self.step))
        batch = self._next[1].result()
        self._next = (self.step + 1, self._prepare(self.step + 1))
        return batch

    def _prepare(self, step: int) -> Future[tuple[Tensor, Tensor]]:
        sides = sides_at(step / self.steps)
        return self._pool.submit(batch_of, self.renders, step, self.recipe.batch, self.recipe.seed, sides)

    def report(self) -> str:
        """Return one line about how it goes."""
        recent = float(np.mean(self.losses[-50:]))
        p = float(self.network.head.pool.p.detach())
        return f"step {self.step} of {self.steps}: loss {recent:.3f}, margin {self.loss.margin:.2f}, GeM p {p:.2f}"

    def save(self, path: Path) -> None:
        """Write everything a later call needs to go on, whole or not at all."""
        state = {
            "step": self.step,
            "network": self.network.state_dict(),
            "loss": self.loss.state_dict(),
            "neck": self.neck.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "losses": self.losses,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        with atomic_write(path) as stream:
            stream.write(buffer.getvalue())

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state: dict[str, Any] = torch.load(path, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.loss.load_state_dict(state["loss"])
        self.neck.load_state_dict(state["neck"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.losses = state["step"], state["losses"]

    def finish(self) -> None:
        """Fold the neck into fc and bring pooled vectors to length one, for use without training."""
        fold_neck(self.network, self.neck)
        sample = [batch_of(self.renders, step, self.recipe.batch, self.recipe.seed)[0] for step in range(8)]
        unit_length(self.network.eval(), sample)

    def description(self) -> dict[str, Any]:
        """Return what is written into the checkpoint's metadata."""
        return {
            "backbone": "mini",
            "training": "ArcFace on rendered landmarks; images of no real place",
            "recipe": asdict(self.recipe),
            "steps": self.step,
            "final_loss": round(float(np.mean(self.losses[-100:])), 4),
            "renderer": RENDERER_VERSION,
            "code": fingerprint("superglobal_core.training.mini"),
            "versions": {
                "python": platform.python_version(),
                "torch": str(torch.__version__),
                "numpy": np.__version__,
                "opencv": cv2.__version__,
            },
        }


@contextmanager
def deterministic() -> Iterator[None]:
    """Let torch use deterministic algorithms alone, within a `with` block."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
