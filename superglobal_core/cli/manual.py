"""How help reads: a manual page for the program, and one for each verb."""

from __future__ import annotations

import copy
import dataclasses
import functools
import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperGroup

from superglobal_core.cli import output
from superglobal_core.cli.groups import GROUPS, in_order
from superglobal_core.errors import UserError

COMMON = ("quiet", "json")
WIDEST = 34
# The parser names a type as Python does.
TYPES = {
    "<list[Path]>": "PATH",
    "<list[str]>": "TEXT",
    "<path>": "PATH",
    "<str>": "TEXT",
    "<int>": "N",
    "<float>": "X",
}
ABOUT = """Describes photographs of landmarks by global features, finds the nearest ones, puts the nearest into a
better order, and measures how good that order is, as the benchmarks ROxford5k, RParis6k and R1M do. It reproduces
SuperGlobal (ICCV 2023) and compares other methods with it. Every step reads files and writes files, so that each can
be run alone, or all of them by a suite: snakemake --configfile config/mini.yaml."""
EXAMPLES = (
    ("What runs on this machine, and what would the paper cost here?", "superglobal doctor"),
    (
        "From pictures to figures, on landmarks drawn on the spot:",
        "superglobal landmarks --out landmarks",
        "superglobal extract --images landmarks/queries --boxes landmarks/gnd_landmarks.pkl --backbone mini "
        "--out features/queries",
        "superglobal extract --images landmarks/database --backbone mini --out features/database",
        "superglobal rerank --queries features/queries --database features/database --out reranked.npz",
        "superglobal evaluate --groundtruth landmarks/gnd_landmarks.pkl --ranks reranked.npz --out map.json",
    ),
    (
        "Only the reranker, on descriptors of your own (rows of a .npy file):",
        "superglobal rerank --queries queries.npy --database database.npy --top 100 --out reranked.npz",
    ),
)
EXIT_CODES = (
    ("0", "done"),
    ("1", "done, and what was checked disagrees (verify, check-method)"),
    ("2", "a mistake or a missing file: one line on stderr says what, where and what to do"),
    ("130", "interrupted; the same command goes on where it was"),
    ("141", "whoever read the output has left (SIGPIPE)"),
    ("143", "interrupted by a scheduler or supervisor (SIGTERM)"),
)
READ_ON = (
    ("superglobal VERB --help", "what a verb reads and writes, its options, examples"),
    ("README.md", "the two commands that run everything, and the measured tables"),
    ("docs/command-line.md", "this in full: common options, JSON, completion, exit codes"),
    ("docs/", "method, protocol, data, timing, scaling, methods of your own"),
)


@dataclasses.dataclass(frozen=True)
class Page:
    """What a verb's manual page has beside its options: files read and written, and examples."""

    reads: str = ""
    writes: str = ""
    examples: Sequence[str] = ()


