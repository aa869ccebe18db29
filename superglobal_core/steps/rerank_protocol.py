"""What a named protocol says of a reranking, where the command line does not say it itself."""

from __future__ import annotations

from typing import Any

from superglobal_core.protocol_switches import preset_values, reranking_values

# The method whose switches a protocol sets; the shortlist's junk is every method's.
SWITCHED = "superglobal"


def protocol_parameters(protocol: str | None, method: str) -> dict[str, Any]:
    """Return a method's parameters under a protocol (`official`, `paper` or `cvnet`), none without one.

    Raises:
        UserError: for an unknown protocol.

    >>> protocol_parameters("paper", "superglobal")["query_neighbour"]
    True
    """
    return reranking_values(protocol) if protocol is not None and method == SWITCHED else {}


def protocol_junk(protocol: str | None) -> str:
    """Return whether a protocol keeps junk in the shortlist or removes it; without one it is kept.

    Raises:
        UserError: for an unknown protocol.

    >>> protocol_junk("cvnet"), protocol_junk(None)
    ('remove', 'keep')
    """
    return "keep" if protocol is None else str(preset_values(protocol)["junk"])
