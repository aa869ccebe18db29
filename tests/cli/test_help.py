"""Help: every verb in a group, on a page with examples that are commands, made without loading torch."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from helpers import Run

from superglobal_core.cli import app, output
from superglobal_core.cli.groups import GROUPS
from superglobal_core.cli.manual import EXAMPLES, broken, pages

PROGRAM: Any = typer.main.get_command(app)
VERBS = sorted(PROGRAM.commands)
GROUPED = [verb for group in GROUPS.values() for verb in group]


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    base = [sys.executable, "-m", "superglobal_core", *arguments]
    return subprocess.run(base, capture_output=True, text=True, env=os.environ | environment)


def parse(command: str) -> None:
    """Parse a command down to its values, as running it would; nothing runs."""
    _, program, rest = command.rpartition("superglobal ")
    assert program, command
    name, *arguments = shlex.split(rest)
    with output.form():
        parent = PROGRAM.make_context("superglobal", [name])
        PROGRAM.commands[name].make_context(name, arguments, parent=parent)


def test_every_verb_is_in_one_group() -> None:
    assert len(GROUPED) == len(set(GROUPED))
    assert set(VERBS) == set(GROUPED)


def test_the_program_shows_verbs_in_the_order_of_the_work(run: Run) -> None:
    shown = run("--help").out
    lines = shown.splitlines()
    places = [
        next(i for i, line in enumerate(lines) if line.startswith(f"  {verb} "))
        for verb in GROUPED
        if verb in VERBS
    ]
    assert places == sorted(places)
    for title in ("Examples:", "Exit codes:", "Where to read on:"):
        assert title in lines
    # On a terminal of 80 columns nothing is broken but by us.
    assert max(map(len, lines)) <= 80
    assert "docs/command-line.md" in shown


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_has_a_page(verb: str, run: Run) -> None:
    done = run(verb, "--help")
    assert (done.code, done.err) == (0, "")
    for part in ("Usage: superglobal", "Common options:", "--quiet", "--json", "Examples:"):
        assert part in done.out
    own = pages()[verb]
    assert own.reads or own.writes
    assert own.examples
    for example in own.examples:
        assert f"superglobal {verb}" in example
        parse(example)


def test_pages_are_those_of_verbs() -> None:
    assert set(pages()) == set(VERBS)


def test_examples_of_the_program_are_commands() -> None:
    for _, *commands in EXAMPLES:
        for command in commands:
            parse(command)


def test_what_is_shown_can_be_copied() -> None:
    command = next(command for command in pages()["tune"].examples)
    shown = broken(command, 60)
    assert len(shown) > 1
    assert max(map(len, shown)) <= 60
    assert shlex.split("\n".join(shown).replace("\\\n", " ")) == shlex.split(command)


def test_help_is_quick_and_loads_no_torch() -> None:
    code = (
        "import sys; from superglobal_core.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'pandas', 'pydantic', 'cv2', 'scipy'} & set(sys.modules)\n"
        "print(sorted(heavy), file=sys.stderr)"
    )
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    # Far above what it takes; loading torch takes longer.
    assert time.monotonic() - started < 5


def completed(words: str) -> list[str]:
    """What a shell is offered for the last word."""
    count = len(words.split(" "))
    done = process(_SUPERGLOBAL_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(count - 1))
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_shell_completes_verbs_options_and_values() -> None:
    assert completed("superglobal rera") == ["rerank"]
    assert "--shortlist" in completed("superglobal rerank --sh")
    assert completed("superglobal rerank --method ro") == ["rootsift-magsac", "rootsift-asmk"]
    assert completed("superglobal extract --device c") == ["cpu", "cuda"]
    assert completed("superglobal time --methods none,super") == ["none,superglobal"]


def test_bash_itself_completes(tmp_path: Path) -> None:
    """The script that is shown, in a bash: what pressing Tab would offer."""
    program = tmp_path / "superglobal"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m superglobal_core "$@"\n')
    program.chmod(0o755)
    script = process(_SUPERGLOBAL_COMPLETE="source_bash").stdout
    assert "complete -o default" in script
    press = (
        f"{script}\nCOMP_WORDS=(superglobal rerank --method superg); COMP_CWORD=3\n"
        "_superglobal_completion superglobal superg --method; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", press], capture_output=True, text=True, env=os.environ | {"PATH": path}
    )
    assert done.stdout.split() == ["superglobal"], done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(shell: str) -> None:
    done = process(_SUPERGLOBAL_COMPLETE=f"source_{shell}")
    assert done.returncode == 0
    assert "superglobal" in done.stdout
    assert "_SUPERGLOBAL_COMPLETE" in done.stdout


def test_completion_is_installed_for_the_shell_that_asks(tmp_path: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m superglobal_core --install-completion; exit $?"
    environment = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run(["bash", "--norc", "-c", command], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    (script,) = (path for path in tmp_path.rglob("*superglobal*") if path.is_file())
    assert "complete -o default -F _superglobal_completion superglobal" in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()
