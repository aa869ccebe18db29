"""The step `verify`: every metric of a results folder once more, from the stored rankings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from superglobal_core.config import read_saved_suite
from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.evaluation.protocol import evaluate
from superglobal_core.files import load_array, read_json, sha256_of, write_json
from superglobal_core.reporting.collect import (
    PROTOCOL_NAMES,
    Result,
    Study,
    is_left_over,
    read_result,
    result_files,
)
from superglobal_core.reporting.sources import groundtruth_file, ranking_file, search_file
from superglobal_core.results import record_path
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.differences import Difference, figure_differences, same
from superglobal_core.steps.evaluate import ranking_inputs, scores_inputs
from superglobal_core.steps.verify_ranking import ranking_differences, shortlist_differences
from superglobal_core.steps.verify_tables import table_differences

SHOWN = 3  # differences of one result in its line; all are in the JSON
OK, DISAGREES, UNCHECKED = "ok", "disagrees", "cannot be checked"


@dataclasses.dataclass
class Checked:
    """What was found about one file: what disagrees, why something cannot be checked, and what was not."""

    source: str
    differences: list[Difference] = dataclasses.field(default_factory=list)
    reasons: list[str] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    @property
    def state(self) -> str:
        return DISAGREES if self.differences else UNCHECKED if self.reasons else OK

    def __str__(self) -> str:
        shown = [*map(str, self.differences[:SHOWN])]
        if len(self.differences) > SHOWN:
            shown.append(f"and {len(self.differences) - SHOWN} more differences")
        shown += [f"cannot be checked further: {reason}" for reason in self.reasons if shown]
        shown = shown or self.reasons
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


def verify_results(
    root: str | Path, report: str | Path | None = None, json: str | Path | None = None
) -> Verification:
    """Recompute every metric below `root` from the stored rankings and compare it with what is stored.

    Metrics must agree within 1e-12, counts and digests exactly. A reranking must hold its search's
    shortlist and everything behind it as it was; labelled images' ranks must agree with the places.
    report: a report's folder, whose `map.csv` must hold the same figures. json: where to write all that
    was found.

    Raises:
        UserError: when there is no folder, no evaluation in it, or no table in the report.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"there is no folder of results {root}: name the one a suite was computed in")
    suite = read_saved_suite(root / "suite.json") if (root / "suite.json").is_file() else None
    checked, results = [], []
    for path in result_files(root):
        one = Checked(path.relative_to(root).as_posix())
        try:
            result = read_result(path, root)
        except UserError as error:
            one.reasons.append(str(error))
        else:
            if result is None:
                continue
            results.append(result)
        checked.append(one)
    if not checked:
        raise UserError(f"{root} holds no evaluation to verify: name a folder of results")
    study = Study(root, suite, tuple(results), ())
    verifier, by_source = _Verifier(study), {one.source: one for one in checked}
    for result in results:
        verifier.verify(result, by_source[result.source])
    if report is not None:
        # A report does not show what an earlier run left.
        shown = tuple(result for result in results if not is_left_over(result, suite))
        for source, differences in table_differences(Path(report), Study(root, suite, shown, ())).items():
            if source not in by_source and differences:
                checked.append(by_source.setdefault(source, Checked(source)))
            if differences:
                by_source[source].differences += differences
    done = Verification(tuple(checked))
    if json is not None:
        write_json(json, done.as_dict())
    return done


