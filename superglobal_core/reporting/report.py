"""The step `report`: a suite's result files to one page, tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from superglobal_core.errors import UserError, unknown_name
from superglobal_core.files import check_writable, write_file
from superglobal_core.reporting.ablation_page import ablation_part
from superglobal_core.reporting.approximate_page import approximate_part
from superglobal_core.reporting.charts import endings
from superglobal_core.reporting.citations import citations_bib
from superglobal_core.reporting.collect import Study, read_study
from superglobal_core.reporting.drawing import Figure
from superglobal_core.reporting.figures import change_figure, map_figure
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.overview import PAGE as OVERVIEW
from superglobal_core.reporting.overview import TEMPLATE as OVERVIEW_TEMPLATE
from superglobal_core.reporting.overview import overview_content
from superglobal_core.reporting.page import TEMPLATE, results_content
from superglobal_core.reporting.parameters_page import parameters_part
from superglobal_core.reporting.provenance_page import provenance_part
from superglobal_core.reporting.queries_page import CARD_FILE, queries_part
from superglobal_core.reporting.scale_page import scale_part
from superglobal_core.reporting.shell import PROVENANCE, RESULTS, Part, Shell
from superglobal_core.reporting.sources import find_datasets
from superglobal_core.reporting.speed_page import speed_part
from superglobal_core.reporting.statistics_page import statistics_part
from superglobal_core.reporting.stems import file_stem
from superglobal_core.reporting.study import Group, group_results
from superglobal_core.reporting.tables import map_csv, map_latex, map_markdown, per_query_csv
from superglobal_core.reporting.unable import unable_methods
from superglobal_core.reporting.verdict_page import verdict_part

CONTENTS = {
    "map.csv": "mAP, intervals and mean precision of every result, as CSV",
    "map.md": "mAP with intervals, as Markdown",
    "map.tex": "mAP with intervals, as LaTeX",
    "per_query.csv": "the AP of every query, as CSV",
    "citations.bib": "works to cite for the methods, descriptors and data sets, as BibTeX",
}
MakePart = Callable[[Study, Sequence[Group], Labels], Part | None]
#: the pages beside the first; each is left out where a study has nothing for it
PARTS: dict[str, MakePart] = {
    "speed": speed_part,
    "ablation": ablation_part,
    "parameters": parameters_part,
    "statistics": statistics_part,
    "scale": scale_part,
    "approximate": approximate_part,
    "verdict": verdict_part,
    "queries": queries_part,
    "provenance": provenance_part,
}
#: those of a suite without data sets
OVERVIEW_PARTS = (scale_part, approximate_part, provenance_part)


def write_report(results: Path, out: Path, small: bool = False) -> Path:
    """Write `index.html`, `map.csv`, `map.md`, `map.tex`, `per_query.csv`, `citations.bib` and `figures/*` into
    `out`.

    And the pages and files of the parts that have something to show.

    Result files alone are read; the same results give the same bytes. The page comes last, so that
    where it is, everything is. small: charts are drawings alone, without PDF, for smaller pages.

    Returns:
        The page's path.

    Raises:
        UserError: when there are no results, a file of them is damaged, or `out` cannot be written.
    """
    results, out = Path(results), Path(out)
    study = read_study(results)
    check_writable(out / RESULTS.file)
    if study.suite is not None and not study.suite.datasets:
        return _write_overview(study, out, small)
    labels, groups = Labels(study.suite), group_results(study)
    unable = unable_methods(study)
    note = study.suite.note if study.suite else None
    truths = {name: found.truth for name, found in find_datasets(study).items() if found.truth is not None}
    figures = _figures(study, groups, labels)
    parts = [part for make in PARTS.values() if (part := make(study, groups, labels)) is not None]
    written: dict[str, str | bytes] = {
        "map.csv": map_csv(groups, labels, unable),
        "map.md": map_markdown(groups, labels, note, unable),
        "map.tex": map_latex(groups, labels, note, unable),
        "per_query.csv": per_query_csv(groups, labels, truths),
        "citations.bib": citations_bib(study),
    }
    described = dict(CONTENTS)
    for part in parts:
        written |= _own_files(part, small)
        described |= {name: meaning for name, (_, meaning) in part.files.items()}
    drawn = [*figures, *(figure for part in parts for figure in part.figures)]
    written |= _figure_files(drawn, small)
    described |= _described(drawn)
    shell = Shell(study, [RESULTS, *(part.page for part in parts)], small)
    downloads = [(name, described[name]) for name in written]
    for part in parts:
        written |= _rendered(shell, part)
    content = results_content(study, groups, labels, figures, parts, downloads)
    page = shell.render(RESULTS, TEMPLATE, content)
    for name, found in written.items():
        write_file(out / name, found)
    _remove_left_over(out, parts)
    write_file(out / RESULTS.file, page)
    return out / RESULTS.file


def write_pages(results: Path, out: Path, only: Sequence[str], small: bool = False) -> list[Path]:
    """Write some of the pages beside the first, with their files, into `out`: see `PARTS` for the names.

    They need no evaluations, where they show none. small: as in `write_report`.

    Returns:
        The pages' paths.

    Raises:
        UserError: for an unknown name, when there is nothing for any of the pages, a file is damaged,
            or `out` cannot be written.
    """
    for name in only:
        if name not in PARTS:
            raise unknown_name("page", name, PARTS)
    results, out = Path(results), Path(out)
    study = read_study(results, evaluated=False)
    labels, groups = Labels(study.suite), group_results(study)
    parts = [
        part for name in PARTS if name in only and (part := PARTS[name](study, groups, labels)) is not None
    ]
    if not parts:
        raise UserError(f"{results} has nothing for {', '.join(only)}: run that part of the suite first")
    shell = Shell(study, [part.page for part in parts], small)
    for part in parts:
        check_writable(out / part.page.file)
        written = _figure_files(part.figures, small) | _own_files(part, small)
        for name, text in (written | _rendered(shell, part)).items():
            write_file(out / name, text)
    if "queries" in only:
        _remove_left_over(out, parts)
    return [out / part.page.file for part in parts]


def _write_overview(study: Study, out: Path, small: bool) -> Path:
    """Write the pages of a suite without data sets, and a first page that leads to them."""
    labels = Labels(study.suite)
    parts = [part for make in OVERVIEW_PARTS if (part := make(study, (), labels)) is not None]
    if all(part.page == PROVENANCE for part in parts):
        raise UserError(f"{study.root} has no measured size of a database: run the suite first")
    shell = Shell(study, [OVERVIEW, *(part.page for part in parts)], small)
    described: dict[str, str] = {}
    for part in parts:
        written = _figure_files(part.figures, small) | _own_files(part, small)
        written |= _rendered(shell, part)
        meanings = {name: meaning for name, (_, meaning) in part.files.items()} | _described(part.figures)
        described |= {name: meaning for name, meaning in meanings.items() if name in written}
        for name, text in written.items():
            write_file(out / name, text)
    page = shell.render(OVERVIEW, OVERVIEW_TEMPLATE, overview_content(study, parts, described))
    write_file(out / OVERVIEW.file, page)
    return out / OVERVIEW.file


def _rendered(shell: Shell, part: Part) -> dict[str, str]:
    return {page.file: shell.render(page, template, content) for page, template, content in part.pages}


def _remove_left_over(out: Path, parts: Sequence[Part]) -> None:
    """Remove the pages of queries that an earlier, longer report left: nothing leads to them."""
    written = {page.file for part in parts for page, _, _ in part.pages}
    for path in out.glob("queries-*.html"):
        if CARD_FILE.fullmatch(path.name) and path.name not in written:
            path.unlink(missing_ok=True)


def _figure_files(figures: Sequence[Figure], small: bool = False) -> dict[str, str | bytes]:
    return {name: content for figure in figures for name, content in figure.files(endings(small)).items()}


def _own_files(part: Part, small: bool = False) -> dict[str, str | bytes]:
    """Return what lies beside a part's page but its figures; in a small report without PDF."""
    files = {name: content for name, (content, _) in part.files.items()}
    return {name: content for name, content in files.items() if not (small and name.endswith(".pdf"))}


def _described(figures: Sequence[Figure]) -> dict[str, str]:
    names = {".svg": "", ".pdf": ", as PDF"}
    return {
        f"figures/{figure.name}{end}": figure.title + more
        for figure in figures
        for end, more in names.items()
    }


def _figures(study: Study, groups: Sequence[Group], labels: Labels) -> list[Figure]:
    figures = []
    for number, dataset in enumerate(dict.fromkeys(group.dataset for group in groups), 1):
        mine = [group for group in groups if group.dataset == dataset]
        stem = file_stem(dataset, study.suite.datasets if study.suite else (), number)
        figures.append(map_figure(f"map-{stem}", f"mAP on {labels.dataset(dataset)}", mine, labels))
        shown = [(group, comparison) for group in mine for comparison in group.comparisons]
        if shown:
            title = f"Change of each query by reranking on {labels.dataset(dataset)}"
            figures.append(change_figure(f"change-{stem}", title, shown, labels))
    return figures
