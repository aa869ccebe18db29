"""What a file of variants of a descriptor may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from superglobal_core.config import Extract
from superglobal_core.config_parts import Name, mistake
from superglobal_core.errors import UserError
from superglobal_core.model_errors import told

# Keys of `extract` that variants of one extraction have in common.
_NOT_VARIED = {"backbone", "checkpoint", "download", "query_crop"}


def parse_variants(content: object, source: str, common: Mapping[str, Any]) -> dict[str, Extract]:
    """Check variants of a descriptor: names, and what each changes in the common values of `extract`.

    Raises:
        UserError: in one line, for each mistake.

    >>> common = {"backbone": "mini"}
    >>> parse_variants({"plain": {"gem_plus": False}}, "variants.json", common)["plain"].gem_plus
    False
    """
    if not isinstance(content, Mapping) or not content:
        raise UserError(
            f"{source} holds no variants: a mapping of names to changed settings is expected, "
            'for example {"no-gem-plus": {"gem_plus": false}}'
        )
    for name, changes in content.items():
        if not isinstance(changes, Mapping):
            raise UserError(f"{source}: {name} is no mapping of settings: write {{}} to change none")
        if fixed := sorted(set(map(str, changes)) & _NOT_VARIED):
            raise UserError(
                f"{source}: {name} changes {', '.join(fixed)}, which all variants share: leave it out"
            )
    with told(source, mistake):
        merged = {name: {**common, **changes} for name, changes in content.items()}
        return TypeAdapter(dict[Name, Extract]).validate_python(merged)
