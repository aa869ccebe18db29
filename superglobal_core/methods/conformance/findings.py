"""What a check finds: that all is well, what is wrong, or why it could not look."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

from superglobal_core.errors import UserError
from superglobal_core.own_endings import EndedError, endings_told

State = Literal["ok", "failed", "left out", "note"]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One check's outcome; `failed` alone means that the method does not conform."""

    check: str
    state: State
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.check}: {self.state}" + (f": {self.reason}" if self.reason else "")


class BrokenError(Exception):
    """What a method does not keep to."""


class LeftOutError(Exception):
    """Why a check cannot be made."""


class NotedError(Exception):
    """What is worth knowing, and no fault."""


def make_check(name: str, check: Callable[[], None]) -> Finding:
    """Run a check and say how it ended; whatever the method raises is a finding.

    >>> print(make_check("division", lambda: print(1 / 0)))
    division: failed: it ends with ZeroDivisionError: division by zero
    """
    try:
        with endings_told():
            check()
    except BrokenError as error:
        return Finding(name, "failed", str(error))
    except LeftOutError as error:
        return Finding(name, "left out", str(error))
    except NotedError as error:
        return Finding(name, "note", str(error))
    except (UserError, EndedError) as error:
        return Finding(name, "failed", " ".join(str(error).split()))
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        return Finding(name, "failed", f"it ends with {type(error).__name__}" + (f": {text}" if text else ""))
    return Finding(name, "ok")


def refused(what: str, run: Callable[[], object]) -> None:
    """Expect a UserError of a run that cannot go well (BrokenError where it does)."""
    try:
        run()
    except UserError:
        return
    except Exception as error:
        raise BrokenError(
            f"{what}: it ends with {type(error).__name__}: {error}: raise a UserError"
        ) from error
    raise BrokenError(f"{what}: it goes on without a word")
