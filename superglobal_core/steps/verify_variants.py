"""Ablations, sweeps, tunings and approximate searches once more, from the average precisions in their files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from superglobal_core.ablation_record import read_ablation
from superglobal_core.approximate_record import read_approximate
from superglobal_core.errors import UserError
from superglobal_core.evaluation.bootstrap import confidence_interval
from superglobal_core.files import finished_files, read_json
from superglobal_core.measured_values import PROTOCOL_NAMES, mean
from superglobal_core.parameter_results import Difference as PointsDifference
from superglobal_core.parameter_results import TuningSide
from superglobal_core.reasons import reason_in
from superglobal_core.reporting.parameters_page import StoredSweep, StoredTuning
from superglobal_core.steps.checked import Checked
from superglobal_core.steps.differences import Difference, close, interval_differences, same
from superglobal_core.steps.tune import difference_of
from superglobal_core.stored_models import read_stored

PATTERNS = ("ablation/*/*.json", "sweeps/*/*/*.json", "tuning/*.json", "approximate/**/*.json")
POINTS_TOLERANCE = 1e-9  # of differences in points
AS_STORED = (
    "average precisions were taken as stored: the rankings of ablations, sweeps, tunings and approximate searches "
    "are not kept"
)
NO_RESAMPLES = "intervals were not recomputed: the number of resamples was not recorded"


def variant_checks(root: Path) -> list[Checked]:
    """Check every file of an ablation, sweep, tuning or approximate search below `root`, ordered by name."""
    paths = [path for pattern in PATTERNS for path in finished_files(root, pattern)]
    # Beside a reason for having nothing lies a record.
    return [_check(path, root) for path in paths if not path.name.endswith(".record.json")]


def _check(path: Path, root: Path) -> Checked:
    found = Checked(path.relative_to(root).as_posix(), notes=[AS_STORED])
    try:
        content = read_json(path)
        if content in ({}, []):
            found.reasons.append("empty: make it again")
            return found
        if (reason := reason_in(path)) is not None:
            return Checked(found.source, said=f"could not run: {reason}")
        record = content.get("record") if isinstance(content, Mapping) else None
        found.differences += _figures(content, "", record or {}, found)
    except (UserError, TypeError, ValueError, AttributeError) as error:
        found.reasons.append(str(error))
        return found
    try:
        _read(path, found)
    except UserError as error:
        # A mean that is none has been named already.
        if not found.differences:
            found.reasons.append(str(error))
    return found


def _read(path: Path, found: Checked) -> None:
    folder = found.source.split("/")[0]
    if folder == "ablation":
        read_ablation(path)
    elif folder == "approximate":
        read_approximate(path)
    elif folder == "sweeps":
        read_stored(path, StoredSweep)
    else:
        tuning = read_stored(path, StoredTuning)
        seed = tuning.record.seed or 0
        found.differences += _tuned("tuned_on", tuning.tuned_on, seed, tested=False)
        found.differences += _tuned("reported_on", tuning.reported_on, seed, tested=True)


def _figures(content: object, where: str, record: Mapping[str, Any], found: Checked) -> Iterator[Difference]:
    """Yield what is wrong with the means and intervals anywhere in a file, by where they stand."""
    if isinstance(content, list):
        for number, entry in enumerate(content):
            yield from _figures(entry, f"{where}{number}.", record, found)
    if not isinstance(content, Mapping):
        return
    values = content.get("average_precision")
    if isinstance(values, Mapping):
        for name, one in values.items():
            yield from close(f"{where}map.{name}", content["map"].get(name), mean(one))
        yield from same(f"{where}map, protocols", sorted(content["map"]), sorted(values))
    elif isinstance(values, list):
        yield from close(f"{where}map", content.get("map"), mean(values))
        known = [value for value in values if value is not None]
        yield from same(f"{where}queries_with_positives", content.get("queries_with_positives"), len(known))
        resamples = (record.get("parameters") or {}).get("bootstrap")
        if isinstance(resamples, int):
            interval = confidence_interval(known, resamples, seed=record.get("seed") or 0)
            stored = content.get("map_interval_95")
            yield from interval_differences(f"{where}map_interval_95", stored, interval)
        elif NO_RESAMPLES not in found.notes:
            found.notes.append(NO_RESAMPLES)
    else:
        for key, entry in content.items():
            if key != "record":
                yield from _figures(entry, f"{where}{key}.", record, found)


def _tuned(what: str, side: TuningSide, seed: int, tested: bool) -> Iterator[Difference]:
    for name in PROTOCOL_NAMES:
        before, after = (one.average_precision.get(name, []) for one in (side.untuned, side.tuned))
        where = f"{what}.difference.{name}"
        if len(before) != len(after) or len(after) != len(side.queries):
            yield Difference(
                f"{what}, queries under {name}", f"{len(before)} and {len(after)}", len(side.queries)
            )
            continue
        stored, again = side.difference.get(name), difference_of(before, after, seed, tested)
        yield from close(f"{where}.points", *_both("points", stored, again), tolerance=POINTS_TOLERANCE)
        yield from close(f"{where}.p_value", *_both("p_value", stored, again))
        yield from interval_differences(
            f"{where}.interval", *_both("interval", stored, again), tolerance=POINTS_TOLERANCE
        )


def _both(name: str, stored: PointsDifference | None, again: PointsDifference | None) -> tuple[Any, Any]:
    return getattr(stored, name, None), getattr(again, name, None)
