"""The command line itself: its options in common, and how it ends."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from superglobal_core.errors import UserError
from superglobal_core.invocation import invoked

app = typer.Typer(
    name="superglobal",
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
Device = Annotated[str, typer.Option(help="auto, cpu or cuda")]
LocalFolders = Annotated[
    list[Path], typer.Option(help="local features of the same images (see local); may be given again")
]
Backbone = Annotated[str, typer.Option(help="resnet50, resnet101, mini or torchvision-resnet50")]
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


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a user's error is one line on stderr and exit code 2."""
    warnings.showwarning = _show_warning
    command = typer.main.get_command(app)
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        with invoked(arguments):
            status = command(args=arguments or ["--help"], prog_name="superglobal", standalone_mode=False)
    except UserError as error:
        _fail(str(error))
    except BrokenPipeError:
        # Whoever read our output has left; the files are written.
        sys.stdout = None
        sys.exit(0)
    except MemoryError:
        _fail("not enough memory for this: take smaller sizes, or a machine with more")
    except (OSError, RecursionError, UnicodeError) as error:
        # Whatever the steps did not foresee of files and their contents.
        _fail(f"{type(error).__name__}: {error}; check the paths and contents that were named")
    except KeyboardInterrupt:
        _fail(INTERRUPTED, 130)
    except Exception as error:
        # The command-line parser's own errors; its classes move between releases, their method does not.
        if not hasattr(error, "format_message"):
            raise
        context = getattr(error, "ctx", None)
        usage = f" (see {context.command_path} --help)" if context else ""
        _fail(f"{error.format_message()}{usage}" if error.format_message() else "no command was given")
    else:
        if status == 130:
            # Some releases of the parser make this of an interruption, and say nothing.
            _fail(INTERRUPTED, 130)
        sys.exit(status if isinstance(status, int) else 0)


def _fail(message: str, code: int = 2) -> None:
    print("superglobal: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(code)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"superglobal: note: {message}", file=sys.stderr)
