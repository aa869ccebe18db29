"""Every example of the documentation is run by a test, or shown for a reason; what is shown exists.

A new example finds no entry below and fails here: run it, or say why not.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer
import yaml
from doc_pages import PAGES, ROOT, blocks, commands, inline_code
from snakemake.cli import get_argument_parser

from superglobal_core.cli import app
from superglobal_core.config import schema

EXAMPLES = "tests/test_docs_examples.py::test_the_examples_of_a_page_work"
METHODS = "tests/workflow/test_added_methods.py::test_methods_of_every_way_have_figures"
# Pages whose blocks of a language are run, and the test that runs them.
RUN = {
    "README.md": {"": EXAMPLES, "python": EXAMPLES},
    "docs/ablation.md": {"yaml": "tests/test_docs_ablation.py::test_its_example_is_an_ablation"},
    "docs/adding-a-method.md": {
        "yaml": METHODS,
        "python": METHODS,
    },
    "docs/api.md": {"python": EXAMPLES},
    "docs/approximate-search.md": {
        "sh": "tests/test_docs_approximate.py::test_the_examples_work",
        "yaml": "tests/test_docs_approximate.py::test_its_example_is_a_suites_key",
    },
    "docs/comparing-runs.md": {"sh": "tests/test_docs_comparing_runs.py::test_the_examples_work"},
    "docs/data.md": {
        "yaml": "tests/test_docs_data.py::test_the_example_of_a_data_set_works",
        "python": "tests/test_docs_data.py::test_the_example_of_a_data_set_works",
    },
    "docs/extraction.md": {
        "": "tests/test_docs_extraction.py::test_the_examples_work",
        "sh": EXAMPLES,
        "json": EXAMPLES,
    },
    "docs/faq.md": {"sh": EXAMPLES, "python": EXAMPLES},
    "docs/method.md": {"python": EXAMPLES},
    "docs/parameters.md": {"sh": "tests/test_docs_parameters.py::test_the_examples_work"},
    "docs/protocol.md": {"sh": EXAMPLES, "python": EXAMPLES},
    "docs/quickstart.md": {"": "tests/test_docs_quickstart.py::test_the_examples_work"},
    "docs/rerankers.md": {"sh": EXAMPLES},
    "docs/scaling.md": {
        "": "tests/test_docs_scaling.py::test_the_shown_commands_work_small",
        "yaml": "tests/test_docs_scaling.py::test_the_example_suites_are_some",
    },
    "docs/timing.md": {
        "sh": "tests/test_docs_timing.py::test_the_examples_work",
        "python": "tests/test_docs_timing.py::test_the_examples_work",
    },
}
# Blocks that no test runs, by what they begin with, and why; their commands are still held against the real ones.
SHOWN = {
    ("docs/command-line.md", '{"verb": "evaluate"'): "an answer, shortened: tests/cli asks for such ones",
    ("README.md", "make run "): "installs packages, then runs a suite: what make test itself is called from",
    ("README.md", "make run SUITE"): "runs a suite; the plan is tests/workflow/test_plan.py's",
    ("CONTRIBUTING.md", "make install"): "installs packages, and runs all tests",
    ("CONTRIBUTING.md", ".venv/bin/python -m pytest"): "runs tests",
    ("CONTRIBUTING.md", "git tag"): "changes the repository",
    ("docs/adding-a-method.md", "methods: [none"): "a part of a suite",
    ("docs/adding-a-method.md", "methods:\n  none: {}"): "a part of a suite",
    ("docs/adding-a-method.md", "method_paths:"): "a part of a suite",
    ("docs/cluster.md", "make cluster"): "needs a cluster: tests/workflow/test_slurm.py has one",
    ("docs/cluster.md", "snakemake --workflow-profile"): "needs a cluster",
    (
        "docs/command-line.md",
        "superglobal --json evaluate",
    ): "an answer, shortened: tests/cli asks for such ones",
    (
        "docs/command-line.md",
        "superglobal --install-completion",
    ): "changes the shell's files: tests/cli tries it at home",
    (
        "docs/conformance.md",
        "superglobal check-method",
    ): "tests/methods/test_conformance.py checks every method",
    ("docs/data.md", "superglobal download roxford5k"): "downloads",
    (
        "docs/data.md",
        "snakemake --cores all --configfile",
    ): "downloads; planned in tests/workflow/test_plan.py",
    ("docs/data.md", "snakemake --cores all --resources"): "needs several GPUs",
    ("docs/data.md", "superglobal download my-landmarks"): "downloads from an address of an example",
    (
        "docs/files.md",
        "snakemake --configfile config/mini.yaml --report",
    ): "needs a finished run: tests/workflow/test_own_report.py packs one",
    ("docs/scaling.md", "make run"): "takes half an hour",
    ("docs/scaling.md", "cp reports/scale"): "follows from the run above",
    ("docs/timing.md", "export"): "a setting of a machine",
    ("docs/timing.md", "superglobal time --preset paper"): "takes hours without a GPU",
    ("docs/timing.md", "python -m pytest benchmarks"): "takes minutes of a quiet machine",
}
NO_EXAMPLE = {"text"}  # formulas and trees of files
# Paths of examples that are the reader's own.
READERS_OWN = {"my-suite.yaml", "my-profile"}


def shown_entry(page: str, text: str) -> tuple[str, str] | None:
    """Return the entry of SHOWN for a block: the one of the longest beginning."""
    found = [key for key in SHOWN if key[0] == page and text.startswith(key[1])]
    return max(found, key=lambda key: len(key[1])) if found else None


def test_every_example_is_run_or_shown_for_a_reason() -> None:
    unknown = [
        (page, block.language, block.text.splitlines()[0])
        for page in PAGES
        for block in blocks(page)
        if block.language not in NO_EXAMPLE
        and block.language not in RUN.get(page, {})
        and shown_entry(page, block.text) is None
    ]
    assert not unknown


def test_no_entry_is_left_over() -> None:
    there = {(page, block.language) for page in PAGES for block in blocks(page)}
    assert {(page, language) for page, languages in RUN.items() for language in languages} <= there
    used = {shown_entry(page, block.text) for page in PAGES for block in blocks(page)}
    assert set(SHOWN) <= used


def test_the_tests_that_are_named_exist() -> None:
    for name in {test for languages in RUN.values() for test in languages.values()}:
        path, _, function = name.partition("::")
        tree = ast.parse((ROOT / path).read_text())
        assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, name


def test_parts_of_a_suite_have_its_keys() -> None:
    for page in PAGES:
        for block in blocks(page, "yaml"):
            if (entry := shown_entry(page, block.text)) and SHOWN[entry] == "a part of a suite":
                assert set(yaml.safe_load(block.text)) <= set(schema()["properties"]), block.text


def test_every_command_of_a_block_exists() -> None:
    for page in PAGES:
        for block in blocks(page, "", "sh"):
            for words in commands(block.text):
                check(words, f"{page}: {' '.join(words)}")


def check(words: list[str], where: str) -> None:
    """Hold a command against the program that it calls."""
    program, *arguments = words
    checks = {
        "superglobal": check_verb,
        "snakemake": check_snakemake,
        "make": check_make,
        "python": check_python,
        "git": lambda _words, _where: None,
        "export": lambda _words, _where: None,
        "cp": lambda _words, _where: None,
    }
    name = Path(program).name
    assert name in checks, where
    checks[name](arguments, where)


def check_verb(arguments: list[str], where: str) -> None:
    """Parse a verb's words as the command line does; nothing is run."""
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group) or hasattr(group, "commands")
    while arguments[0] in ("--json", "--quiet"):
        arguments = arguments[1:]
    if arguments[0] in ("--help", "--install-completion", "--show-completion"):
        return
    verb = group.commands.get(arguments[0])
    assert verb is not None, f"{where}: there is no such verb"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        try:
            verb.make_context(arguments[0], arguments[1:])
        except Exception as error:
            raise AssertionError(f"{where}: {error}") from error


