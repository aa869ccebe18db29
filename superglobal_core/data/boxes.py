"""Query boxes: which part of which image is the query."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.files import read_json

Box = tuple[float, float, float, float]


def load_boxes(path: str | Path) -> dict[str, Box]:
    """Read boxes (x1, y1, x2, y2) in pixels by image id.

    Three kinds of file: a ground truth (`.pkl`: its query images and `bbx`), JSON
    (`{"id": [x1, y1, x2, y2], ...}`), or text with `id x1 y1 x2 y2` a line, separated by white
    space or commas.

    Raises:
        UserError: when the file is absent or an entry is no box.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file of boxes {path}: correct --boxes")
    if path.suffix == ".pkl":
        truth = load_groundtruth(path)
        return {name: query.box for name, query in zip(truth.query_names, truth.queries, strict=True)}
    if path.suffix == ".json":
        content = read_json(path)
        if not isinstance(content, Mapping):
            raise UserError(f'{path} must hold a JSON object {{"id": [x1, y1, x2, y2], ...}}')
        return {str(name): _box(values, f"{path}, '{name}'") for name, values in content.items()}
    return _read_text(path)


def _read_text(path: Path) -> dict[str, Box]:
    boxes: dict[str, Box] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read the boxes {path} as text: {error}") from error
    for number, line in enumerate(lines, 1):
        fields = line.replace(",", " ").split()
        # A table's heading is no box.
        if (
            not fields
            or fields[0].startswith("#")
            or (number == 1 and fields[-4:] == ["x1", "y1", "x2", "y2"])
        ):
            continue
        where = f"{path}, line {number}"
        if fields[0] in boxes:
            raise UserError(f"{where}: a second box for '{fields[0]}'; keep one")
        boxes[fields[0]] = _box(fields[1:], where)
    return boxes


def _box(values: object, where: str) -> Box:
    try:
        if not isinstance(values, Sequence) or isinstance(values, str):
            raise ValueError
        x1, y1, x2, y2 = (float(value) for value in values)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(f"{where}: a box is four numbers x1 y1 x2 y2 in pixels, not {values!r}") from error
    if not all(map(math.isfinite, (x1, y1, x2, y2))) or x2 <= x1 or y2 <= y1:
        raise UserError(
            f"{where}: the box ({x1:g}, {y1:g}, {x2:g}, {y2:g}) is empty: x1 < x2 and y1 < y2 are needed"
        )
    return (x1, y1, x2, y2)
