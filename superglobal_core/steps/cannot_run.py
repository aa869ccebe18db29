"""What a step writes where a method cannot run: the reason in place of the result, with a record."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from superglobal_core.errors import MissingPackageError, TooFewFeaturesError, UserError
from superglobal_core.methods.conformance.lacking import lacking
from superglobal_core.methods.folder import MethodFolder
from superglobal_core.own_endings import endings_told
from superglobal_core.reasons import KEY, CannotRunError, reason_in, reason_of, writable, write_reason
from superglobal_core.results import recorded

Result = TypeVar("Result")


def say(step: str, out: str | Path, reason: str, method: str | None = None) -> None:
    """Write a reason in place of the file `out`, and a record beside it that has it too."""
    reason = writable(reason)
    with recorded(step, out) as facts:
        write_reason(out, reason)
        facts.update(method=method, parameters={KEY: reason})


def passed_on(
    step: str, out: str | Path, inputs: Iterable[str | Path], method: str | None = None
) -> str | None:
    """Write the reason that an input says in place of the result, and return it; None where none does."""
    reason = next((found for path in inputs if (found := reason_in(path)) is not None), None)
    if reason is not None:
        say(step, out, reason, method)
    return reason


def attempted(
    step: str, out: str | Path, method: str, work: Callable[[], Result], say_why: bool
) -> Result | str:
    """Do a method's work; with `say_why` return and write the reason where it cannot.

    What is wrong with files and options is no method's fault, and remains an error.

    Raises:
        UserError: for those, and without `say_why` for all.
    """
    try:
        with endings_told():
            return work()
    except (CannotRunError, MissingPackageError, TooFewFeaturesError) as error:
        if not say_why:
            raise
        reason = reason_of(error)
    except UserError:
        raise
    except Exception as error:
        reason = reason_of(error)
        if not say_why:
            raise UserError(f"the method '{method}' cannot go on: {reason}") from error
        # The log has what its author needs.
        traceback.print_exc(file=sys.stderr)
    say(step, out, reason, method)
    return reason


def check_needs(method: MethodFolder, weights: Path | None) -> None:
    """Say what a method's folder needs and is not here (CannotRunError)."""
    reason = lacking(method.description.needs)
    if reason is None and method.description.needs.weights and weights is None:
        reason = "weights missing"
    if reason is not None:
        raise CannotRunError(reason)


def own_fault(work: Callable[..., Result], *arguments: Any) -> Result:
    """Do what a method's own files do: whatever goes wrong is then the method's fault (CannotRunError)."""
    try:
        return work(*arguments)
    except CannotRunError:
        raise
    except UserError as error:
        raise CannotRunError(str(error)) from error