class _Verifier:
    """Verifies results one after the other; ground truths and searches are read once."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._truths: dict[Path, tuple[GroundTruth, str]] = {}
        self._searches: dict[Path, tuple[Ranking, str, list[Difference]]] = {}

    def verify(self, result: Result, found: Checked) -> None:
        try:
            truth, sha256 = self._truth(result)
            recorded = result.record.protocol.get("groundtruth_sha256")
            if recorded is None:
                found.notes.append("the ground truth's digest was not recorded")
            elif recorded != sha256:
                found.differences.append(Difference("sha256 of the ground truth", recorded, sha256))
                found.reasons.append("it was evaluated with another ground truth")
                return
            self._figures(result, truth, sha256, found)
        except UserError as error:
            found.reasons.append(str(error))
        except (ValueError, IndexError, KeyError, TypeError) as error:
            # Arrays that do not belong together raise nearly anything.
            found.reasons.append(f"its ranking contradicts itself ({type(error).__name__}: {error})")

    def _figures(self, result: Result, truth: GroundTruth, sha256: str, found: Checked) -> None:
        path, role = self._judged(result)
        self._compare_digest(result, role, path, found)
        if role == "scores":
            inputs: dict[str, Any] = scores_inputs(path, truth)
        elif path.suffix == ".npz":
            ranking = Ranking.load(path)
            inputs = ranking_inputs(ranking, truth, str(path), sha256)
            found.differences += _facts(result, ranking)
            found.differences += ranking_differences(ranking)
            self._shortlist(result, ranking, path, truth, found)
        else:
            inputs = {"ranking": load_array(path, mmap=True)}
        resamples, stored = result.record.parameters.get("bootstrap"), result.evaluation
        known = isinstance(resamples, int)
        if not known:
            found.notes.append("intervals were not recomputed: the number of resamples was not recorded")
        figures = evaluate(
            truth.queries,
            **inputs,
            bootstrap=resamples if isinstance(resamples, int) else 0,
            seed=result.record.seed or 0,
        )
        for protocol in PROTOCOL_NAMES:
            old, new = stored.figures(protocol), figures[protocol]
            new = new if known else dataclasses.replace(new, interval=old.map_interval_95)
            found.differences += figure_differences(protocol, old, new)

    def _truth(self, result: Result) -> tuple[GroundTruth, str]:
        path = groundtruth_file(self._study, result.dataset) or _recorded(result, "ground truth")
        if path is None:
            raise UserError("its ground truth is not at hand")
        if path not in self._truths:
            self._truths[path] = load_groundtruth(path), sha256_of(path)
        return self._truths[path]

    def _judged(self, result: Result) -> tuple[Path, str]:
        """The file that was evaluated, and whether it holds a ranking or scores."""
        path = ranking_file(self._study, result)
        if path is not None:
            return path, "ranking"
        layout = f"evaluation/{result.descriptor}/{result.dataset}/{result.variant}/{result.method}.json"
        # A suite's ranking lies beside its results; by hand it may lie anywhere.
        for role in () if result.source == layout else ("ranking", "scores"):
            path = _recorded(result, role)
            if path is not None and path.is_file():
                return path, role
        raise UserError("the ranking that it evaluates is not there: make it again")

    def _compare_digest(self, result: Result, role: str, path: Path, found: Checked) -> None:
        recorded = next((one.sha256 for one in result.record.inputs if one.role == role), None)
        if recorded is None:
            found.notes.append("the ranking's digest was not recorded")
        else:
            found.differences += same(f"sha256 of the {role}", recorded, sha256_of(path))

    def _shortlist(
        self, result: Result, ranking: Ranking, path: Path, truth: GroundTruth, found: Checked
    ) -> None:
        searched = search_file(self._study, result)
        if path == searched:
            return
        if not searched.is_file():
            found.notes.append("shortlists were not compared: the search is not there")
            return
        if "database_digest" not in ranking.about or "shortlist" not in ranking.about.get("parameters", {}):
            found.notes.append("shortlists were not compared: the ranking does not say which it had")
            return
        if searched not in self._searches:
            first = Ranking.load(searched)
            self._searches[searched] = first, sha256_of(searched), [*ranking_differences(first, "search")]
        first, sha256, differences = self._searches[searched]
        found.differences += differences
        found.differences += shortlist_differences(ranking, first, truth)
        if record_path(path).is_file():
            inputs = read_json(record_path(path)).get("inputs", [])
            recorded = next((one["sha256"] for one in inputs if one["role"] == "search"), None)
            found.differences += same("sha256 of the search", recorded or sha256, sha256)


def _facts(result: Result, ranking: Ranking) -> Iterator[Difference]:
    record, about = result.record, ranking.about
    for name, stored in (
        ("method", record.method),
        ("distractors", record.distractors),
        ("descriptor", record.descriptor),
        ("database", record.protocol.get("database")),
        ("images_left_out", record.protocol.get("images_left_out")),
    ):
        yield from same(f"{name} in the record", stored, about.get(name))


def _recorded(result: Result, role: str) -> Path | None:
    return next((Path(one.path) for one in result.record.inputs if one.role == role), None)
