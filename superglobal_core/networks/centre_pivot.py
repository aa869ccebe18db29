"""Centre-pivot convolutions of the 4-D tensor of all pairs of positions of two images."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Numbers of a first layer's input that are held at once: few enough to stay in a CPU's cache,
# many enough to keep a GPU busy.
PIECE = {"cpu": 1 << 20, "cuda": 1 << 26}


@dataclasses.dataclass(frozen=True)
class Pyramids:
    """Unit descriptors of N images of one map size, at S scales.

    size: height and width (h, w) of the map. levels: for each scale (N, h_t, w_t, D). points: the
    same resized to (h, w), at every second position of each axis alone, (N, h' w', S, D).
    """

    size: tuple[int, int]
    levels: tuple[Tensor, ...]
    points: Tensor

    def __len__(self) -> int:
        return len(self.points)

    @classmethod
    def stack(cls, pyramids: Sequence[Pyramids]) -> Pyramids:
        """Join pyramids of one size; a single one is returned as it is."""
        if len(pyramids) == 1:
            return pyramids[0]
        levels = tuple(
            torch.cat(level) for level in zip(*(pyramid.levels for pyramid in pyramids), strict=True)
        )
        return cls(pyramids[0].size, levels, torch.cat([pyramid.points for pyramid in pyramids]))


class CentrePivotConv(nn.Module):
    """A 4-D convolution as the sum of two 2-D ones, over the query axes and over the key axes.

    (B, hk, wk, hq, wq, C) -> (B, hk', wk', hq', wq', C'), same dtype, each side divided by the stride
    and rounded up. `conv1` runs over the query axes at every stride-th key position, `conv2` over the
    key axes at every stride-th query position. Channels come last because the library's convolutions
    are fastest so, and because either pair of axes can then be folded into the batch.

    Source: Min et al., ICCV 2021, section 3.2; CVNet (Lee et al., CVPR 2022), section 3.3.

    >>> CentrePivotConv(2, 8, kernel=3, stride=2)(torch.zeros(1, 4, 3, 6, 5, 2)).shape
    torch.Size([1, 2, 2, 3, 3, 8])
    """

    def __init__(self, channels: int, out_channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.conv1 = nn.Conv2d(channels, out_channels, kernel, stride, kernel // 2)
        self.conv2 = nn.Conv2d(channels, out_channels, kernel, stride, kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        kept = x[:, :: self.stride, :: self.stride]
        over_query = _convolve(self.conv1, kept.flatten(0, 2)).unflatten(0, kept.shape[:3])
        if self.stride == 1 and x.device.type == "cpu":
            return over_query.add_(self._over_key_unturned(x))
        turned = x[:, :, :, :: self.stride, :: self.stride].permute(0, 3, 4, 1, 2, 5)
        over_key = _convolve(self.conv2, turned.flatten(0, 2)).unflatten(0, turned.shape[:3])
        return over_query.add_(over_key.permute(0, 3, 4, 1, 2, 5))

    def _over_key_unturned(self, x: Tensor) -> Tensor:
        # With the query positions folded into the width, neighbours among the key positions lie that
        # many columns apart: a dilated convolution spares turning the tensor round and back.
        apart = x.shape[3] * x.shape[4]
        margin = self.kernel // 2
        folded = x.flatten(2, 4).permute(0, 3, 1, 2)
        out = F.conv2d(
            folded,
            self.conv2.weight,
            self.conv2.bias,
            padding=(margin, margin * apart),
            dilation=(1, apart),
        )
        return out.permute(0, 2, 3, 1).reshape(*x.shape[:5], -1)


class CorrelationConv(CentrePivotConv):
    """The first centre-pivot convolution, with stride 2, of two images' correlations at all scales.

    Its input (scales squared, hq, wq, hk, wk), 340 MB for a pair of photographs, is never made:
    `conv1` needs it at every second key position alone, `conv2` at every second query position, and
    each takes it piece by piece. Resizing is linear, hence the resized correlations are the
    correlations of resized descriptors: one side is resized once an image (`Pyramids.points`).

    Source: CVNet, section 3.2 (cross-scale correlation); the channels are (query scale, key scale).
    """

    def __init__(self, scales: int, out_channels: int, kernel: int) -> None:
        super().__init__(scales**2, out_channels, kernel, stride=2)
        self.scales = scales

    def correlate(self, query: Pyramids, keys: Pyramids) -> Tensor:
        """Convolve a query's (N = 1) correlations with B keys: (B, hk', wk', hq', wq', C')."""
        (hq, wq), (hk, wk) = (tuple(-(-side // 2) for side in images.size) for images in (query, keys))
        out = query.points.new_empty(len(keys), hk * wk, hq * wq, self.conv1.out_channels)
        all_keys = out.view(1, -1, hq * wq, self.conv1.out_channels)
        for part, piece in self._pieces(self.conv1, query, keys.points.flatten(0, 1)):
            all_keys[:, part] = piece
        for part, piece in self._pieces(self.conv2, keys, query.points[0], keys_are_convolved=True):
            out[:, :, part] += piece.transpose(1, 2)
        return out.view(len(keys), hk, wk, hq, wq, -1)

    def _pieces(
        self, conv: nn.Conv2d, images: Pyramids, points: Tensor, keys_are_convolved: bool = False
    ) -> Iterator[tuple[slice, Tensor]]:
        # Yields for some of the P points at a time the convolution over the images' axes of the
        # correlations with these points: (N, points, h' w', C').
        scales = (self.scales, self.scales)
        weight = conv.weight
        if keys_are_convolved:  # their scale comes second in the checkpoint and first here
            weight = weight.unflatten(1, scales).transpose(1, 2).flatten(1, 2)
        weight = weight.contiguous(memory_format=torch.channels_last)
        h, w = images.size
        step = max(1, PIECE[points.device.type] // (len(images) * h * w * self.scales**2))
        for start in range(0, len(points), step):
            some = points[start : start + step]
            across = some.flatten(0, 1).T
            stack = some.new_empty(len(images), len(some), h, w, *scales)
            for number, level in enumerate(images.levels):
                cosines = (level @ across).permute(0, 3, 1, 2)
                if level.shape[1:3] != images.size:
                    cosines = F.interpolate(cosines, (h, w), mode="bilinear", align_corners=True)
                cosines = cosines.unflatten(1, (len(some), self.scales)).permute(0, 1, 3, 4, 2)
                torch.clamp(cosines, min=0, out=stack[..., number, :])
            folded = stack.flatten(4).flatten(0, 1).permute(0, 3, 1, 2)
            out = F.conv2d(folded, weight, conv.bias, self.stride, self.kernel // 2)
            out = out.permute(0, 2, 3, 1).reshape(len(images), len(some), -1, conv.out_channels)
            yield slice(start, start + len(some)), out


def _convolve(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Convolve images whose channels come last: (N, h, w, C) -> (N, h', w', C')."""
    return conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).contiguous()
