"""YAML in which no key is given twice: plain YAML lets the last one win without a word."""

from __future__ import annotations

from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys: set[tuple[str, str]] = set()
        for key, _ in node.value:
            # What `<<` merges may be given anew: that is what it is for.
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if (key.tag, key.value) in keys:
                    raise ValueError(f"line {key.start_mark.line + 1}: the key {key.value!r} is given twice")
                keys.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def load_yaml(text: str) -> Any:
    """Read YAML of plain values.

    Raises:
        ValueError: when it is none, a key is given twice, or a value makes no sense (the 30th of February).

    >>> load_yaml("{a: 1, a: 2}")
    Traceback (most recent call last):
    ...
    ValueError: line 1: the key 'a' is given twice
    """
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, RecursionError, OverflowError) as error:
        raise ValueError(str(error) or "it is nested too deeply") from error
