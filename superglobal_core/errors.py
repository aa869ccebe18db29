"""The one exception that is meant for users."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches


class UserError(Exception):
    """Something the user can mend: the message says what is wrong, where, and what to do.

    The command line prints the message alone, in one line, and ends with exit code 2.

    >>> raise UserError("k is 0: ask for at least one result (--k 1 or more)")
    Traceback (most recent call last):
    ...
    superglobal_core.errors.UserError: k is 0: ask for at least one result (--k 1 or more)
    """


@contextlib.contextmanager
def naming(path: object) -> Iterator[None]:
    """Begin the message of a UserError that the block raises with the file it is about, unless it names it.

    >>> with naming("ranks.npy"):
    ...     raise UserError("2 rows for 3 queries: give one row a query")
    Traceback (most recent call last):
    ...
    superglobal_core.errors.UserError: ranks.npy: 2 rows for 3 queries: give one row a query
    """
    try:
        yield
    except UserError as error:
        if str(path) not in str(error):
            error.args = (f"{path}: {error}", *error.args[1:])
        raise


class MissingPackageError(UserError):
    """A package that only some uses need is not installed: the message says how to install it."""


class TooFewFeaturesError(UserError):
    """The images that were given have too few local features for a method to learn from."""


def name_list(names: Iterable[object], limit: int = 8) -> str:
    """Join names for a message, at most `limit` of them, and say how many more there are.

    >>> name_list(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    shown = [str(name) for name in names]
    rest = len(shown) - limit
    return ", ".join(shown[:limit]) + (f" and {rest} more" if rest > 0 else "")


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
    """Build the error for a name that is not in a list: it shows the list and the nearest entry.

    >>> str(unknown_name("method", "superglobl", ["none", "superglobal"]))
    "unknown method 'superglobl': choose from none, superglobal (did you mean 'superglobal'?)"
    """
    known = sorted(known)
    near = get_close_matches(name, known, n=1)
    hint = f" (did you mean '{near[0]}'?)" if near else ""
    return UserError(f"unknown {kind} '{name}': choose from {', '.join(known)}{hint}")
