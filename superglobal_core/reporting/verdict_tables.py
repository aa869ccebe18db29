"""The verdicts as CSV and Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from superglobal_core.reporting import texts
from superglobal_core.reporting.table_formats import markdown, markdown_table, to_csv
from superglobal_core.reporting.verdict_view import (
    GROUPS,
    EntryView,
    claim_cells,
    counts_by_method,
    evaluator_entry,
    groups,
    why,
)
from superglobal_core.verdict.judging import Judgement, Verdict
from superglobal_core.verdict.reported import Reported
from superglobal_core.verdict.summary import Verdicts


def verdict_csv(verdicts: Verdicts, reported: Reported) -> str:
    """Return one row a published figure, claim, speedup and size; percents, points and GB as told by `unit`."""
    rows = [_figure_row("mAP", each) for each in verdicts.figures]
    rows += [_figure_row("evaluator", each) for each in verdicts.evaluator]
    for judged in verdicts.claims:
        found = judged.measured
        rows.append(
            _row(
                "claim",
                method=judged.claim.what,
                column=judged.claim.column,
                measure=judged.claim.name,
                unit="points",
                reported=judged.claim.points,
                status="verified",
                source="abstract",
                measured=found.difference if found else None,
                verdict=judged.verdict,
                reasons=judged.reasons,
                explained=tuple(
                    sentence for cell in claim_cells(judged, reported).values() for sentence in cell
                ),
            )
        )
    for speed in verdicts.speed:
        rows.append(
            _row(
                "speedup",
                method=speed.claim.claim,
                unit="times",
                reported=speed.claim.factor,
                status=speed.claim.status,
                source=speed.claim.source,
                verdict=speed.verdict,
                reasons=speed.reasons,
                explained=tuple(
                    f"{each.scope}: {each.faster} over {each.slower} "
                    + (each.none or texts.times(each.ratio or 0))
                    for each in speed.measured
                ),
                result="; ".join(dict.fromkeys(each.source for each in speed.measured)) or None,
            )
        )
    for size in verdicts.memory:
        rows.append(
            _row(
                "memory",
                method=size.figure.system,
                unit="GB",
                reported=size.figure.value,
                status=size.figure.status,
                source=size.figure.source,
                measured=size.gb,
                difference=size.difference,
                verdict=size.verdict,
                reasons=size.reasons,
                result=size.measured.source if size.measured else None,
            )
        )
    return to_csv(rows)


def verdict_markdown(verdicts: Verdicts, reported: Reported, note: str | None) -> str:
    """Return the answer, the claims, the counts and every figure as Markdown."""
    parts = [f"Note: {markdown(note)}"] if note else []
    parts.append(markdown(verdicts.headline))
    claims = []
    for judged in verdicts.claims:
        cells = {name: markdown(" ".join(cell)) for name, cell in claim_cells(judged, reported).items()}
        claim = markdown(f"{judged.claim.name} ({judged.claim.what})")
        claims.append(
            [
                claim,
                cells["printed"],
                cells["corrected"],
                cells["measured"],
                str(judged.verdict),
                cells["why"],
            ]
        )
    for speed in verdicts.speed:
        measured = "; ".join(
            f"{each.scope}, over {each.slower}: {each.none or texts.times(each.ratio or 0)}"
            for each in speed.measured
        )
        claims.append(
            [
                markdown(speed.claim.claim),
                "",
                "",
                markdown(measured),
                str(speed.verdict),
                markdown("; ".join(speed.reasons)),
            ]
        )
    headings = ["Claim", "Arithmetic", "Corrected", "This run", "Verdict", "Why"]
    parts.append(markdown_table(headings, claims, ["left"] * 6))
    counted = [
        [markdown(label), *(str(numbers[verdict]) for verdict in Verdict)]
        for label, numbers in counts_by_method(verdicts.figures, reported)
    ]
    parts.append(markdown_table(["Method", *map(str, Verdict)], counted, ["left", *["right"] * len(Verdict)]))
    for group, entries in groups(verdicts.figures, reported).items():
        parts += [f"## {markdown(GROUPS[group])}", _entries(entries)]
    check = evaluator_entry(verdicts.evaluator, reported)
    if check is not None:
        parts += ["## The evaluator", _entries([check])]
    memory = [
        [
            markdown(each.figure.system),
            f"{each.figure.value:g}",
            "" if each.gb is None else f"{each.gb:.2f}",
            str(each.verdict),
            markdown("; ".join(each.reasons)),
        ]
        for each in verdicts.memory
    ]
    table = markdown_table(
        ["System", "GB", "Measured GB", "Verdict", "Why"], memory, ["left", "right", "right", "left", "left"]
    )
    return "\n\n".join([*parts, "## Memory", table]) + "\n"


def _entries(entries: Sequence[EntryView]) -> str:
    rows = []
    for entry in entries:
        who = markdown(f"{entry.method}, {entry.backbone}, {entry.stage}")
        source = markdown(", ".join(filter(None, (entry.source, entry.status, entry.crop))))
        for line in entry.lines:
            figures = markdown("; ".join(f"{name} {value}" for name, value in line.figures))
            measured = f"{line.measured} ({line.interval})" if line.interval else line.measured
            rows.append(
                [
                    who,
                    figures,
                    measured,
                    line.difference,
                    f"{line.sign} {line.verdict}",
                    markdown(" ".join(line.why)),
                    source,
                ]
            )
    headings = ["Method", "Published", "Measured", "Difference", "Verdict", "Why", "Source"]
    return markdown_table(headings, rows, ["left", "left", "right", "right", "left", "left", "left"])


def _figure_row(kind: str, judgement: Judgement) -> dict[str, object]:
    figure, value, found = judgement.figure, judgement.value, judgement.measured
    low, high = value.interval if value and value.interval else (None, None)
    return _row(
        kind,
        method=figure.method,
        backbone=figure.backbone,
        stage=figure.stage,
        column=figure.column.name,
        measure=figure.measure,
        unit="percent",
        reported=figure.value,
        status=figure.status,
        source=figure.source,
        query_crop=figure.query_crop,
        tolerance=figure.tolerance,
        measured=None if value is None else round(value.value, 8),
        low=None if low is None else round(low, 8),
        high=None if high is None else round(high, 8),
        difference=judgement.difference,
        reported_in_interval=judgement.inside,
        verdict=judgement.verdict,
        reasons=judgement.reasons,
        explained=why(judgement)[len(judgement.reasons) :],
        result=found.source if found and value else None,
    )


COLUMNS = (
    "kind", "method", "backbone", "stage", "column", "measure", "unit", "reported", "status", "query_crop",
    "tolerance", "measured", "low", "high", "difference", "reported_in_interval", "verdict", "reasons",
    "explained", "result", "source",
)  # fmt: skip


def _row(kind: str, **cells: object) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(COLUMNS) | {"kind": kind} | cells
    for name in ("reasons", "explained"):
        sentences = row[name]
        if isinstance(sentences, tuple):
            row[name] = "; ".join(str(sentence).removesuffix(".") for sentence in sentences) or None
    row["verdict"] = str(row["verdict"])
    return row
