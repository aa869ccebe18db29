"""A chart's PDF with its objects in one order: the drawing program numbers them as its hash tables have them."""

from __future__ import annotations

import re

REFERENCE = re.compile(rb"(\d+) 0 R\b")
ENTRIES = re.compile(rb"(?<=<<\n)(?:[ ]*/\w+ \d+ 0 R\n){2,}(?=[ ]*>>)")


def steady(pdf: bytes) -> bytes:
    """Return a PDF of plain objects with these numbered as they are reached from its root.

    Lists of fonts and the like are sorted by name, which changes nothing of what is drawn.
    """
    start = int(pdf[pdf.rindex(b"startxref") + 9 :].split()[0])
    table, _, trailer = pdf[start:].partition(b"trailer")
    offsets = [int(found) for found in re.findall(rb"(\d{10}) \d{5} n", table)]
    ends = dict(zip(sorted(offsets), [*sorted(offsets)[1:], start], strict=True))
    objects = {}
    for offset in offsets:
        number, _, body = pdf[offset : ends[offset]].partition(b" 0 obj\n")
        head, stream, rest = body.partition(b"stream\n")
        objects[number] = (
            ENTRIES.sub(lambda found: b"".join(sorted(found[0].splitlines(keepends=True))), head),
            stream + rest,
        )
    trailer = trailer[: trailer.index(b"startxref")]
    order = _reached(trailer, {number: head for number, (head, _) in objects.items()})
    numbers = {number: str(place).encode() for place, number in enumerate(order, 1)}

    def renumbered(text: bytes) -> bytes:
        return REFERENCE.sub(lambda found: numbers[found[1]] + b" 0 R", text)

    out = [pdf[: min(offsets)]]
    places = []
    for number in order:
        places.append(sum(map(len, out)))
        head, stream = objects[number]
        out.append(numbers[number] + b" 0 obj\n" + renumbered(head) + stream)
    size = len(order) + 1
    lines = [
        b"xref\n0 %d\n" % size,
        b"0000000000 65535 f\r\n",
        *(b"%010d 00000 n\r\n" % place for place in places),
    ]
    trailer = re.sub(rb"/Size \d+", b"/Size %d" % size, renumbered(trailer))
    end = b"startxref\n%d\n%%%%EOF\n" % sum(map(len, out))
    return b"".join([*out, *lines, b"trailer", trailer, end])


def _reached(trailer: bytes, heads: dict[bytes, bytes]) -> list[bytes]:
    """Return the numbers of objects in the order in which they are met, depth first."""
    waiting, order = [found[1] for found in REFERENCE.finditer(trailer)][::-1], dict[bytes, None]()
    while waiting:
        number = waiting.pop()
        if number not in order:
            order[number] = None
            waiting += [found[1] for found in REFERENCE.finditer(heads[number])][::-1]
    return list(order)
