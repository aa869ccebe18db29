"""What verifying found, file by file, and how it is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from superglobal_core.steps.differences import Difference

SHOWN = 3  # differences of one result in its line; all are in the JSON
OK, DISAGREES, UNCHECKED = "ok", "disagrees", "cannot be checked"


@dataclasses.dataclass
class Checked:
    """What was found about one file: what disagrees, why something cannot be checked, and what was not."""

    source: str
    differences: list[Difference] = dataclasses.field(default_factory=list)
    reasons: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)
    said: str = ""  # of what agrees: why it has no figures

    @property
    def state(self) -> str:
        return DISAGREES if self.differences else UNCHECKED if self.reasons else OK

    def __str__(self) -> str:
        shown = [*map(str, self.differences[:SHOWN])]
        if len(self.differences) > SHOWN:
            shown.append(f"and {len(self.differences) - SHOWN} more differences")
        shown += [f"cannot be checked further: {reason}" for reason in self.reasons if shown]
        shown = shown or self.reasons or [self.said][: bool(self.said)]
        return f"{self.state:18} {self.source}" + (f": {'; '.join(shown)}" if shown else "")


@dataclasses.dataclass(frozen=True)
class Verification:
    """What was found about a results folder."""

    checked: tuple[Checked, ...]

    @property
    def agrees(self) -> bool:
        """Whether everything was checked and nothing disagrees."""
        return all(one.state == OK for one in self.checked)

    def lines(self) -> Iterator[str]:
        """Yield one line a result, the notes, and a summary."""
        yield from map(str, self.checked)
        for note in dict.fromkeys(note for one in self.checked for note in one.notes):
            count = sum(note in one.notes for one in self.checked)
            yield f"note: {note} ({count} of {len(self.checked)})"
        counts = {state: sum(one.state == state for one in self.checked) for state in (DISAGREES, UNCHECKED)}
        good = len(self.checked) - sum(counts.values())
        yield f"{good} agree, {counts[DISAGREES]} disagree, {counts[UNCHECKED]} cannot be checked"

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        results = [dataclasses.asdict(one) | {"state": one.state} for one in self.checked]
        return {"agrees": self.agrees, "results": results}
