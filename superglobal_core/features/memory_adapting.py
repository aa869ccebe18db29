"""Batches that fit the memory: one that does not is halved, and the size that did is remembered."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Sequence

import numpy as np
import torch

from superglobal_core.errors import UserError

Describe = Callable[[np.ndarray, Sequence[int]], list[np.ndarray]]

# What torch, oneDNN and the C++ library say when memory ends: on a CPU there is no exception of its own.
# oneDNN names no reason when it cannot create what it wants to run; at a single image the text is shown.
_SHORT_OF_MEMORY = re.compile(
    r"not enough memory|out of memory|DefaultCPUAllocator|bad_alloc|can(no|')t allocate memory|"
    r"could not (create|allocate) (a )?(memory|primitive)|Insufficient memory",
    re.IGNORECASE,
)


def short_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that the memory of the machine or of its GPU did not suffice.

    >>> short_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    True
    >>> short_of_memory(RuntimeError("shapes differ"))
    False
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(_SHORT_OF_MEMORY.search(str(error)))


class Adapting:
    """Describes batches of any size with as many images at a time as fit.

    describe: what describes (B, H, W, 3) images. `most_pixels` is None until memory ended once, then the
    pixels that a batch may have; `halvings` counts how often it did.

    >>> def describe(images, wanted):
    ...     if len(images) > 2:
    ...         raise MemoryError
    ...     return [images[:, 0, 0].astype(np.float32)]
    >>> adapting = Adapting(describe)
    >>> adapting(np.ones((5, 4, 4, 3), np.uint8), [0], list("abcde"))[0].shape
    (5, 3)
    >>> adapting.halvings, adapting.most_pixels
    (1, 32)
    """

    def __init__(self, describe: Describe, where: str = "this machine") -> None:
        self._describe, self._where = describe, where
        self.most_pixels: int | None = None
        self.halvings = 0
        self._said = ""

    def __call__(self, images: np.ndarray, wanted: Sequence[int], names: Sequence[str]) -> list[np.ndarray]:
        """Describe images: one (B, dimension) array for each wanted pooling; names: the images', for messages.

        Raises:
            UserError: naming the image, when one alone does not fit.
        """
        parts: list[list[np.ndarray]] = []
        begin = 0
        while begin < len(images):
            end = begin + self._fitting(images)
            found = self._attempt(images[begin:end], wanted)
            if found is not None:
                parts.append(found)
                begin = end
                continue
            failed = len(images[begin:end])
            if failed == 1:
                height, width = images.shape[1:3]
                raise UserError(
                    f"the image {names[begin]} ({width} x {height} px) does not fit into the memory of "
                    f"{self._where} ({self._said}): scale it down, ask for smaller --scales, or take a "
                    "machine with more memory"
                )
            self.halvings += 1
            self.most_pixels = failed // 2 * _pixels(images)
        return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]

    def as_dict(self) -> dict[str, int | None]:
        """Return what became of the batches, for a record."""
        return {"halvings": self.halvings, "most_batch_pixels": self.most_pixels}

    def _fitting(self, images: np.ndarray) -> int:
        if self.most_pixels is None:
            return len(images)
        return max(1, self.most_pixels // _pixels(images))

    def _attempt(self, images: np.ndarray, wanted: Sequence[int]) -> list[np.ndarray] | None:
        try:
            return self._describe(images, wanted)
        except (MemoryError, RuntimeError) as error:
            if not short_of_memory(error):
                raise
            self._said = (str(error) or type(error).__name__).splitlines()[0][:120]
        # Outside the handler: the error's frames hold the tensors that there was no room for.
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return None


def _pixels(images: np.ndarray) -> int:
    return int(images.shape[1] * images.shape[2])
