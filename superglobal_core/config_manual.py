"""The manual of a suite's keys and the JSON schema, generated from the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from superglobal_core.config import schema
from superglobal_core.files import write_text

SCHEMA_PATH = Path("workflow/schemas/suite.schema.json")
MANUAL_PATH = Path("config/README.md")


def schema_text() -> str:
    """Return the schema file's content."""
    return json.dumps(schema(), indent=1) + "\n"


def manual_text() -> str:
    """Return the content of config/README.md: one table a part of a suite."""
    whole = schema()
    parts = [("A suite", whole), *((name, whole["$defs"][name]) for name in whole["$defs"])]
    lines = [
        "# Suites",
        "",
        "One YAML file a suite: `snakemake --cores all --configfile config/NAME.yaml`. This page is made from",
        "`superglobal_core/config.py` (`python -m superglobal_core.config_manual`), as is the schema in",
        "`workflow/schemas/`. Where a run happens (cores, GPU, cluster) belongs to `profiles/`.",
    ]
    for title, part in parts:
        lines += ["", f"## {title}", "", *str(part.get("description", "")).splitlines(), ""]
        lines += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
        for key, field in part.get("properties", {}).items():
            default = (
                "required" if key in part.get("required", []) else f"`{json.dumps(field.get('default'))}`"
            )
            lines.append(f"| `{key}` | {_kind(field)} | {default} | {field.get('description', '')} |")
    return "\n".join(lines) + "\n"


def _kind(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_kind(option) for option in field["anyOf"] if option.get("type") != "null")
    if "$ref" in field:
        return str(field["$ref"]).rsplit("/", 1)[-1]
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("format") == "path":
        return "path"
    if field.get("type") == "object":
        return f"names to {_kind(field.get('additionalProperties', {}))}"
    if field.get("type") == "array":
        return f"list of {_kind(field.get('items', {}))}"
    bounds = [f"{sign} {field[key]}" for key, sign in (("minimum", "≥"), ("maximum", "≤")) if key in field]
    return " ".join([str(field.get("type", "any")), *bounds])


def write_all(root: str | Path = ".") -> None:
    """Write both files below the repository's root."""
    write_text(Path(root) / SCHEMA_PATH, schema_text())
    write_text(Path(root) / MANUAL_PATH, manual_text())


if __name__ == "__main__":
    write_all()
