"""Where records and queries stand on their pages, so that figures and links can lead to them."""

from __future__ import annotations

import re

SUFFIX = ".json"


def record_anchor(source: str) -> str:
    """Return the id, on `provenance.html`, of what the record of a file says.

    source: the file with the record, relative to the results folder, with `/` between folders. Other
    files have other ids; an id holds letters, digits, `-`, `_`, `.` alone, so that it needs no escaping
    in HTML or in an address (`provenance.html#<id>`).

    >>> record_anchor("evaluation/superglobal/landmarks/plain/alpha-qe.json")
    'record-evaluation.superglobal.landmarks.plain.alpha-qe'
    >>> record_anchor("evaluation/my results/a.b.json")
    'record-evaluation.my_20_results.a_2e_b'
    """
    # Without the suffix that all have; a lone _ at the end tells a name that lacks it from one that had it.
    lacks = "" if source.endswith(SUFFIX) else "_"
    name = source.removesuffix(SUFFIX)
    coded = re.sub(r"[^A-Za-z0-9/-]", lambda match: f"_{ord(match[0]):x}_", name)
    return f"record-{coded.replace('/', '.')}{lacks}"


def query_anchor(name: str) -> str:
    """Return the id of a query's card on its page.

    Other names have other ids; an id needs no escaping in HTML or in an address (`queries-2.html#<id>`).

    >>> query_anchor("all_souls_000013"), query_anchor("a b.c")
    ('q-all_souls_000013', 'q-a.20.b.2e.c')
    """
    return "q-" + re.sub(r"[^A-Za-z0-9_-]", lambda match: f".{ord(match[0]):x}.", name)


def answer_anchor(card: str, place: int) -> str:
    """Return the id of what one database answered to a query, the place-th (from 1) of its card.

    >>> answer_anchor(query_anchor("all_souls_000013"), 2)
    'q-all_souls_000013.2'
    """
    return f"{card}.{place}"