def check_snakemake(arguments: list[str], where: str) -> None:
    """Parse Snakemake's words; suites, profiles and targets must exist."""
    plugins = {"--slurm-status-command"}
    parsed = get_argument_parser().parse_args([word for word in arguments if word not in plugins])
    for path in [*(parsed.configfile or []), *filter(None, [parsed.workflow_profile])]:
        assert str(path) in READERS_OWN or (ROOT / path).exists(), f"{where}: {path}"
    rules = set(rule_names())
    assert {*parsed.targets, *parsed.until} <= rules, where
    assert set(parsed.set_resources or {}) <= rules, where
    assert set(parsed.set_threads or {}) <= rules, where


def rule_names() -> Iterator[str]:
    """Yield the workflow's rules."""
    for path in (ROOT / "Snakefile", *(ROOT / "workflow/rules").glob("*.smk")):
        yield from re.findall(r"^\s*(?:rule|checkpoint) (\w+):", path.read_text(), re.M)


def check_make(arguments: list[str], where: str) -> None:
    """Look for the targets and variables of a call of make."""
    makefile = (ROOT / "Makefile").read_text()
    for word in arguments:
        name, assigned, value = word.partition("=")
        if assigned:
            assert re.search(rf"^{name} \?=", makefile, re.M), where
            assert name != "SUITE" or (ROOT / value).is_file(), where
        else:
            assert re.search(rf"^{name}:", makefile, re.M), where


def check_python(arguments: list[str], where: str) -> None:
    """Look for the module of `python -m`, and for the files that pytest is given."""
    option, module, *rest = arguments
    assert option == "-m", where
    assert importlib.util.find_spec(module), where
    if module == "pytest":
        paths = [word.partition("::")[0] for word in rest if "/" in word]
        assert all((ROOT / path).exists() for path in paths), where


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_within_sentences_exist(page: str) -> None:
    group = typer.main.get_command(app)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for code in inline_code(page):
        program, _, rest = code.partition(" ")
        words = rest.split()
        if program == "superglobal" and words and not words[0].startswith("-"):
            verb = group.commands.get(words[0])
            assert verb is not None, f"{page}: {code}"
            known = {
                option
                for parameter in verb.params
                for option in (*parameter.opts, *parameter.secondary_opts, "--help")
            }
            given = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert given <= known, f"{page}: {code}"
        elif program == "snakemake" and not code.endswith("`"):
            check_snakemake([word for word in words if not re.fullmatch(r"[A-Z]+", word)], f"{page}: {code}")
        elif program == "make" and words:
            check_make(words, f"{page}: {code}")
        elif program == "pip":
            assert {name for found in re.findall(r"\[([\w,-]+)\]", code) for name in found.split(",")} <= set(
                extras
            ), f"{page}: {code}"
        elif program == "conda":
            assert "-f environment.yml" in code
            environment = yaml.safe_load((ROOT / "environment.yml").read_text())
            assert f"activate {environment['name']}" in code
