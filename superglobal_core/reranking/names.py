"""The names of the methods and of their parameters, known without loading any of them.

Configuration is checked where torch is not wanted (it takes seconds to load); a test keeps this
list equal to what `methods` registers.
"""

from __future__ import annotations

#: parameters beside `shortlist`, by method
METHOD_PARAMETERS: dict[str, tuple[str, ...]] = {
    "none": (),
    "superglobal": ("neighbours", "beta"),
    "average-qe": ("neighbours",),
    "alpha-qe": ("neighbours", "alpha"),
    "dba": ("neighbours", "alpha"),
    "k-reciprocal": ("k1", "k2", "lambda_value"),
    "diffusion": ("neighbours", "query_neighbours", "alpha", "gamma", "iterations", "tolerance"),
}

METHOD_NAMES = tuple(METHOD_PARAMETERS)
