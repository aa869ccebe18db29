"""Extraction of photographs of 1024 x 768 at three scales against the plain loop, one image at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import cv2
import numpy as np
import pytest
import torch
from on_gpu import seconds_on_gpu
from plain_extraction import plain_extraction
from torch.utils.flop_counter import FlopCounterMode

from superglobal_core.data.images import ImageFile, list_images
from superglobal_core.data.reading import Reading
from superglobal_core.features.batching import batches
from superglobal_core.features.decoding import load_images
from superglobal_core.features.modes import Mode, chosen_precision
from superglobal_core.features.self_check import cosine_distance
from superglobal_core.features.shared_pass import Describer
from superglobal_core.networks.descriptor import GlobalDescriptor

HEIGHT, WIDTH = 768, 1024
CORES = 2
ROUNDS = 5
NO_GPU = "no GPU here: what a GPU reaches is measured where there is one"

# Cosine distances to the plain loop's descriptors, by mode.
BOUNDS = {"exact": 1e-6, "fast": 1e-3}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], list[ImageFile]]:
    """Draw JPEGs with detail at every scale, as photographs have."""
    folder = tmp_path_factory.mktemp("photographs")

    def draw(count: int) -> list[ImageFile]:
        for number in range(count):
            rng = np.random.default_rng(number)
            image = np.zeros((HEIGHT, WIDTH, 3), np.float32)
            for cells in (4, 16, 64, 256):
                coarse = rng.standard_normal((cells, cells, 3)).astype(np.float32)
                image += cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) * (
                    40 / cells**0.3
                )
            cv2.imwrite(str(folder / f"{number:04}.jpg"), np.clip(image + 128, 0, 255).astype(np.uint8))
        return list_images(folder)[:count]

    return draw


def network(backbone: str) -> GlobalDescriptor:
    """A network of random weights whose activations neither die out nor run away, as trained ones' do not."""
    torch.manual_seed(0)
    made = GlobalDescriptor(backbone).eval()
    for name, module in made.backbone.named_modules():
        if name.endswith("bn3"):
            torch.nn.init.constant_(module.weight, 0.3)
    return made


def describe_all(describer: Describer, files: Sequence[ImageFile]) -> np.ndarray:
    """Do what an extraction does between listing the images and writing a shard."""
    out = np.zeros((len(files), describer.network.dimension), describer.stored)
    loaded = load_images(files, None, 1, describer.reading, describer.jpeg)
    usable = ((row, image) for row, (_, image) in enumerate(loaded) if isinstance(image, np.ndarray))
    for numbers, images in batches(usable, describer.most_pixels):
        out[numbers] = describer.adapting(images, [0], [files[number].id for number in numbers])[0]
    return out


def made(backbone: str, mode: Mode, device: torch.device) -> Describer:
    net = network(backbone)
    return Describer(net, [net.pooling], device, chosen_precision(mode), Reading(), mode)


def check(ours: np.ndarray, plain: np.ndarray, mode: str) -> None:
    """The speed is of the same computation."""
    assert max(map(cosine_distance, ours, plain)) < BOUNDS[mode]


@pytest.mark.parametrize(("mode", "target"), [("exact", 1.3), ("fast", 2)])
def test_faster_than_the_plain_loop_on_two_cores(
    against: Callable[..., float],
    figure: Callable[..., None],
    photographs: Callable[[int], list[ImageFile]],
    mode: Mode,
    target: float,
) -> None:
    files, threads = photographs(4), torch.get_num_threads()
    torch.set_num_threads(CORES)
    try:
        describer = made("resnet50", mode, torch.device("cpu"))
        weights, paths = network("resnet50").state_dict(), [file.path for file in files]
        check(describe_all(describer, files), plain_extraction(weights, paths), mode)
        ratio = against(
            lambda: describe_all(describer, files),
            {"plain loop": lambda: plain_extraction(weights, paths)},
            rounds=3,
        )
    finally:
        torch.set_num_threads(threads)
    figure(f"{mode}: speed against the plain loop", 1 / ratio, target, "times", at_most=False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)
@pytest.mark.parametrize(("mode", "target"), [("exact", 2), ("fast", 8)])
def test_faster_than_the_plain_loop_on_a_gpu(
    against: Callable[..., float],
    figure: Callable[..., None],
    photographs: Callable[[int], list[ImageFile]],
    mode: Mode,
    target: float,
) -> None:
    device = torch.device("cuda")
    files = photographs(128)
    describer = made("resnet101", mode, device)
    weights = {name: value.to(device) for name, value in network("resnet101").state_dict().items()}
    paths = [file.path for file in files]
    tf32 = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        check(describe_all(describer, files), plain_extraction(weights, paths, device), mode)
        ratio = against(
            lambda: describe_all(describer, files),
            {"plain loop": lambda: plain_extraction(weights, paths, device)},
            rounds=3,
        )
    finally:
        torch.backends.cudnn.allow_tf32 = tf32
    figure(f"{mode}: speed against the plain loop", 1 / ratio, target, "times", at_most=False)


@pytest.mark.skipif(not torch.cuda.is_available(), reason=NO_GPU)
def test_the_fraction_of_the_matrix_peak_and_decoding(
    benchmark: object, figure: Callable[..., None], photographs: Callable[[int], list[ImageFile]]
) -> None:
    device, files = torch.device("cuda"), photographs(128)
    describer = made("resnet101", "fast", device)
    images = np.stack(
        [image for _, image in load_images(files[:32], None, 1) if isinstance(image, np.ndarray)]
    )
    network_s = seconds_on_gpu(lambda: describer(images, [0]), ROUNDS) / len(images)
    start = time.perf_counter()
    assert sum(1 for _ in load_images(files, None, 1, Reading(), describer.jpeg)) == len(files)
    decoding_s = (time.perf_counter() - start) / len(files)
    # An image's multiplications, twice for the additions, at the pixels of all three scales.
    with FlopCounterMode(display=False) as counter:
        describer(images[:1], [0])
    reached = counter.get_total_flops() / network_s
    figure("fraction of the matrix peak", reached / _matrix_peak(device), 0, "", at_most=False)
    figure("decoding against the network", decoding_s / network_s, 1, "times")


def _matrix_peak(device: torch.device) -> float:
    """Operations a second of one large bfloat16 product: what this GPU can do, measured."""
    side = 8192
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * side**3 / seconds_on_gpu(lambda: a @ b, ROUNDS)
