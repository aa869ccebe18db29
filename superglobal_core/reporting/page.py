"""The page: everything a study says, rendered into one HTML file that needs no other."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from superglobal_core.reporting import speed_texts, texts
from superglobal_core.reporting.collect import PROTOCOL_NAMES, Study
from superglobal_core.reporting.drawing import SERIES, Figure
from superglobal_core.reporting.gallery import CASES, PLACES, Exhibit
from superglobal_core.reporting.inline_svg import inline_svg
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.pictures import Album
from superglobal_core.reporting.provenance import (
    dataset_facts,
    gather_facts,
    gathered_sets,
    remarks,
    settings,
)
from superglobal_core.reporting.speed_view import SpeedView
from superglobal_core.reporting.study import Group, agree_on_distractors
from superglobal_core.reporting.tables import CUTOFFS


def render(
    study: Study,
    groups: Sequence[Group],
    labels: Labels,
    figures: Sequence[Figure],
    speeds: Sequence[SpeedView],
    exhibits: Sequence[Exhibit],
    album: Album,
    downloads: Sequence[tuple[str, str]],
) -> str:
    """Render the page.

    downloads: files beside the page and what they hold.
    """
    environment = Environment(
        loader=PackageLoader("superglobal_core.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": texts.percent,
        "interval": texts.interval,
        "points": texts.points,
        "point_interval": _point_interval,
        "count": texts.count,
        "duration": texts.duration,
        "size": texts.size,
        "moment": texts.moment,
        "short": texts.short_commit,
    }
    suite = study.suite
    datasets = {
        labels.dataset(name): dataset_facts([result for result in study.results if result.dataset == name])
        for name in dict.fromkeys(group.dataset for group in groups)
    }
    style = environment.loader.get_source(environment, "report.css")[0] if environment.loader else ""
    return environment.get_template("report.html.j2").render(
        style=Markup(style),
        title=suite.title if suite else "Retrieval results",
        suite=suite,
        synthetic=suite is not None and all(data.synthetic for data in suite.datasets.values()),
        groups=groups,
        labels=labels,
        datasets=datasets,
        facts=gather_facts(study),
        remarks=remarks(study, groups, labels),
        agree_on_distractors=agree_on_distractors,
        protocols=PROTOCOL_NAMES,
        cutoffs=CUTOFFS,
        charts=[(figure, inline_svg(figure, f"chart{number}-")) for number, figure in enumerate(figures)],
        speeds=speeds,
        scopes=speed_texts.SCOPES,
        words=speed_texts,
        exhibits=exhibits,
        cases=CASES,
        places=PLACES,
        pictures=album.pictures,
        records=study.records,
        settings=settings,
        gathered=gathered_sets(study),
        downloads=downloads,
        series=len(SERIES),
    )


def _point_interval(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{texts.points(bounds[0])} to {texts.points(bounds[1])}"
