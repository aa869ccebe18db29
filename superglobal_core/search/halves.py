"""Products with float16 rows in float32's precision, at the speed of half-precision arithmetic."""

from __future__ import annotations

import torch
from torch import Tensor

# Each part holds 11 significant bits; three hold float32's 24 and more.
PARTS, BITS = 3, 11
# The largest value of each query becomes less than two to this: far above float16's subnormal numbers,
# where bits are lost, and below its largest.
LARGEST = 14


class HalfParts:
    """Queries (Q, D), float32, as a sum of float16 matrices times powers of two.

    A product of two float16 numbers is exact in float32, so multiplying the parts by float16 rows and adding up
    in float32 is a float32 product: nothing of queries or rows is rounded. The matrix units of a GPU do it in
    the time that reading the rows takes, where float32 arithmetic would take several times as long.

    >>> queries = torch.tensor([[1 / 3, -2e-7]])
    >>> bool((HalfParts(queries).times(torch.eye(2, dtype=torch.float16)) == queries).all())
    True
    """

    def __init__(self, queries: Tensor) -> None:
        exponents = torch.frexp(queries.abs().amax(dim=1, keepdim=True)).exponent
        rest = torch.ldexp(queries, LARGEST - exponents)
        parts = []
        for _ in range(PARTS):
            parts.append(rest.half())
            rest = torch.ldexp(rest - parts[-1].float(), torch.tensor(BITS, device=rest.device))
        self._parts = torch.cat(parts)
        self._exponents = exponents - LARGEST

    def times(self, rows: Tensor) -> Tensor:
        """Return the product with float16 rows (n, D): float32 (Q, n)."""
        products = half_product(self._parts, rows).view(PARTS, -1, len(rows))
        # The smallest first: their sum may matter to the largest's last bit.
        total = products[-1]
        for product in products[:-1].flip(0):
            total = torch.ldexp(total, torch.tensor(-BITS, device=rows.device)) + product
        return torch.ldexp(total, self._exponents)


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
