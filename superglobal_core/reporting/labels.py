"""The names that readers see."""

from __future__ import annotations

from superglobal_core.availability import WITH_DISTRACTORS
from superglobal_core.config import Dataset, Suite
from superglobal_core.reporting.collect import Result
from superglobal_core.reporting.study import Group, agree_on_distractors
from superglobal_core.reporting.texts import count

SINGLE_STAGE = "single stage"


class Labels:
    """The names that readers see, from the suite where it has them."""

    def __init__(self, suite: Suite | None) -> None:
        self._suite = suite

    def dataset(self, name: str) -> str:
        """Return a data set's label; a drawn one always says so."""
        data = self._dataset(name)
        label = (data and data.label) or name
        return f"{label} (synthetic)" if data and data.synthetic else label

    def is_synthetic(self, name: str) -> bool | None:
        """Whether a data set was drawn; None when there is no suite that says."""
        data = self._dataset(name)
        return None if data is None else data.synthetic is not None

    def descriptor(self, name: str) -> str:
        entry = self._suite.descriptors.get(name) if self._suite else None
        return (entry and entry.label) or name

    def method(self, result: Result) -> str:
        entry = self._suite.methods.get(result.method) if self._suite else None
        if entry and entry.label:
            return entry.label
        return SINGLE_STAGE if result.is_single_stage and not self._suite else result.method

    def named(self, method: str) -> str:
        """Return a method's label by its name in the suite."""
        entry = self._suite.methods.get(method) if self._suite else None
        return (entry and entry.label) or method

    def distractors(self, result: Result) -> str:
        """Say how many distractors were really searched, not how many were wanted."""
        number = result.record.distractors
        if number is None:
            return (
                "with distractors, how many is not recorded"
                if result.variant == WITH_DISTRACTORS
                else "number of distractors not recorded"
            )
        return self.searched(number)

    @staticmethod
    def searched(distractors: int) -> str:
        """Say how many distractors were in a database."""
        return "without distractors" if distractors == 0 else f"with {count(distractors)} distractors"

    def distractors_of(self, group: Group) -> str:
        """Say how many distractors a group's results searched: once where they agree, each otherwise."""
        if agree_on_distractors(group):
            return self.distractors(group.results[0])
        return "; ".join(f"{self.method(result)} {self.distractors(result)}" for result in group.results)

    def group(self, group: Group) -> str:
        return " · ".join(
            (
                self.dataset(group.dataset),
                self.descriptor(group.descriptor),
                self.distractors_of(group),
            )
        )

    def _dataset(self, name: str) -> Dataset | None:
        return self._suite.datasets.get(name) if self._suite else None
