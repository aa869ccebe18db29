"""This machine's rates, from a measurement of a few seconds."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from superglobal_core.cost.work import DIMENSION, Network
from superglobal_core.errors import UserError
from superglobal_core.files import TEMPORARY_PREFIX
from superglobal_core.progress import bytes_text, silent
from superglobal_core.timing.others import watch_others
from superglobal_core.timing.storage import drop_from_page_cache

# Sizes of the image that is described, smallest first; the next one is tried while there is time.
SIZES = ((192, 256), (384, 512), (768, 1024))
LONGEST_IMAGE_S = 4.0
ROWS, QUERIES, SHORTLIST = 8192, 70, 400
FILE_BYTES = 64 << 20
DECODERS = 8


@dataclasses.dataclass(frozen=True)
class NetworkRate:
    """How long a network takes for a megapixel of input, and what that was measured with."""

    network: Network
    s_per_megapixel: float
    measured: str


@dataclasses.dataclass(frozen=True)
class Rates:
    """What this machine does in a second, or how long it takes for one of a kind.

    decoded_per_s: photographs of 1024x768 decoded by all cores; products_per_s: numbers of a query times
    numbers of a row; rerank_s: a query with a shortlist of 400; write and read: bytes a second of the disk.
    busy: what to say where other processes kept cores busy meanwhile.
    """

    device: str
    networks: tuple[NetworkRate, ...]
    decoded_per_s: float
    products_per_s: float
    rerank_s: float
    write_bytes_s: float
    read_bytes_s: float
    read_from: str
    busy: str | None = None

    def of(self, network: Network) -> NetworkRate:
        """Return a network's rate."""
        return next(rate for rate in self.networks if rate.network == network)


def measure_rates(networks: Iterable[Network], folder: str | Path = ".", device: str = "auto") -> Rates:
    """Measure networks of random weights, decoding, a search, a reranking, and the disk of a folder.

    Nothing is left behind. Images, descriptors and weights are drawn: their values do not change the time.

    Raises:
        UserError: when the folder cannot be written, or for an unknown device.
    """
    from superglobal_core.devices import choose_device

    chosen = choose_device(device)
    with silent(), watch_others() as others:
        rates = tuple(_network_rate(network, chosen) for network in networks)
        products, rerank = _search_rates(chosen.type)
        write, read, source = _disk_rates(Path(folder))
        decoded = _decoded_per_s()
    return Rates(chosen.type, rates, decoded, products, rerank, write, read, source, others.sentence)


def _network_rate(network: Network, device: object) -> NetworkRate:
    import torch

    from superglobal_core.data.reading import Reading
    from superglobal_core.features.shared_pass import Describer
    from superglobal_core.networks.descriptor import GlobalDescriptor, Pooling
    from superglobal_core.networks.settings import preset

    settings = preset("superglobal")
    with _seeded(torch):
        made = GlobalDescriptor(network.backbone, settings)
    describer = Describer(made, [Pooling(settings)], device, network.precision, Reading())  # type: ignore[arg-type]
    gpu = getattr(device, "type", "cpu") == "cuda"
    seconds, size = 0.0, SIZES[0]
    for size in SIZES:
        # A GPU is measured with a full batch of the real size.
        if gpu and size != SIZES[-1]:
            continue
        images = np.stack([_picture(size)] * (16 if gpu else 1))
        seconds = _best(lambda: describer(images, [0]), 2) / len(images)  # noqa: B023  called at once
        larger = 4 * seconds
        if larger > LONGEST_IMAGE_S:
            break
    pixels = sum(int(size[0] * scale) * int(size[1] * scale) for scale in settings.scales) / 1e6
    measured = f"{size[1]}x{size[0]}, {len(settings.scales)} scales, {len(images)} a batch"
    return NetworkRate(network, seconds / pixels, measured)


@contextlib.contextmanager
def _seeded(torch: object) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):  # type: ignore[attr-defined]
        torch.manual_seed(0)  # type: ignore[attr-defined]
        yield


def _picture(size: tuple[int, int]) -> np.ndarray:
    import cv2

    coarse = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)


def _decoded_per_s() -> float:
    import cv2

    from superglobal_core.timing.machine import usable_cores

    _, data = cv2.imencode(".jpg", _picture(SIZES[-1]))
    seconds = _best(lambda: cv2.imdecode(data, cv2.IMREAD_COLOR), 5)
    return min(DECODERS, usable_cores()) / seconds


def _search_rates(device: str) -> tuple[float, float]:
    from superglobal_core.features.store import FeatureStore
    from superglobal_core.reranking.superglobal import SuperGlobalReranker
    from superglobal_core.search.exact import search

    rng = np.random.default_rng(0)
    rows = rng.standard_normal((ROWS, DIMENSION), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    queries, store = rows[:QUERIES].copy(), FeatureStore.of_array(rows)
    seconds = _best(lambda: search(queries, store, SHORTLIST, device=device), 2)
    products = QUERIES * ROWS * DIMENSION / seconds
    import torch

    reranker = SuperGlobalReranker(shortlist=SHORTLIST)
    shortlists = torch.from_numpy(rows[:SHORTLIST][None]).to(device).expand(4, -1, -1)
    asked = torch.from_numpy(queries[:4]).to(device)
    return products, _best(lambda: reranker.rerank(asked, shortlists).cpu(), 2) / 4


def _disk_rates(folder: Path) -> tuple[float, float, str]:
    block = np.random.default_rng(0).bytes(1 << 20)
    try:
        with tempfile.NamedTemporaryFile(prefix=TEMPORARY_PREFIX, dir=folder) as file:
            start = time.perf_counter()
            for _ in range(FILE_BYTES >> 20):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            written = time.perf_counter() - start
            dropped = drop_from_page_cache([file.name])
            start = time.perf_counter()
            with Path(file.name).open("rb") as stream:
                while stream.read(1 << 20):
                    pass
            read = time.perf_counter() - start
    except OSError as error:
        raise UserError(
            f"cannot measure the disk of {folder.absolute()}: {error.strerror or error}; "
            f"go to a folder with {bytes_text(FILE_BYTES)} free, or give --no-measure"
        ) from error
    return (
        FILE_BYTES / written,
        FILE_BYTES / read,
        "disk" if dropped else "memory, as the page cache was kept",
    )


def _best(work: Callable[[], object], repeats: int) -> float:
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return max(min(times), 1e-9)
