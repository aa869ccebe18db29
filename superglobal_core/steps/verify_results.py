"""The step `verify`: every metric of a results folder once more, from the stored rankings."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from superglobal_core.config import read_saved_suite
from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.evaluation.protocol import evaluate
from superglobal_core.files import load_array, read_json, sha256_of, write_json
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.reporting.collect import (
    Result,
    Study,
    found_unable,
    is_left_over,
    read_result,
    result_files,
)
from superglobal_core.reporting.sources import groundtruth_file, ranking_file, search_file
from superglobal_core.results import record_path
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.checked import Checked, Verification
from superglobal_core.steps.differences import Difference, figure_differences, same
from superglobal_core.steps.evaluate import TIES, ranking_inputs, scores_inputs
from superglobal_core.steps.verify_missing import missing_files, no_result, timings
from superglobal_core.steps.verify_ranking import ranking_differences, shortlist_differences
from superglobal_core.steps.verify_scale import scale_checks, scale_report_checks
from superglobal_core.steps.verify_tables import table_differences, unable_rows
from superglobal_core.steps.verify_variants import variant_checks


def verify_results(
    root: str | Path, report: str | Path | None = None, json: str | Path | None = None
) -> Verification:
    """Recompute every metric below `root` from the stored rankings and compare it with what is stored.

    Of ablations, sweeps, tunings and approximate searches, whose rankings are not kept, what their average
    precisions give; of sizes (`scale`), whether they agree with each other. What the suite asks for and is not
    there is named.

    Metrics must agree within 1e-12, counts and digests exactly. A reranking must hold its search's
    shortlist and everything behind it as it was; labelled images' ranks must agree with the places. A
    record's parameters and protocol must be those that the ranking names.
    report: a report's folder, whose `map.csv` and `scale.json` must hold the same figures and reasons. json: where to
    write all that was found.

    Raises:
        UserError: when there is no folder, no evaluation in it, or no `map.csv` in the report.
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
            if result is not None:
                results.append(result)
            elif (reason := no_result(path, root)) is not None:
                one.reasons.append(reason)
            else:
                continue
        checked.append(one)
    timed, damaged = timings(root)
    study = Study(root, suite, tuple(results), (), timed, tuple(found_unable(root)))
    verifier, by_source = _Verifier(study), {one.source: one for one in checked}
    for result in results:
        verifier.verify(result, by_source[result.source])
    checked += damaged
    variants = variant_checks(root)
    checked += [*variants, *scale_checks(root, suite, variants)]
    if not checked:
        raise UserError(f"{root} holds no evaluation to verify: name a folder of results")
    checked += missing_files(study, {one.source for one in checked})
    if report is not None:
        checked += scale_report_checks(Path(report), root, suite)
    # A suite of sizes alone has no table of methods.
    if report is not None and (results or suite is None or suite.datasets):
        # A report does not show what an earlier run left.
        shown = tuple(result for result in results if not is_left_over(result, suite))
        for source, differences in table_differences(Path(report), Study(root, suite, shown, ())).items():
            if source not in by_source and differences:
                checked.append(by_source.setdefault(source, Checked(source)))
            if differences:
                by_source[source].differences += differences
        checked += unable_rows(Path(report), study)
    done = Verification(tuple(checked))
    if json is not None:
        write_json(json, done.as_dict())
    return done


# Of a record's parameters and protocol, what the evaluation adds; the rest is the ranking's.
EVALUATED_WITH = ("bootstrap",)
EVALUATED = ("database", "images_left_out", "groundtruth_sha256")


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
    yield from _key_by_key("parameters", record.parameters, about.get("parameters", {}), EVALUATED_WITH)
    protocol = {"shortlist": "raw"} | about.get("protocol", {})
    protocol |= {name: about[name] for name in ("shortlist",) if name in about} | {"ties": TIES}
    yield from _key_by_key("protocol", record.protocol, protocol, EVALUATED)


def _key_by_key(
    what: str, stored: Mapping[str, Any], found: Mapping[str, Any], others: Collection[str]
) -> Iterator[Difference]:
    """Compare what a record says with what the ranking says of itself; `others` are the record's alone."""
    for key in sorted((set(stored) | set(found)) - set(others)):
        yield from same(f"{what}.{key} in the record", stored.get(key), found.get(key))


def _recorded(result: Result, role: str) -> Path | None:
    return next((Path(one.path) for one in result.record.inputs if one.role == role), None)
