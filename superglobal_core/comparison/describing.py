"""The query's own share of every search: its picture read and described."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from superglobal_core.comparison.inputs import Pictures
from superglobal_core.devices import choose_device
from superglobal_core.features.decoding import load_image
from superglobal_core.features.preprocessing import scaled_inputs
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.descriptor import GlobalDescriptor
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.networks.shipped import MINI_CHECKPOINT


class QueryDescriber:
    """Reads a query's picture and describes it with the global network: what the first stage asks of all.

    pictures: those of the queries. Without a checkpoint the network's weights are random (seeded):
    its time is real all the same.
    """

    def __init__(
        self,
        pictures: Pictures,
        backbone: str,
        settings: DescriptorSettings,
        checkpoint: str | Path | None,
        device: str,
        seed: int = 0,
    ) -> None:
        self.pictures, self._settings, self._device = pictures, settings, choose_device(device)
        if checkpoint is None and backbone == "mini":
            checkpoint = MINI_CHECKPOINT
        self.note: str | None = None
        if checkpoint is not None:
            network = load_checkpoint(checkpoint, backbone, settings)
        else:
            torch.manual_seed(seed)
            network = GlobalDescriptor(backbone, settings)
            self.note = f"queries described by a {backbone} of random weights"
        self._network = network.to(self._device).eval()

    @property
    def notes(self) -> list[str]:
        """What belongs beside every figure with a description in it."""
        return [note for note in (self.pictures.note, self.note) if note]

    @torch.inference_mode()
    def __call__(self, query: int) -> Tensor:
        """Return the descriptor (1, D) of a query's picture."""
        smallest = self._settings.smallest_side()
        image = load_image(self.pictures.query(query), self.pictures.box(query), smallest)
        return self._network(scaled_inputs(image[None], self._settings, self._device))
