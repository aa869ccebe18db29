"""The page `queries.html`, every query's AP by every method, and the pages of cards that it leads to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from superglobal_core.reporting.anchors import answer_anchor
from superglobal_core.reporting.collect import Study
from superglobal_core.reporting.first_places import PLACES
from superglobal_core.reporting.gallery import make_sections
from superglobal_core.reporting.labels import Labels
from superglobal_core.reporting.pictures import Album, Thumbnails
from superglobal_core.reporting.query_figures import (
    CASES,
    PROTOCOL,
    Named,
    columns,
    main_method,
    moved_most,
    query_rows,
)
from superglobal_core.reporting.shell import Page, Part
from superglobal_core.reporting.sources import find_datasets
from superglobal_core.reporting.study import Group

PAGE = Page("queries.html", "Queries")
TEMPLATE, CARDS_TEMPLATE = "queries.html.j2", "query_cards.html.j2"
#: the names of the pages of cards
CARD_FILE = re.compile(r"queries-[1-9][0-9]*\.html")


def queries_part(study: Study, groups: Sequence[Group], labels: Labels) -> Part | None:
    """Return the page with its pages of cards; None where nothing was evaluated."""
    if not groups:
        return None
    files = find_datasets(study)
    thumbnails = Thumbnails()
    sections = make_sections(study, groups, files, thumbnails)
    addresses = {(each.dataset, each.descriptor): each.addresses for each in sections}
    # In a card the databases stand in the order of the groups.
    variants: dict[tuple[str, str], list[str]] = {}
    for group in groups:
        variants.setdefault((group.dataset, group.descriptor), []).append(group.variant)
    album = Album(thumbnails=thumbnails)

    def name(group: Group, query: int) -> Named:
        truth = files[group.dataset].truth
        text = truth.query_names[query] if truth else f"query {query + 1}"
        card = group.dataset, group.descriptor
        address = addresses[card].get(query)
        return Named(text, address and answer_anchor(address, 1 + variants[card].index(group.variant)))

    def pictured(group: Group, query: int) -> Named:
        named = name(group, query)
        picture = album.add(files[group.dataset].query_picture(named.name))
        return Named(named.name, named.address, picture)

    mains = list(dict.fromkeys(labels.method(main_method(group)) for group in groups))
    shared = {"labels": labels, "answer_anchor": answer_anchor, "places": PLACES, "protocol": PROTOCOL}
    moved = [moved_most(group, each, pictured) for group in groups for each in group.comparisons]
    content = shared | {
        "rows": query_rows(groups, name),
        "columns": [labels.named(method) for method in columns(groups)],
        "several_datasets": len({group.dataset for group in groups}) > 1,
        "several_descriptors": len({group.descriptor for group in groups}) > 1,
        "mains": mains,
        "moved": moved,
        "sections": sections,
        "cases": CASES,
        "pictures": album.pictures,
    }
    leaves = [leaf for section in sections for leaf in section.leaves]
    more = [
        (leaf.page, CARDS_TEMPLATE, shared | {"leaf": leaf, "leaves": leaves, "at": at})
        for at, leaf in enumerate(leaves)
    ]
    return Part(PAGE, TEMPLATE, content, more=more)
