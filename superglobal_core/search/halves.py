"""Products with float16 rows in float32's precision, at the speed of half-precision arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

# Each part holds 11 significant bits; three hold float32's 24 and more.
PARTS = 3
# The largest value of each query becomes less than two to this: far below float16's largest number, and so far
# above its smallest that the last part ends at 2 ** -39 of it.
LARGEST = 14


class HalfParts:
    """Queries (Q, D), float32, as sums of float16 matrices.

    A product of two float16 numbers is exact in float32, so multiplying the parts by float16 rows and adding up
    in float32 is a float32 product: rows are not rounded, and queries by less than 2 ** -38 of their largest
    value. The matrix units of a GPU do it in the time that reading the rows takes, where float32 arithmetic
    would take several times as long.

    >>> queries = torch.tensor([[1 / 3, -2e-7]])
    >>> bool((HalfParts(queries).times(torch.eye(2, dtype=torch.float16)) - queries).abs().max() < 1e-12)
    True
    """

    def __init__(self, queries: Tensor) -> None:
        exponents = torch.frexp(queries.abs().amax(dim=1, keepdim=True)).exponent - LARGEST
        rest = torch.ldexp(queries, -exponents)
        parts: list[Tensor] = []
        for _ in range(PARTS):
            parts.append(rest.half())
            rest = rest - parts[-1].float()
        # The smallest first: so they are added up.
        self._parts = torch.cat(parts[::-1])
        self._scale = torch.ldexp(torch.ones_like(exponents, dtype=torch.float32), exponents)

    def times(self, rows: Tensor, out: Tensor | None = None) -> Tensor:
        """Return the product with float16 rows (n, D): float32 (Q, n), in `out` where it is given."""
        products = half_product(self._parts, rows).view(PARTS, -1, len(rows))
        return torch.mul(products.sum(dim=0), self._scale, out=out)


def half_product(left: Tensor, right: Tensor) -> Tensor:
    """Return left (m, D) times right (n, D), both float16, added up in float32: (m, n)."""
    if left.device.type != "cuda":
        return left.float() @ right.float().T
    before = torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    try:
        return torch.mm(left, right.T, out_dtype=torch.float32)
    finally:
        torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = before
