"""What a method needs and this machine lacks, and what the method says when it is so."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Callable, Iterator

import torch

from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError
from superglobal_core.methods.conformance.findings import BrokenError
from superglobal_core.methods.folder import Needs


def lacking(needs: Needs) -> str | None:
    """Say which package or device that a method needs is not here; None when nothing is missing.

    >>> lacking(Needs(packages=["json", "no_such_package"]))
    'package no_such_package missing'
    """
    for package in needs.packages:
        if not _is_installed(package):
            return f"package {package} missing"
    if needs.gpu and choose_device("auto").type != "cuda":
        return "it needs a GPU, and there is none"
    return None


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


@contextlib.contextmanager
def without_gpu() -> Iterator[None]:
    """Hide the GPU where there is one, and let what uses it all the same say that it does.

    >>> with without_gpu():
    ...     torch.zeros(1).cuda()
    Traceback (most recent call last):
    ...
    superglobal_core.errors.UserError: it uses a GPU, and does not say that it needs one: needs.gpu
    """
    hidden = {"is_available": lambda: False, "_lazy_init": _refuse_gpu}
    kept = {name: getattr(torch.cuda, name) for name in hidden}
    try:
        for name, function in hidden.items():
            setattr(torch.cuda, name, function)
        yield
    finally:
        for name, function in kept.items():
            setattr(torch.cuda, name, function)


def _refuse_gpu() -> None:
    raise UserError("it uses a GPU, and does not say that it needs one: needs.gpu")


def check_absent_packages(needs: Needs, run: Callable[[], object]) -> None:
    """Hide each package that a method needs, and see that it says so in a sentence.

    run: makes the method and runs it. A package that it can do without is none that it needs.

    Raises:
        BrokenError: when it goes on, or ends with anything but a UserError that names the package.
    """
    for package in needs.packages:
        with _hidden(package):
            try:
                run()
            except UserError as error:
                if package in str(error):
                    continue
                raise BrokenError(
                    f"without the package {package} it says something else: {' '.join(str(error).split())}"
                ) from error
            except Exception as error:
                raise BrokenError(
                    f"without the package {package} it ends with {type(error).__name__}: {error}: "
                    "raise a UserError that says how to install it"
                ) from error
        raise BrokenError(f"it runs without the package {package}, which it says it needs")


@contextlib.contextmanager
def _hidden(package: str) -> Iterator[None]:
    loaded = {
        name: module
        for name, module in sys.modules.items()
        if name == package or name.startswith(f"{package}.")
    }
    try:
        for name in loaded:
            del sys.modules[name]
        sys.modules[package] = None  # type: ignore[assignment]
        yield
    finally:
        del sys.modules[package]
        sys.modules.update(loaded)
