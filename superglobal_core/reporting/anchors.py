"""Where on the page of provenance each record stands, so that every figure can lead to its own."""

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
