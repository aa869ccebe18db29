"""Choosing the device a computation runs on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from superglobal_core.device_claims import claim_gpu
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.invocation import command

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda")


def choose_device(name: str) -> torch.device:
    """Turn `auto`, `cpu` or `cuda` into a torch device; `auto` takes a GPU where there is one.

    Run by the command line, a process has one of several GPUs for its own, if there are enough (see
    `device_claims.claim_gpu`); called from Python, which GPUs a process uses is the caller's affair. A
    process in which CUDA is in use already stays as it is.

    Raises:
        UserError: for another name, or `cuda` on a machine without a usable GPU.
    """
    import torch

    if name not in DEVICES:
        raise unknown_name("device", name, DEVICES)
    if name == "cpu":
        return torch.device("cpu")
    if command() is not None and not torch.cuda.is_initialized():
        # Counting leaves CUDA alone, which would not look again at what is visible.
        claim_gpu(torch.cuda.device_count())
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UserError(
            "--device cuda: no usable NVIDIA GPU here (see `superglobal doctor`); use --device cpu"
        )
    return torch.device("cuda" if available else "cpu")


@contextlib.contextmanager
def full_float32() -> Iterator[None]:
    """Multiply float32 as float32 within the block: TF32, which keeps 10 bits, is off on NVIDIA GPUs.

    torch turns it on for convolutions by default. What was set before holds again afterwards.
    """
    import torch

    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
