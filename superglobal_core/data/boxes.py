"""Query boxes: which part of which image is the query."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.data.images import SUFFIXES
from superglobal_core.errors import UserError, name_list
from superglobal_core.files import load_array, read_json

Box = tuple[float, float, float, float]


def load_boxes(path: str | Path, ids: Sequence[str] = ()) -> dict[str, Box]:
    """Read boxes (x1, y1, x2, y2) in pixels by image id.

    A ground truth (`.pkl`: its query images and `bbx`); JSON (`{"id": [x1, y1, x2, y2], ...}`); or
    text with `id x1 y1 x2 y2` a line, separated by white space or commas. Boxes without ids, as a
    JSON list, as text with four numbers a line, or as an `.npy` (N x 4), belong to the images `ids` in their order.

    Raises:
        UserError: when the file is absent, an entry is no box, or there is not one box an image.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file of boxes {path}: correct --boxes")
    if path.suffix == ".pkl":
        truth = load_groundtruth(path)
        boxes = {name: query.box for name, query in zip(truth.query_names, truth.queries, strict=True)}
        if without := [name for name, box in boxes.items() if box is None]:
            raise UserError(
                f"ground truth {path} has no box 'bbx' for {name_list(without)}: where queries are whole "
                "images leave out --boxes (in a suite: query_crop: false), else add the boxes"
            )
        return {name: box for name, box in boxes.items() if box is not None}
    if path.suffix == ".npy":
        content: object = load_array(path).tolist()
    elif path.suffix == ".json":
        content = read_json(path)
    else:
        content = _read_text(path)
    if isinstance(content, Mapping):
        return {
            _without_extension(str(name)): _box(values, f"{path}, '{name}'")
            for name, values in content.items()
        }
    if not isinstance(content, list):
        raise UserError(
            f'{path} must hold {{"id": [x1, y1, x2, y2], ...}} or a list of boxes in the images\' order'
        )
    if len(content) != len(ids):
        raise UserError(
            f"{path} has {len(content)} boxes for {len(ids)} images: without ids, one box an image is needed"
        )
    return {name: _box(values, f"{path}, '{name}'") for name, values in zip(ids, content, strict=True)}


def _read_text(path: Path) -> dict[str, list[str]] | list[list[str]]:
    """Return the boxes by id, or, where every line has just four fields, in their order."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the boxes {path} as text: {error}") from error
    rows = [(number, _fields(line)) for number, line in enumerate(lines, 1)]
    rows = [(number, fields) for number, fields in rows if fields and not fields[0].startswith("#")]
    if (
        rows and len(rows[0][1]) > 1 and not any(map(_is_number, rows[0][1][1:]))
    ):  # a table's heading is no box
        rows = rows[1:]
    if rows and all(len(fields) == 4 for _, fields in rows):
        return [fields for _, fields in rows]
    boxes: dict[str, list[str]] = {}
    for number, fields in rows:
        where = f"{path}, line {number}"
        if fields[0] in boxes:
            raise UserError(f"{where}: a second box for '{fields[0]}'; keep one")
        _box(fields[1:], where)  # an error names the line
        boxes[fields[0]] = fields[1:]
    return boxes


def _fields(line: str) -> list[str]:
    # With commas or tabs an id may hold blanks, and be quoted; the csv module knows how.
    for separator in (",", "\t"):
        if separator in line:
            fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])
            return [field.strip() for field in fields if field.strip()]
    return line.split()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _without_extension(name: str) -> str:
    stem, dot, extension = name.rpartition(".")
    return stem if dot and f".{extension.lower()}" in SUFFIXES else name


def _box(values: object, where: str) -> Box:
    try:
        if (
            not isinstance(values, Sequence)
            or isinstance(values, str)
            or any(isinstance(v, bool) for v in values)
        ):
            raise ValueError
        x1, y1, x2, y2 = (float(value) for value in values)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{where}: a box is four numbers x1 y1 x2 y2 in pixels, not {values!r}") from error
    if not all(map(math.isfinite, (x1, y1, x2, y2))) or x2 <= x1 or y2 <= y1:
        raise UserError(
            f"{where}: the box ({x1:g}, {y1:g}, {x2:g}, {y2:g}) is empty: x1 < x2 and y1 < y2 are needed"
        )
    return (x1, y1, x2, y2)
