"""The command line itself: its options in common, and how it ends."""

from __future__ import annotations

import contextlib
import errno
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from superglobal_core.cli import output
from superglobal_core.cli.choices import among
from superglobal_core.cli.manual import Program, Verb
from superglobal_core.errors import UserError
from superglobal_core.invocation import invoked


class _Verbs(typer.Typer):
    """Makes every command a `Verb`."""

    def command(self, name: str | None = None, **given: Any) -> Callable[[Any], Any]:
        return super().command(name, cls=Verb, **given)


app = _Verbs(
    name="superglobal",
    cls=Program,
    help="Landmark retrieval with global features: reproduce, compare, rerank.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Out = Annotated[Path, typer.Option(help="where to write")]
Queries = Annotated[Path, typer.Option(help="query descriptors: .npy or a folder of shards")]
Databases = Annotated[
    list[Path], typer.Option("--database", help="database descriptors; give it again for distractors")
]
Groundtruth = Annotated[
    Path | None, typer.Option(help="gnd_*.pkl: also count the labelled images' exact ranks")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda", autocompletion=among("auto", "cpu", "cuda"))]
LocalFolders = Annotated[
    list[Path], typer.Option(help="local features of the same images (see local); may be given again")
]
BACKBONES = ("resnet50", "resnet101", "mini", "torchvision-resnet50")
Backbone = Annotated[
    str,
    typer.Option(help="resnet50, resnet101, mini or torchvision-resnet50", autocompletion=among(*BACKBONES)),
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(help="weights in CVNet's (or torchvision's) layout; mini's come with the package"),
]
Weights = Annotated[Path | None, typer.Option(help="a local method's own weights: xfeat.onnx, RRT's")]
Boxes = Annotated[
    Path | None, typer.Option(help="query boxes: gnd_*.pkl, .json, or text with id x1 y1 x2 y2")
]
Catalogues = Annotated[
    list[Path], typer.Option("--catalogue", help="a file with entries of your own; may be given again")
]

SayWhy = Annotated[
    bool, typer.Option("--say-why", help="where the method cannot run, write why in place of the result")
]

INTERRUPTED = "interrupted; the same command goes on where it was"
TERMINATED_CODE, UNREAD_CODE = 128 + signal.SIGTERM, 128 + signal.SIGPIPE
# Of an output that cannot be written, in which case no file is named.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


class Terminated(BaseException):
    """Somebody (a scheduler, a supervisor) asked this process to end: it tidies up, as when interrupted."""


@app.callback()
def common(
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            help="no progress and no notes on stderr; errors stay",
            callback=output.set_quiet,
            is_eager=True,
        ),
    ] = False,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="print one JSON object on stdout, and an error as one on stderr",
            callback=output.set_json,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Landmark retrieval with global features: reproduce, compare, rerank."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a user's error is one line on stderr and exit code 2."""
    warnings.showwarning = _show_warning
    command = typer.main.get_command(app)
    arguments = sys.argv[1:] if arguments is None else arguments
    # Asked for here, too: the parser's own errors come before it has read the option.
    as_json = "--json" in arguments
    try:
        with invoked(arguments), _terminable():
            status = command(args=arguments or ["--help"], prog_name="superglobal", standalone_mode=False)
    except BrokenPipeError:
        # Whoever read our output has left; what is flushed at the end would say so again.
        sys.stdout = None
        sys.exit(UNREAD_CODE)
    except SystemExit:
        # The parser ends so, with the code of a verb that disagrees.
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":
            sys.exit(UNREAD_CODE)
        raise
    except (Exception, KeyboardInterrupt, Terminated) as error:
        message, code = _sentence(error)
        try:
            output.show_error(message, as_json)
        except BrokenPipeError:
            code = UNREAD_CODE
        sys.exit(code)
    if status == 130:
        # Some releases of the parser make this of an interruption, and say nothing.
        output.show_error(INTERRUPTED, as_json)
    sys.exit(status if isinstance(status, int) else 0)


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Raise `Terminated` at the first SIGTERM; a second one ends the process at once, as without this."""
    listens = threading.current_thread() is threading.main_thread()
    if not listens or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise Terminated

    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _sentence(error: BaseException) -> tuple[str, int]:
    """Return what to say of an error, and the exit code; raise it where it is a mistake of ours."""
    if isinstance(error, UserError):
        return str(error), 2
    if isinstance(error, KeyboardInterrupt | Terminated):
        return INTERRUPTED, 130 if isinstance(error, KeyboardInterrupt) else TERMINATED_CODE
    if isinstance(error, MemoryError):
        return "not enough memory for this: take smaller sizes, or a machine with more", 2
    if isinstance(error, OSError) and error.errno in FULL and error.filename is None:
        return f"cannot write the output: {error.strerror}; look where it goes", 2
    if isinstance(error, OSError | RecursionError | UnicodeError):
        # Whatever the steps did not foresee of files and their contents.
        return f"{type(error).__name__}: {error}; check the paths and contents that were named", 2
    # The command-line parser's own errors; its classes move between releases, their method does not.
    if not hasattr(error, "format_message"):
        raise error
    context = getattr(error, "ctx", None)
    usage = f" (see {context.command_path} --help)" if context else ""
    text = error.format_message().rstrip(".")
    return (f"{text}{usage}" if text else "no verb was given (see superglobal --help)"), 2


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    output.show_note(f"superglobal: note: {message}")
