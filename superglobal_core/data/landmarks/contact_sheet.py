"""One picture that shows what the data set is like: a row a landmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

CELL, GAP, HEAD = 150, 6, 34
ROWS = 8
COLUMNS = ("query", "easy", "easy", "hard", "hard", "hard", "junk", "distractor", "distractor")
# BGR frames, one a kind of column.
COLOURS = {
    "query": (40, 40, 40),
    "easy": (96, 158, 74),
    "hard": (40, 132, 226),
    "junk": (140, 140, 140),
    "distractor": (150, 84, 160),
}


def contact_sheet(out: Path, records: list[dict[str, Any]], truth: dict[str, Any]) -> np.ndarray:
    """Return the sheet (height, width, 3), 8-bit BGR: query with its box, easy, hard, junk, distractors.

    Distractors shown beside a landmark are its relatives where there are any.
    """
    landmarks = [record for record in records if record["job"].startswith("landmark")]
    landmarks = landmarks[: max(ROWS, 1)]
    strays = [r for r in records if r["job"].startswith("distractor")]
    rows = [_header()]
    for index, record in enumerate(landmarks):
        query = next(image["name"] for image in record["images"] if image["folder"] == "queries")
        entry = truth["gnd"][truth["qimlist"].index(query)]
        near = [r for r in strays if r["relative_of"] == index] or strays[index : index + 2]
        pools = {
            "query": [("queries", query)],
            **{k: [("database", truth["imlist"][i]) for i in entry[k]] for k in ("easy", "hard", "junk")},
            "distractor": [("distractors", r["images"][0]["name"]) for r in near],
        }
        cells = []
        used = dict.fromkeys(pools, 0)
        for kind in COLUMNS:
            at = used[kind]
            used[kind] += 1
            path = None
            if at < len(pools[kind]):
                folder, name = pools[kind][at]
                path = out / folder / f"{name}.jpg"
            cells.append(_cell(path, kind, entry["bbx"] if kind == "query" else None))
        rows.append(_join(cells))
    return np.concatenate(rows)


def _join(cells: list[np.ndarray]) -> np.ndarray:
    space = np.full((cells[0].shape[0], GAP, 3), 255, np.uint8)
    parts = [space]
    for cell in cells:
        parts += [cell, space]
    row = np.concatenate(parts, axis=1)
    return np.concatenate([row, np.full((GAP, row.shape[1], 3), 255, np.uint8)])


def _header() -> np.ndarray:
    cells = []
    for kind in COLUMNS:
        cell = np.full((HEAD - GAP, CELL, 3), 255, np.uint8)
        cv2.putText(
            cell, kind, (2, HEAD - GAP - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, COLOURS[kind], 1, cv2.LINE_AA
        )
        cells.append(cell)
    return _join(cells)


def _cell(path: Path | None, kind: str, box: list[float] | None) -> np.ndarray:
    cell = np.full((CELL, CELL, 3), 246, np.uint8)
    picture = cv2.imread(str(path)) if path is not None else None
    if picture is None:
        return cell
    height, width = picture.shape[:2]
    # The cell's middle is cut out of the picture, as large as fits; a query is shown whole, for its box.
    scale = CELL / (max(width, height) if kind == "query" else min(width, height))
    small = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    if box is not None:
        x1, y1, x2, y2 = (round(value * scale) for value in box)
        cv2.rectangle(small, (x1 + 1, y1 + 1), (x2 - 2, y2 - 2), (64, 220, 255), 2)
    rows, columns = small.shape[:2]
    top, left = max(0, (rows - CELL) // 2), max(0, (columns - CELL) // 2)
    part = small[top : top + CELL, left : left + CELL]
    y, x = (CELL - part.shape[0]) // 2, (CELL - part.shape[1]) // 2
    cell[y : y + part.shape[0], x : x + part.shape[1]] = part
    cv2.rectangle(cell, (0, 0), (CELL - 1, CELL - 1), COLOURS[kind], 2)
    return cell
