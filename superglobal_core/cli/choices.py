"""What a shell offers for an option's value."""

from __future__ import annotations

from collections.abc import Callable


def among(*values: str) -> Callable[[str], list[str]]:
    """Return what offers those of the values that begin as what was typed; with commas, for the last of them.

    >>> among("none", "superglobal")("su"), among("none", "superglobal")("none,s")
    (['superglobal'], ['none,superglobal'])
    """

    def offered(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{value}" for value in values if value.startswith(last)]

    return offered
