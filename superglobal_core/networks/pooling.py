"""SuperGlobal's modules for any network's feature map: ReLUP, GeM, Regional-GeM, Scale-GeM."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from superglobal_core.errors import UserError


class ReLUP(nn.Module):
    """ReLU with a raised floor: max(x, alpha), elementwise, any shape and float dtype.

    Source: SuperGlobal, section 3.4 (alpha = 0.014).

    >>> ReLUP(0.5)(torch.tensor([-1.0, 0.2, 2.0]))
    tensor([0.5000, 0.5000, 2.0000])
    """

    def __init__(self, alpha: float = 0.014) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, x: Tensor) -> Tensor:
        return x.clamp(min=self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class GeM(nn.Module):
    """Generalised-mean pooling over positions: (mean of max(x, eps)^p)^(1/p) per channel.

    (B, C, h, w) -> (B, C), same dtype. With `learnable` the exponent is a parameter named `p`.

    Raises:
        UserError: when the map has not four dimensions or no position.
    Source: Radenovic et al., TPAMI 2018, equation 2; SuperGlobal's GeM+ fixes p = 4.6.

    >>> GeM(p=1.0)(torch.tensor([[[[1.0, 3.0]]]]))
    tensor([[2.]])
    """

    def __init__(self, p: float = 3.0, eps: float = 1e-6, learnable: bool = False) -> None:
        super().__init__()
        if not (p > 0 and math.isfinite(p)):
            raise UserError(f"GeM's exponent p is {p}: it must be a positive number")
        self.eps = eps
        value = torch.full((1,), float(p))
        if learnable:
            self.p = nn.Parameter(value)
        else:
            # Not in the state dict: a fixed exponent is a setting, not a weight.
            self.register_buffer("p", value, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        _check_map(x, smallest=1)
        # In float32 at least: powers leave the range of half precision.
        values = x if x.dtype == torch.float64 else x.float()
        p = self.p.to(values.dtype)
        return values.clamp(min=self.eps).pow(p).mean(dim=(-2, -1)).pow(1.0 / p).to(x.dtype)

    def extra_repr(self) -> str:
        return f"p={float(self.p):.4g}, eps={self.eps:g}"


class RegionalGeM(nn.Module):
    """Average a map with the GeM of each position's neighbourhood: F' = R(F) / 2 + F / 2.

    (B, C, h, w) -> (B, C, h, w), same dtype. R is GeM(p) over a window of `window` x `window`,
    stride 1, the map reflected at its border.

    Raises:
        UserError: when a side of the map is too small to be reflected (under window // 2 + 1).
    Source: SuperGlobal, section 3.2 (p = 2.5, window 5).

    >>> RegionalGeM()(torch.ones(1, 2, 4, 4)).shape
    torch.Size([1, 2, 4, 4])
    """

    def __init__(self, p: float = 2.5, window: int = 5, eps: float = 1e-6) -> None:
        super().__init__()
        if not (p > 0 and math.isfinite(p)):
            raise UserError(f"Regional-GeM's exponent p is {p}: it must be a positive number")
        if window < 1 or window % 2 == 0:
            raise UserError(f"Regional-GeM's window is {window}: it must be odd, so that it has a centre")
        self.p, self.window, self.eps = float(p), window, eps

    def forward(self, x: Tensor) -> Tensor:
        margin = self.window // 2
        _check_map(x, smallest=margin + 1)
        values = x if x.dtype == torch.float64 else x.float()
        powers = F.pad(values.clamp(min=self.eps).pow(self.p), (margin,) * 4, mode="reflect")
        regional = F.avg_pool2d(powers, self.window, stride=1).pow(1.0 / self.p)
        return (0.5 * regional + 0.5 * values).to(x.dtype)

    def extra_repr(self) -> str:
        return f"p={self.p}, window={self.window}"


class ScaleGeM(nn.Module):
    """Pool one image's descriptors at several scales into one.

    (S, ..., D) -> (..., D), same dtype. p = infinity, the default: each descriptor is
    L2-normalised, then the elementwise maximum is taken. Finite p: with g the smallest value of
    an image's stack, (mean of (x - g)^p)^(1/p) + g, on the descriptors as they come.

    Source: SuperGlobal, section 3.3 and its release (which normalises for p = infinity alone).

    >>> ScaleGeM()(torch.tensor([[3.0, 4.0], [0.0, 2.0]]))
    tensor([0.6000, 1.0000])
    """

    def __init__(self, p: float = math.inf) -> None:
        super().__init__()
        if not p > 0:
            raise UserError(f"Scale-GeM's exponent p is {p}: it must be positive, or infinite")
        self.p = float(p)

    def forward(self, stack: Tensor) -> Tensor:
        if stack.dim() < 2 or stack.shape[0] == 0:
            raise UserError(f"Scale-GeM wants scales x ... x dimensions, not a shape {tuple(stack.shape)}")
        if math.isinf(self.p):
            return F.normalize(stack, dim=-1).amax(dim=0)
        # The smallest value of each image's own stack, so that a batch's images stay independent.
        floor = stack.amin(dim=(0, -1), keepdim=True)
        return (stack - floor).pow(self.p).mean(dim=0).pow(1.0 / self.p) + floor[0]

    def extra_repr(self) -> str:
        return f"p={self.p}"


def _check_map(x: Tensor, smallest: int) -> None:
    if x.dim() != 4:
        raise UserError(f"a feature map is batch x channels x height x width, not a shape {tuple(x.shape)}")
    if min(x.shape[-2:]) < smallest:
        raise UserError(
            f"the feature map is {x.shape[-2]} x {x.shape[-1]}, smaller than {smallest} x {smallest}: "
            "the image is too small"
        )
