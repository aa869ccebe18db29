"""Methods that could not run: what the tables show in place of their figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from superglobal_core.availability import PLAIN, WITH_DISTRACTORS
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import Study, Unable
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.study import Group, known_unable


def unable_methods(study: Study) -> list[Unable]:
    """List what could not run, in the suite's order: known from the suite, then found while running."""
    found = {(each.dataset, each.descriptor, each.variant, each.method): each for each in study.unable}
    if study.suite is None:
        return list(found.values())
    known = {(each.dataset, each.descriptor, each.variant, each.method): each for each in known_unable(study)}
    done = {(result.dataset, result.descriptor, result.variant, result.method) for result in study.results}
    order = [
        (dataset, descriptor, variant, method)
        for dataset in study.suite.datasets
        for descriptor in study.suite.descriptors
        for variant in (PLAIN, WITH_DISTRACTORS)
        for method in study.suite.methods
    ]
    both = known | found
    return [both[key] for key in order if key in both and key not in done]


def unable_of(group: Group, unable: Sequence[Unable]) -> list[Unable]:
    """List those that belong beside a group's results."""
    names = (group.dataset, group.descriptor, group.variant)
    return [each for each in unable if (each.dataset, each.descriptor, each.variant) == names]


def unable_csv_rows(unable: Sequence[Unable], labels: Labels) -> list[dict[str, object]]:
    """Return rows for map.csv: names and the reason, figures empty."""
    return [
        {
            "dataset": each.dataset,
            "dataset_label": labels.dataset(each.dataset),
            "distractors": 0 if each.variant == PLAIN else None,
            "descriptor": each.descriptor,
            "descriptor_label": labels.descriptor(each.descriptor),
            "method": each.method,
            "method_label": labels.named(each.method),
            "cannot_run": each.reason,
        }
        for each in unable
    ]


def unable_rows(unable: Sequence[Unable], labels: Labels) -> Iterator[list[str]]:
    """Yield rows for map.md and map.tex: the reason beside the method's name, dashes for the figures."""
    for each in unable:
        yield [
            labels.dataset(each.dataset),
            "0" if each.variant == PLAIN else "with",
            labels.descriptor(each.descriptor),
            f"{labels.named(each.method)} (cannot run: {each.reason})",
            *[texts.ABSENT] * len(PROTOCOL_NAMES),
        ]


def unable_remarks(unable: Sequence[Unable], groups: Sequence[Group], labels: Labels) -> list[str]:
    """Say what could not run where no table has a place for it: no method of its descriptor could."""
    places = {(group.dataset, group.descriptor, group.variant) for group in groups}
    alone: dict[tuple[str, str, str], list[str]] = {}
    for each in unable:
        if (each.dataset, each.descriptor, each.variant) not in places:
            key = (each.dataset, each.descriptor, each.reason)
            alone.setdefault(key, []).append(labels.named(each.method))
    return [
        f"On {labels.dataset(dataset)} with {labels.descriptor(descriptor)} nothing could run: {reason} "
        f"({', '.join(dict.fromkeys(methods))})."
        for (dataset, descriptor, reason), methods in alone.items()
    ]
