"""The page of parameters: the reranking over grids of M, K and beta, and tuned against reported figures."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence

from superglobal_core.availability import PLAIN
from superglobal_core.files import finished_files
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.parameter_results import Accuracy, Protocol, RerankingParameters, Setting, Sweep, Tuning
from superglobal_core.reporting import texts
from superglobal_core.reporting.collect import StoredRecord, Study
from superglobal_core.reporting.drawing import Figure
from superglobal_core.reporting.heat_maps import LETTERS, MAPS, SHOWN, heat_map
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.shell import Page, Part
from superglobal_core.reporting.study import Group
from superglobal_core.reporting.table_formats import to_csv
from superglobal_core.stored_models import read_stored

PAGE = Page("parameters.html", "Parameters")
# Points; what is less is written 0.00.
LEAST_LOSS = 0.005


class StoredSweep(Sweep):
    """A sweep as read."""

    record: StoredRecord


class StoredTuning(Tuning):
    """A tuning as read."""

    record: StoredRecord


@dataclasses.dataclass(frozen=True)
class SweepView:
    """One sweep as the page shows it; source: its file, relative to the results folder."""

    title: str
    source: str
    sweep: Sweep
    rows: tuple[tuple[str, str, Accuracy], ...]  # what, with which parameters, figures
    charts: tuple[Figure, ...]


@dataclasses.dataclass(frozen=True)
class TuningView:
    """One tuning as the page shows it; source: its file, relative to the results folder."""

    title: str
    source: str
    tuning: Tuning
    sentence: str


def parameters_part(study: Study, groups: Sequence[Group], labels: Labels) -> Part | None:
    """Return the page of a study's `sweeps/` and `tuning/`, None where there are neither.

    Raises:
        UserError: when a file of them is damaged.
    """
    sweeps, tunings = list(_sweeps(study)), list(_tunings(study))
    if not sweeps and not tunings:
        return None
    views: list[SweepView] = []
    figures: list[Figure] = []
    for number, (descriptor, dataset, variant, sweep) in enumerate(sweeps, 1):
        title = (
            f"{labels.dataset(dataset)} · {labels.descriptor(descriptor)} · {_distractors(sweep, variant)}"
        )
        stem = _stem("-".join((descriptor, dataset, *([] if variant == PLAIN else [variant]))))
        charts = tuple(_charts(f"grid-{number}-{stem}", title, sweep))
        figures += charts
        views.append(
            SweepView(
                title,
                f"sweeps/{descriptor}/{dataset}/{variant}.json",
                sweep,
                tuple(_rows(sweep)),
                charts,
            )
        )
    files = {}
    if sweeps:
        content = "mAP at every combination of M, K and beta, as CSV"
        files["parameters.csv"] = (to_csv([row for each in sweeps for row in _grid_rows(*each)]), content)
    if tunings:
        content = "figures of tuned and of default parameters, on the queries tuned on and on others, as CSV"
        rows = [row for name, tuning in tunings for row in _tuning_rows(name, tuning)]
        files["tuning.csv"] = (to_csv(rows), content)
    content_of_page = {
        "sweeps": views,
        "tunings": [_tuning_view(name, tuning, labels) for name, tuning in tunings],
        "labels": labels,
        "shown": SHOWN,
        "described": described,
        "p_value": p_value,
        "downloads": [(name, content) for name, (_, content) in files.items()],
    }
    return Part(PAGE, "parameters.html.j2", content_of_page, files, figures)


def described(setting: RerankingParameters) -> str:
    """Say a setting in a few words.

    >>> described(RerankingParameters(shortlist=400, neighbours=9, beta=0.15))
    'M = 400, K = 9, beta = 0.15'
    """
    text = ", ".join(f"{letter} = {getattr(setting, name):g}" for name, letter in LETTERS.items())
    if isinstance(setting, Setting) and setting.exponents:
        values = setting.exponents
        text += "; " + ", ".join(f"{name} = {value:g}" for name, value in values.items())
    return text


def p_value(value: float | None) -> str:
    """Return a p-value as readers see it.

    >>> p_value(0.0402), p_value(0.00004)
    ('0.040', 'under 0.001')
    """
    if value is None:
        return texts.ABSENT
    return "under 0.001" if value < 0.001 else f"{value:.3f}"


def _sweeps(study: Study) -> Iterator[tuple[str, str, str, Sweep]]:
    for path in finished_files(study.root / "sweeps", "*/*/*.json"):
        descriptor, dataset, variant = path.relative_to(study.root / "sweeps").with_suffix("").parts
        yield descriptor, dataset, variant, read_stored(path, StoredSweep)


def _tunings(study: Study) -> Iterator[tuple[str, Tuning]]:
    for path in finished_files(study.root / "tuning", "*.json"):
        yield path.stem, read_stored(path, StoredTuning)


def _charts(stem: str, title: str, sweep: Sweep) -> Iterator[Figure]:
    for down, across, held in MAPS:
        letters = LETTERS[down], LETTERS[across]
        figure = heat_map(
            f"{stem}-{'-'.join(letters)}",
            f"mAP over {' and '.join(letters)}: {title}",
            sweep,
            down,
            across,
            held,
        )
        if figure is not None:
            yield figure


def _rows(sweep: Sweep) -> Iterator[tuple[str, str, Accuracy]]:
    yield "Single stage", "", sweep.single_stage
    for point in sweep.points:
        if all(getattr(point, name) == getattr(sweep.defaults, name) for name in LETTERS):
            yield "The release's values", described(point), point
    for protocol in SHOWN:
        known = [point for point in sweep.points if point.map[protocol] is not None]
        if known:
            best = max(known, key=lambda point: point.map[protocol] or 0)  # the first of equally good ones
            yield f"Best of the grid by {protocol.capitalize()}", described(best), best


def _grid_rows(descriptor: str, dataset: str, variant: str, sweep: Sweep) -> Iterator[dict[str, object]]:
    for point in sweep.points:
        yield {
            "descriptor": descriptor,
            "dataset": dataset,
            "distractors": sweep.record.distractors,
            **{LETTERS[name]: getattr(point, name) for name in LETTERS},
            **{f"{protocol}_map_percent": _percent(point.map[protocol]) for protocol in PROTOCOL_NAMES},
        }


def _tuning_view(name: str, tuning: Tuning, labels: Labels) -> TuningView:
    one, other = labels.dataset(tuning.tuned_on.dataset), labels.dataset(tuning.reported_on.dataset)
    elsewhere = "" if one == other else f"{other}, "
    title = (
        f"{name}: tuned on {one}, {tuning.tuned_on.part}; reported on {elsewhere}{tuning.reported_on.part}"
    )
    return TuningView(title, f"tuning/{name}.json", tuning, _gain(tuning))


def _gain(tuning: Tuning) -> str:
    protocol: Protocol = tuning.criterion
    there, here = tuning.tuned_on.difference[protocol], tuning.reported_on.difference[protocol]
    if there is None or here is None:
        return (
            "One of the two sides has no query with positives under the criterion: nothing can be compared."
        )
    text = (
        f"On the queries it was chosen by, the tuned setting changes mAP {protocol.capitalize()} by "
        f"{texts.points(there.points)} points; on the others by {texts.points(here.points)}. "
    )
    if tuning.tuned == tuning.untuned:
        return text + "The defaults were the best of the settings tried: nothing was changed."
    if there.points < -LEAST_LOSS:
        return text + (
            "It is worse than the untuned one by the very queries it was chosen by, so that the untuned one was not "
            "among the settings tried: no choice was made between the two."
        )
    if here.points < -LEAST_LOSS:
        text += "On the others it is worse than the untuned one. "
    lost = there.points - here.points
    if lost > LEAST_LOSS:
        return text + (
            f"A report of the first figure alone would have promised {lost:.2f} points more than the others show."
        )
    if abs(there.points) <= LEAST_LOSS and abs(here.points) <= LEAST_LOSS:
        return text + "Neither differs from the untuned one's."
    return text + "The others show no less than the queries it was chosen by."


def _tuning_rows(name: str, tuning: Tuning) -> Iterator[dict[str, object]]:
    for what, side in (("tuned on", tuning.tuned_on), ("reported on", tuning.reported_on)):
        for protocol in PROTOCOL_NAMES:
            difference = side.difference[protocol]
            low, high = (difference and difference.interval) or (None, None)
            yield {
                "tuning": name,
                "side": what,
                "dataset": side.dataset,
                "part": side.part,
                "queries": len(side.queries),
                "distractors": side.distractors,
                "criterion": tuning.criterion,
                "settings_tried": tuning.settings_tried,
                "tuned_setting": f"{tuning.tuned.descriptor}: {described(tuning.tuned)}",
                "untuned_setting": f"{tuning.untuned.descriptor}: {described(tuning.untuned)}",
                "protocol": protocol,
                "untuned_map_percent": _percent(side.untuned.map[protocol]),
                "tuned_map_percent": _percent(side.tuned.map[protocol]),
                "difference_points": None if difference is None else round(difference.points, 10),
                "difference_low_points": None if low is None else round(low, 10),
                "difference_high_points": None if high is None else round(high, 10),
                "p_value": None if difference is None else difference.p_value,
            }


def _distractors(sweep: Sweep, variant: str) -> str:
    number = sweep.record.distractors
    if number is None:
        return "without distractors" if variant == PLAIN else "with distractors, how many is not recorded"
    return "without distractors" if number == 0 else f"with {texts.count(number)} distractors"


def _percent(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 10)


def _stem(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:60]
