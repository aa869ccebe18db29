"""Which comparisons of approximate indexes a suite makes."""

from __future__ import annotations

from superglobal_core.availability import PLAIN, WITH_DISTRACTORS, descriptor_missing, has_distractors
from superglobal_core.config import Suite


def approximate_files(suite: Suite) -> list[str]:
    """List the files that a suite's keys `approximate` make, relative to its folder of results.

    One a descriptor and data set, of the largest database that they have, and those of `scale`.
    """
    grown = suite.scale.indexed_files() if suite.scale else []
    if suite.approximate is None:
        return grown
    return [
        f"approximate/{descriptor}/{dataset}/{_largest(suite, descriptor, dataset)}.json"
        for descriptor in suite.descriptors
        for dataset in suite.datasets
        if descriptor_missing(suite, descriptor, dataset) is None
    ] + grown


def _largest(suite: Suite, descriptor: str, dataset: str) -> str:
    searched = bool(suite.distractors) and has_distractors(suite, descriptor, dataset)
    return WITH_DISTRACTORS if searched else PLAIN
