"""One thing looked at."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Sequence
from typing import Literal

State = Literal["ok", "missing", "absent"]
LONGEST_ANSWER_S = 10


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing looked at: whether it is there, what was found, and the command that would add it.

    needed: without it the suite `mini` does not run; what is not needed is `absent`, not `missing`.
    """

    name: str
    ok: bool
    found: str
    advice: str = ""
    needed: bool = True

    @property
    def state(self) -> State:
        """In a word: ok, missing, or absent (and not needed for everything).

        >>> Finding("gpu", False, "none usable", needed=False).state
        'absent'
        """
        return "ok" if self.ok else "missing" if self.needed else "absent"

    def lines(self) -> list[str]:
        """Return it for people: one line, and the advice where there is something to do."""
        shown = [f"{self.state:8} {self.name:14} {self.found}"]
        if not self.ok and self.advice:
            shown.append(f"{'':23} {self.advice}")
        return shown

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        advice = None if self.ok or not self.advice else self.advice
        return {"name": self.name, "state": self.state, "found": self.found, "advice": advice}


def answer(command: Sequence[str]) -> str | None:
    """Return what a program says on stdout; None where it is absent, fails, or does not answer in time.

    >>> answer(["no-such-program"]) is None
    True
    """
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_ANSWER_S, errors="replace", check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
