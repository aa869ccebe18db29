"""docs/command-line.md lists the verbs that there are, in their groups, with what each says of itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from superglobal_core.cli import app
from superglobal_core.cli.groups import GROUPS
from superglobal_core.cli.manual import EXIT_CODES

PAGE = (Path(__file__).parents[1] / "docs" / "command-line.md").read_text()


def test_every_verb_is_listed_in_its_group() -> None:
    program: Any = typer.main.get_command(app)
    wanted = [
        (group, name, program.commands[name].help.strip().splitlines()[0])
        for group, names in GROUPS.items()
        for name in names
        if name in program.commands
    ]
    assert re.findall(r"^\| ([^|`]+) \| `([a-z-]+)` \| (.+) \|$", PAGE, re.M) == wanted


def test_every_exit_code_is_listed() -> None:
    assert re.findall(r"^\| (\d+) \| ", PAGE, re.M) == [code for code, _ in EXIT_CODES]