class Verb(TyperCommand):
    """A verb: its help is a manual page, and it takes the common options as the program does."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return its parameters, the common options before `--help`."""
        own = super().get_params(ctx)
        return own if ctx.parent is None else [*own[:-1], *_common_of(ctx.parent.command), *own[-1:]]

    def invoke(self, ctx: Any) -> Any:
        """Run it; what it prints bears its name."""
        output.set_verb(self.name)
        return super().invoke(ctx)

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write what it does, reads and writes."""
        super().format_help_text(ctx, formatter)
        page = pages().get(self.name or "", Page())
        files = [(title, text) for title, text in (("reads", page.reads), ("writes", page.writes)) if text]
        if files:
            with formatter.section("Files"):
                formatter.write_dl(files)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write its arguments and options, those of every verb last."""
        records: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Common options": []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                common = param.name in (*COMMON, "help")
                kind = "Arguments" if param.param_type_name == "argument" else "Options"
                records["Common options" if common else kind].append(_readable(record))
        for title, rows in records.items():
            _section(formatter, title, rows)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write its examples."""
        _examples(formatter, [("", *pages().get(self.name or "", Page()).examples)])


class Program(TyperGroup):
    """The program: its help is a manual page with the verbs in groups, in the order of the work."""

    def main(self, *arguments: Any, **given: Any) -> Any:
        """Run it; what `--quiet` and `--json` set ends with it."""
        with output.form():
            return super().main(*arguments, **given)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the verbs in the order of the work."""
        return in_order(super().list_commands(ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the verb that is named, or an error that names the nearest one."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            near = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise UserError(f"there is no verb '{args[0]}': {hint}superglobal --help lists them")
        return super().resolve_command(ctx, args)

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the two forms of a call."""
        formatter.write_usage("superglobal", "[--quiet] [--json] VERB [OPTIONS]")
        formatter.write_usage("superglobal", "VERB --help", prefix=" " * len("Usage: "))

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write what it is."""
        super().format_help_text(ctx, formatter)
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(" ".join(ABOUT.split()))

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs by group, then the options."""
        verbs = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        wide = max(map(len, verbs))
        grouped = {name for group in GROUPS.values() for name in group}
        others = tuple(name for name in verbs if name not in grouped)
        for title, names in {**GROUPS, "Others": others}.items():
            rows = [(name, _first_line(verbs[name])) for name in names if verbs.get(name) is not None]
            _section(formatter, title, [(f"{name:{wide}}", text) for name, text in rows])
        records = [param.get_help_record(ctx) for param in self.get_params(ctx)]
        _section(formatter, "Options", [_readable(record) for record in records if record is not None])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write examples, exit codes, and where to read on."""
        _examples(formatter, EXAMPLES)
        _section(formatter, "Exit codes", EXIT_CODES)
        _section(formatter, "Where to read on", READ_ON)


@functools.cache
def pages() -> dict[str, Page]:
    """Return the pages of the verbs, as `manual.yaml` has them."""
    import yaml

    content = yaml.safe_load(Path(__file__).with_name("manual.yaml").read_text(encoding="utf-8"))
    return {verb: Page(**given) for verb, given in content.items()}


def _common_of(program: Any) -> list[Any]:
    found = [copy.copy(param) for param in program.params if param.name in COMMON]
    for param in found:
        param.expose_value = False  # the callback has done all by then
    return found


def _first_line(command: Any) -> str:
    return (command.help or "").strip().partition("\n")[0]


def _readable(record: tuple[str, str]) -> tuple[str, str]:
    name, text = record
    for python, readable in TYPES.items():
        name = name.replace(python, readable)
    return name, text


def _section(formatter: Any, title: str, rows: Sequence[tuple[str, str]], widest: int = WIDEST) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl([*rows], col_max=widest)


def _examples(formatter: Any, examples: Sequence[Sequence[str]]) -> None:
    if not any(len(example) > 1 for example in examples):
        return
    with formatter.section("Examples"):
        for number, (what, *commands) in enumerate(examples):
            if number:
                formatter.write("\n")
            if what:
                formatter.write_text(what)
            for command in commands:
                for line in broken(command, formatter.width - formatter.current_indent - 2):
                    formatter.write(f"{'':{formatter.current_indent + 2}}{line}\n")


def broken(command: str, width: int) -> list[str]:
    r"""Break a command for a shell between its words, so that it can be copied as it stands.

    >>> broken("superglobal search --queries q.npy --k 5", 32)
    ['superglobal search \\', '    --queries q.npy --k 5']
    """
    lines, line = [], ""
    words = [shlex.quote(word) if " " in word else word for word in shlex.split(command)]
    pieces: list[str] = []
    for word in words:
        # An option stays beside its value.
        value = pieces and pieces[-1].startswith("--") and " " not in pieces[-1] and not word.startswith("-")
        if value:
            pieces[-1] += f" {word}"
        else:
            pieces.append(word)
    for piece in pieces:
        if line and len(line) + len(piece) + 3 > width:
            lines.append(f"{line} \\")
            line = f"    {piece}"
        else:
            line = f"{line} {piece}" if line else piece
    return [*lines, line]
