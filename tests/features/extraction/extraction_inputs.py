"""What the tests of extraction share: bad images, tolerances, and what a run left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from helpers import encoded, picture, write_pictures

from superglobal_core.features.preprocessing import scaled_inputs
from superglobal_core.networks.descriptor import GlobalDescriptor

# A batch is another order of summation than one image alone.
BATCH_TOLERANCE = 1e-5


# Cosine distances to float32's descriptors of a network run in 8 significant bits, and of float16 storage.
PRECISION_TOLERANCE = {"bfloat16": 2e-3, "float16": 1e-5}


CPU = torch.device("cpu")


def describe(network: GlobalDescriptor, image: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(scaled_inputs(image[None], network.settings, CPU))[0].numpy()


def arrays(folder: Path) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.npy"))}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def bad_images(folder: Path) -> dict[str, str]:
    """Good images and all kinds of bad ones: what is wrong with each bad one."""
    write_pictures(folder, ["good_1", "good_2", "good_3"])
    (folder / "a_text.jpg").write_text("no image")
    (folder / "b_empty.png").touch()
    (folder / "c_tiny.png").write_bytes(encoded(picture(9, 91, 200)))
    (folder / "d_cut.jpg").write_bytes(encoded(picture(9), ".jpg")[:-200])
    (folder / "e_cut.png").write_bytes(encoded(picture(9))[:-900])
    (folder / "z_link.png").symlink_to(folder / "nowhere.png")
    return {
        "a_text": "cannot be decoded",
        "b_empty": "is an empty file",
        "c_tiny": "is 200 x 91 px, too small: 92 px a side are needed",
        "d_cut": "is cut short",
        "e_cut": "is cut short",
        "z_link": "cannot be read: No such file",
    }


OTHER: dict[str, tuple[dict[str, Any], str]] = {
    "checkpoint": ({"made_with": {"checkpoint_sha256": "y"}}, "checkpoint_sha256: 'x', now 'y'"),
    "code": ({"made_with": {"checkpoint_sha256": "x", "code": "new"}}, "code: None, now 'new'"),
    "precision": ({"precision": "float16"}, "precision: 'float32', now 'float16'"),
    "shard size": ({"shard_size": 3}, "shards: 3, now 2"),
}
