"""What a named protocol says of a reranking, where the command line does not say it itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from superglobal_core.protocol_switches import preset_values, reranking_values

# The method whose switches a protocol sets; the shortlist's junk is every method's.
SWITCHED = "superglobal"


def in_protocol(
    protocol: str | None, method: str, parameters: Mapping[str, Any], junk: str | None
) -> tuple[dict[str, Any], str]:
    """Return a method's parameters and what happens to junk under a protocol (`official`, `paper` or
    `cvnet`); what is given stays as it is.

    Raises:
        UserError: for an unknown protocol.

    >>> in_protocol("paper", "superglobal", {"beta": 0.3}, None)[0]["query_neighbour"]
    True
    >>> in_protocol("cvnet", "none", {}, None)
    ({}, 'remove')
    """
    if protocol is None:
        return dict(parameters), junk or "keep"
    switched = reranking_values(protocol) if method == SWITCHED else {}
    return {**switched, **parameters}, junk or str(preset_values(protocol)["junk"])
