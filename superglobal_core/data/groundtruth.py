"""The revisited ground truth: read without executing anything, checked before it is believed."""

from __future__ import annotations

import dataclasses
import io
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from superglobal_core.errors import UserError, name_list
from superglobal_core.files import atomic_write

LABELS = ("easy", "hard", "junk")
# The two official files hold 150 and 277 kB; a ground truth for millions of images some tens of MB.
LARGEST_FILE = 1 << 30
LARGEST_PIXEL = 1e9


@dataclasses.dataclass(frozen=True)
class Query:
    """One query: its box (x1, y1, x2, y2) in pixels, if any, and its labelled images, as indices of `image_names`."""

    box: tuple[float, float, float, float] | None
    easy: tuple[int, ...]
    hard: tuple[int, ...]
    junk: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class GroundTruth:
    """A data set's labels: database image names, query image names, and one `Query` for each of these."""

    image_names: tuple[str, ...]
    query_names: tuple[str, ...]
    queries: tuple[Query, ...]

    def counts(self) -> dict[str, int]:
        """Return how many labels of each kind there are over all queries.

        >>> GroundTruth(("a", "b"), ("q",), (Query((0, 0, 9, 9), (0,), (), (1,)),)).counts()
        {'easy': 1, 'hard': 0, 'junk': 1}
        """
        return {label: sum(len(getattr(query, label)) for query in self.queries) for label in LABELS}


def load_groundtruth(path: str | Path) -> GroundTruth:
    """Load a `gnd_*.pkl` of the revisited layout (`imlist`, `qimlist`, `gnd`).

    Only lists, dictionaries, strings and numbers are read; a pickle that names any class or
    function is refused before anything of it runs.

    Raises:
        UserError: when the file is absent, refused, incomplete or contradicts itself.
    Source: Radenovic et al., CVPR 2018; layout of the revisitop release.
    """
    path = Path(path)
    content = _unpickle(path)
    try:
        return parse_groundtruth(content)
    except UserError as error:
        raise UserError(f"ground truth {path}: {error}: correct the file, or get it again") from error


def parse_groundtruth(content: object) -> GroundTruth:
    """Check a ground truth of plain values and turn it into a `GroundTruth`.

    Raises:
        UserError: for a missing key (other than `bbx`), a wrong type, a name given twice, an index outside the list,
            an image labelled twice for one query, or a box without an area.
    """
    top = _mapping(content, "the file")
    images = _names(_get(top, "imlist", "the file"), "imlist")
    queries = _names(_get(top, "qimlist", "the file"), "qimlist")
    entries = _get(top, "gnd", "the file")
    if not isinstance(entries, list | tuple) or len(entries) != len(queries):
        found = (
            f"{len(entries)} entries" if isinstance(entries, list | tuple) else f"a {type(entries).__name__}"
        )
        raise UserError(
            f"'gnd' must have one entry for each of the {len(queries)} names of 'qimlist', not {found}"
        )
    parsed = tuple(_query(entry, name, len(images)) for entry, name in zip(entries, queries, strict=True))
    return GroundTruth(images, queries, parsed)


def write_groundtruth(path: str | Path, truth: GroundTruth) -> None:
    """Write a ground truth in the revisited layout, whole or not at all; equal ones give equal bytes."""
    entries = [
        ({"bbx": list(query.box)} if query.box else {})
        | {label: list(getattr(query, label)) for label in LABELS}
        for query in truth.queries
    ]
    content = {"imlist": list(truth.image_names), "qimlist": list(truth.query_names), "gnd": entries}
    with atomic_write(path) as stream:
        pickle.dump(content, stream, protocol=2)


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that refuses every class and function, so that nothing in the file can run."""

    def find_class(self, module: str, name: str) -> Any:
        raise UserError(f"it asks for '{module}.{name}'; a ground truth holds only lists, names and numbers")

    def persistent_load(self, pid: object) -> Any:
        raise UserError("it refers to objects outside the file")


def _unpickle(path: Path) -> object:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UserError(
                f"ground truth {path} is larger than {LARGEST_FILE >> 30} GB: surely another file"
            )
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read the ground truth {path}: {error.strerror or error}") from error
    try:
        return _PlainUnpickler(io.BytesIO(data)).load()
    except UserError as error:
        raise UserError(f"ground truth {path} is refused: {error}") from error
    except Exception as error:
        # A damaged pickle raises nearly anything.
        raise UserError(
            f"ground truth {path} is damaged or no pickle ({type(error).__name__}): get it again"
        ) from error


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise UserError(f"{where} must hold a dictionary, not a {type(value).__name__}")
    return value


def _get(mapping: Mapping[str, object], key: str, where: str) -> object:
    if key not in mapping:
        raise UserError(
            f"{where} lacks the key '{key}' (it has {name_list(sorted(map(str, mapping))) or 'none'})"
        )
    return mapping[key]


def _names(value: object, key: str) -> tuple[str, ...]:
    if (
        not isinstance(value, list | tuple)
        or not value
        or not all(isinstance(name, str) and name for name in value)
    ):
        raise UserError(f"'{key}' must be a list of image names, with at least one")
    seen: set[str] = set()
    twice = []
    for name in value:
        if name in seen:
            twice.append(name)
        seen.add(name)
    if twice:
        raise UserError(f"'{key}' names an image twice: {name_list(twice)}")
    return tuple(value)


def _query(entry: object, name: str, images: int) -> Query:
    where = f"the entry of query '{name}'"
    fields = _mapping(entry, where)
    labels = {label: _indices(_get(fields, label, where), label, where, images) for label in LABELS}
    for first, second in (("easy", "hard"), ("easy", "junk"), ("hard", "junk")):
        both = sorted(set(labels[first]) & set(labels[second]))
        if both:
            raise UserError(
                f"{where} labels the same image '{first}' and '{second}': index {name_list(both)}"
            )
    # Evaluation needs no boxes: data sets whose queries are whole images leave them out.
    box = fields.get("bbx")
    return Query(box=None if box is None else _box(box, where), **labels)


def _indices(value: object, label: str, where: str, images: int) -> tuple[int, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes | bytearray):
        raise UserError(f"{where}: '{label}' must be a list of indices, not a {type(value).__name__}")
    wrong = [index for index in value if not isinstance(index, int) or isinstance(index, bool)]
    if wrong:
        raise UserError(f"{where}: '{label}' holds {wrong[0]!r}, which is no index")
    outside = [index for index in value if not 0 <= index < images]
    if any(index.bit_length() > 63 for index in outside):
        raise UserError(f"{where}: '{label}' holds a number too large for an index of {images} images")
    if outside:
        raise UserError(
            f"{where}: '{label}' has {name_list(outside)}, outside the list of {images} images (0 to {images - 1})"
        )
    if len(set(value)) != len(value):
        twice = sorted({index for index in value if value.count(index) > 1})
        raise UserError(f"{where}: '{label}' names an image twice: index {name_list(twice)}")
    return tuple(value)


def _box(value: object, where: str) -> tuple[float, float, float, float]:
    numbers = list(value) if isinstance(value, list | tuple) else []
    if len(numbers) != 4 or not all(isinstance(n, int | float) and abs(n) < LARGEST_PIXEL for n in numbers):
        raise UserError(f"{where}: 'bbx' must be four numbers x1, y1, x2, y2 in pixels")
    x1, y1, x2, y2 = (float(number) for number in numbers)
    if x2 <= x1 or y2 <= y1:
        raise UserError(f"{where}: the box 'bbx' ({x1:g}, {y1:g}, {x2:g}, {y2:g}) has no area")
    return (x1, y1, x2, y2)
