"""The plan in docs/scaling.md, made from the run that is kept in reports/published."""

from __future__ import annotations

import re
from pathlib import Path

from superglobal_core.errors import UserError
from superglobal_core.files import write_text
from superglobal_core.reporting.scale_plan import costs_of, limits, plan_markdown
from superglobal_core.scale_record import read_scale_study

KEPT_PATH = Path("reports/published/scale-2-cores.json")
DOCS_PATH = Path("docs/scaling.md")
BEGIN, END = "<!-- the plan: made by superglobal_core.reporting.scale_docs -->", "<!-- end of the plan -->"


def plan_text(kept: str | Path) -> str:
    """Return the plan of a kept run as Markdown.

    Raises:
        UserError: when the file is absent or damaged, or says too little to plan from.
    """
    records = read_scale_study(kept).sizes
    costs, table = costs_of(records), plan_markdown(records)
    if costs is None or table is None:
        raise UserError(f"{kept} lacks times, memory or the machine: measure again with the suite `scale`")
    measured = (
        f"Costs a vector measured at {costs.size:,} vectors of {costs.dimension:,} dimensions on {costs.machine}; "
        f"{costs.queries} queries."
    )
    return "\n\n".join([measured, table, *limits(costs)])


def with_plan(page: str, text: str) -> str:
    """Return a page whose plan is replaced (UserError when it has no place for one)."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.S)
    if not pattern.search(page):
        raise UserError(f"the page has no place for the plan: a line {BEGIN} and a line {END}")
    return pattern.sub(lambda _: f"{BEGIN}\n\n{text}\n\n{END}", page, count=1)


def write_plan(root: str | Path = ".") -> None:
    """Write the plan into docs/scaling.md below the repository's root."""
    page = Path(root) / DOCS_PATH
    write_text(page, with_plan(page.read_text(encoding="utf-8"), plan_text(Path(root) / KEPT_PATH)))


if __name__ == "__main__":
    write_plan()
