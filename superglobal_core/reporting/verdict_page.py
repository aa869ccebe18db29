"""The page `Reproduced?`: every published figure beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from superglobal_core.reporting.ablation_effects import measured_effects
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.shell import Page, Part
from superglobal_core.reporting.speed import speed_groups
from superglobal_core.reporting.study import Group
from superglobal_core.reporting.verdict_measures import (
    measured_memory,
    measured_results,
    measured_speedups,
)
from superglobal_core.reporting.verdict_tables import verdict_csv, verdict_markdown
from superglobal_core.reporting.verdict_view import (
    GROUPS,
    SIGNS,
    claim_cells,
    counts_by_method,
    evaluator_entry,
    groups,
    no_network,
)
from superglobal_core.verdict.effects import Effects
from superglobal_core.verdict.judging import Verdict
from superglobal_core.verdict.reported import load_reported
from superglobal_core.verdict.summary import judge_run

PAGE = Page("verdict.html", "Reproduced?")
TEMPLATE = "verdict.html.j2"


def verdict_part(
    study: Study, results: Sequence[Group], labels: Labels, effects: Effects | None = None
) -> Part:
    """Return the page with `verdict.csv` and `verdict.md`; effects: see `judge_run`; by default
    those of the study's ablation."""
    reported = load_reported()
    timed = speed_groups(study, results)
    measured = measured_results(study, labels, reported)
    verdicts = judge_run(
        measured,
        reported,
        speedups=measured_speedups(timed),
        memory=measured_memory(timed),
        timed=bool(timed),
        effects=measured_effects(study) if effects is None else effects,
    )
    note = study.suite.note if study.suite else None
    content = {
        "verdicts": verdicts,
        "claims": [(judged, claim_cells(judged, reported)) for judged in verdicts.claims],
        "counts": counts_by_method(verdicts.figures, reported),
        "kinds": list(Verdict),
        "signs": SIGNS,
        "groups": groups(verdicts.figures, reported),
        "group_names": GROUPS,
        "check": evaluator_entry(verdicts.evaluator, reported),
        "no_network": [] if verdicts.nothing else no_network(measured),
        "tolerances": reported.tolerances,
        "million": reported.distractors,
        "blurred": reported.switches["images"].note,
    }
    files = {
        "verdict.csv": (
            verdict_csv(verdicts, reported),
            "every published figure, what was measured, and the verdict, as CSV",
        ),
        "verdict.md": (verdict_markdown(verdicts, reported, note), "the same as Markdown"),
    }
    return Part(PAGE, TEMPLATE, content, files, headline=verdicts.headline)
