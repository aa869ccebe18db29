"""Packed binary codes as descriptors whose similarities are exact."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from superglobal_core.errors import UserError, name_list
from superglobal_core.files import load_arrays

# Up to here the descriptors' length stays within 1.6 % of one (see `unit_value`).
MOST_BITS = 4096


def unit_value(bits: int) -> float:
    """Return c so that vectors of +c and -c have unit length, nearly, and exact dot products.

    The dot product of two codes is c^2 times a whole number, so many pairs tie, and the order
    within ties must not hang on rounding. c = n / 4096 with the largest n for which every partial
    sum of +-n^2 fits float32's 24 bits: then any order of summation gives the same number.

    >>> unit_value(256), unit_value(500) * 4096
    (0.0625, 183.0)
    """
    return math.isqrt(2**24 // bits) / 4096


def read_codes(path: str | Path, bits: int | None = None) -> tuple[list[str], np.ndarray]:
    """Read an `.npz` with `names` (N strings) and `codes` (N x bytes, uint8, packed big end first).

    Returns the names and the descriptors (N, bits) float16 of +c and -c; `bits` of each code
    count, all by default.

    Raises:
        UserError: when the file is absent, damaged, or lacks one of the two arrays.
    """
    arrays = load_arrays(path)
    if "names" not in arrays or "codes" not in arrays:
        raise UserError(
            f"{path} must hold the arrays 'names' and 'codes' (it has {name_list(arrays) or 'none'})"
        )
    names, codes = arrays["names"], arrays["codes"]
    if names.ndim != 1 or names.dtype.kind not in "US" or codes.ndim != 2 or codes.dtype != np.uint8:
        raise UserError(f"{path}: 'names' must be one row of strings and 'codes' rows of bytes (uint8)")
    if len(names) != len(codes) or len(codes) == 0:
        raise UserError(f"{path} has {len(names)} names for {len(codes)} codes: one name a code is needed")
    held = codes.shape[1] * 8
    bits = held if bits is None else bits
    if not 1 <= bits <= min(held, MOST_BITS):
        raise UserError(
            f"{path}: bits is {bits}, but a code holds {held} (and at most {MOST_BITS} can be used)"
        )
    unpacked = np.unpackbits(codes, axis=1)[:, :bits]
    value = np.float16(unit_value(bits))
    texts = [name.decode() if isinstance(name, bytes) else str(name) for name in names.tolist()]
    return texts, np.where(unpacked, value, -value)
