"""The names of the methods and of their parameters, known without loading any of them.

Configuration is checked where torch is not wanted (it takes seconds to load); a test keeps this
list equal to what `methods` and `local_methods` register.
"""

from __future__ import annotations

_SPATIAL = ("model", "threshold", "iterations", "least_cosine", "most_ratio", "seed")
_ASMK = ("words", "alpha", "least_similarity", "seed")

#: parameters beside `shortlist`, by method: those by global descriptors
GLOBAL_PARAMETERS: dict[str, tuple[str, ...]] = {
    "none": (),
    "superglobal": ("neighbours", "beta", "query_neighbour", "normalise_refined", "expand_against"),
    "average-qe": ("neighbours",),
    "alpha-qe": ("neighbours", "alpha"),
    "dba": ("neighbours", "alpha"),
    "k-reciprocal": ("k1", "k2", "lambda_value"),
    "diffusion": ("neighbours", "query_neighbours", "alpha", "gamma", "iterations", "tolerance"),
}
#: and those by local features
LOCAL_PARAMETERS: dict[str, tuple[str, ...]] = {
    "cvnet-rerank": ("weight",),
    "rootsift-magsac": _SPATIAL,
    "xfeat-magsac": _SPATIAL,
    "rrt": (),
    "rootsift-asmk": _ASMK,
    "xfeat-asmk": _ASMK,
}
#: the local features that a method works on
LOCAL_KINDS = {
    "cvnet-rerank": "cvnet-maps",
    "rootsift-magsac": "rootsift",
    "xfeat-magsac": "xfeat",
    "rrt": "rootsift",
    "rootsift-asmk": "rootsift",
    "xfeat-asmk": "xfeat",
}
METHOD_PARAMETERS = {**GLOBAL_PARAMETERS, **LOCAL_PARAMETERS}

METHOD_NAMES = tuple(METHOD_PARAMETERS)
