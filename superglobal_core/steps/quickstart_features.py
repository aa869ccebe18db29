"""Descriptors of photographs by their content: what an earlier call described is never described again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from superglobal_core.data.images import ImageFile
from superglobal_core.data.photo_folder import LeftOut
from superglobal_core.data.reading import Reading
from superglobal_core.errors import UserError
from superglobal_core.features.modes import Mode
from superglobal_core.features.store import SHARD_NAME
from superglobal_core.files import load_array, read_json, sha256_of
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.steps.extract import descriptor_of, made_with
from superglobal_core.steps.quickstart_network import Network
from superglobal_core.steps.quickstart_photos import Ready

# So many photographs at most are described in vain where a run is interrupted.
SHARD_SIZE = 32


class Described:
    """The descriptors of one network in one folder, by the content (SHA-256) of the photographs.

    Each call that finds new photographs adds a numbered folder of shards. A shard counts alone, also where
    its run was interrupted before the last one; a damaged one is as good as absent.
    """

    def __init__(self, folder: Path, network: Network, mode: Mode) -> None:
        self._network, self._mode = network, mode
        self._settings, self._reading = DescriptorSettings(), Reading()
        self.descriptor = descriptor_of(
            network.backbone, self._settings, self._reading, network.checkpoint, mode, None
        )
        key = hashlib.sha256(json.dumps(self.descriptor, sort_keys=True).encode()).hexdigest()[:12]
        self._folder = folder / f"{network.backbone}-{mode}-{key}"
        self._rows: dict[str, tuple[Path, int]] = {}
        self.unusable: dict[str, str] = {}
        self._look()

    @property
    def known(self) -> frozenset[str]:
        """The contents that need not be described."""
        return frozenset(self._rows) | frozenset(self.unusable)

    @property
    def smallest_side(self) -> int:
        """Pixels a side that a photograph needs."""
        return self._settings.smallest_side()

    def add(self, ready: Sequence[Ready], device: str) -> int:
        """Describe what is new among photographs, each content once; return how many that were.

        Raises:
            UserError: when weights do not fit, memory does not suffice or the folder cannot be written.
        """
        new = {one.digest: one for one in reversed(ready) if one.digest not in self.known}
        files = [ImageFile(digest, one.described) for digest, one in reversed(new.items())]
        if not files:
            return 0
        # Here, because a call that finds nothing new can do without torch.
        from superglobal_core.features.extraction import extract
        from superglobal_core.networks.checkpoints import load_checkpoint

        checkpoint = self._network.checkpoint
        network = load_checkpoint(checkpoint, self._network.backbone, self._settings)
        try:
            extract(
                files,
                network,
                self._next(),
                made_with=made_with(checkpoint),
                reading=self._reading,
                mode=self._mode,
                device=device,
                shard_size=SHARD_SIZE,
                on_error="skip",
            )
        except UserError as error:
            raise UserError(_with_names(str(error), new)) from error
        self._look()
        return len(files)

    def rows(self, digests: Sequence[str]) -> np.ndarray:
        """Return the descriptors of contents that are described: (N, D), in their order."""
        arrays = {path: load_array(path, mmap=True) for path in {self._rows[digest][0] for digest in digests}}
        places = [self._rows[digest] for digest in digests]
        return np.stack([arrays[path][row] for path, row in places])

    def left_out(self, ready: Sequence[Ready]) -> list[LeftOut]:
        """Return the photographs that the extraction could not use."""
        return [
            LeftOut(one.photo.name, self.unusable[one.digest])
            for one in ready
            if one.digest in self.unusable and one.digest not in self._rows
        ]

    def _look(self) -> None:
        for path in sorted(self._folder.glob("*/shard-*.npy")):
            if not SHARD_NAME.fullmatch(path.name):
                continue
            try:
                sidecar = read_json(path.with_suffix(".json"))
                if sidecar["sha256"] != sha256_of(path):
                    continue
                for row, digest in enumerate(sidecar["ids"]):
                    self._rows.setdefault(str(digest), (path, row))
                self.unusable |= {str(one["id"]): str(one["reason"]) for one in sidecar["skipped"]}
            except (UserError, KeyError, TypeError):
                continue

    def _next(self) -> Path:
        try:
            numbers = [int(path.name) for path in self._folder.iterdir() if path.name.isdigit()]
        except FileNotFoundError:
            numbers = []
        return self._folder / f"{max(numbers, default=-1) + 1:04d}"


def _with_names(message: str, files: Mapping[str, Ready]) -> str:
    for digest, one in files.items():
        message = message.replace(digest, one.photo.name)
    return message
