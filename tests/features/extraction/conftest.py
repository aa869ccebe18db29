"""A small network, and extraction with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from superglobal_core.data.images import ImageFile, list_images
from superglobal_core.features.extraction import Extraction, extract
from superglobal_core.networks.checkpoints import load_checkpoint
from superglobal_core.networks.descriptor import GlobalDescriptor


@pytest.fixture
def network(checkpoint: Path) -> GlobalDescriptor:
    return load_checkpoint(checkpoint, "mini")


@pytest.fixture
def run(network: GlobalDescriptor, tmp_path: Path) -> Callable[..., Extraction]:
    """Extract files into `tmp_path`/out with the mini network."""

    def run(files: Sequence[ImageFile] | Path, **options: Any) -> Extraction:
        listed = list_images(files) if isinstance(files, Path) else files
        given: dict[str, Any] = {"made_with": {"checkpoint_sha256": "x"}, "device": "cpu"} | options
        return extract(listed, network, given.pop("out", tmp_path / "out"), **given)

    return run
