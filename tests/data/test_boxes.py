"""Query boxes from the three kinds of files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from superglobal_core.data.boxes import load_boxes
from superglobal_core.data.groundtruth import GroundTruth, Query, write_groundtruth
from superglobal_core.errors import UserError


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_groundtruth(write_groundtruth: Callable[..., Path]) -> None:
    boxes = load_boxes(write_groundtruth(3, [([0], [], []), ([1], [], [2])]))
    assert boxes == {"query_0": (1.5, 2.5, 90.0, 80.0), "query_1": (1.5, 2.5, 90.0, 80.0)}


def test_a_groundtruth_without_boxes_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "gnd_whole.pkl"
    whole = GroundTruth(
        ("a", "b"), ("one", "two"), (Query(None, (0,), (), ()), Query((0, 0, 9, 9), (1,), (), ()))
    )
    write_groundtruth(path, whole)
    with pytest.raises(
        UserError, match=r"gnd_whole\.pkl has no box 'bbx' for one: where .* leave out --boxes"
    ):
        load_boxes(path)


def test_json(tmp_path: Path) -> None:
    path = write(tmp_path, "boxes.json", json.dumps({"a": [1, 2, 3, 4.5], "b": [0, 0, 10, 20]}))
    assert load_boxes(path) == {"a": (1, 2, 3, 4.5), "b": (0, 0, 10, 20)}


@pytest.mark.parametrize(
    "text",
    [
        "a 1 2 3 4.5\nb 0 0 10 20\n",
        "id,x1,y1,x2,y2\na,1,2,3,4.5\nb,0,0,10,20",
        "# boxes\n\na, 1, 2, 3, 4.5\n\nb\t0\t0\t10\t20\n",
    ],
)
def test_text(tmp_path: Path, text: str) -> None:
    assert load_boxes(write(tmp_path, "boxes.txt", text)) == {"a": (1, 2, 3, 4.5), "b": (0, 0, 10, 20)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("boxes.json", "[[1, 2, 3, 4.5], [0, 0, 10, 20]]"),
        ("boxes.txt", "x1 y1 x2 y2\n1 2 3 4.5\n0,0,10,20\n"),
    ],
)
def test_without_ids_boxes_follow_the_images(tmp_path: Path, name: str, text: str) -> None:
    path = write(tmp_path, name, text)
    assert load_boxes(path, ["b", "a"]) == {"b": (1, 2, 3, 4.5), "a": (0, 0, 10, 20)}


def test_an_array_of_boxes_follows_the_images(tmp_path: Path) -> None:
    np.save(tmp_path / "boxes.npy", np.array([[1, 2, 3, 4.5], [0, 0, 10, 20]]))
    assert load_boxes(tmp_path / "boxes.npy", ["b", "a"]) == {"b": (1, 2, 3, 4.5), "a": (0, 0, 10, 20)}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("b.txt", "a 1 2 3 4\nb 1 2 3\n", "line 2: a box is four numbers"),
        ("b.txt", "a 1 2 3 4\nb 1 2 3 x\n", "line 2: a box is four numbers"),
        ("b.txt", "a 1 2 3 4 5\n", "line 1: a box is four numbers"),
        ("b.txt", "a 1 2 3 4\na 1 2 3 4\n", "line 2: a second box for 'a'"),
        ("b.txt", "a 3 2 1 4\n", r"line 1: the box \(3, 2, 1, 4\) is empty"),
        ("b.txt", "a 1 2 nan 4\n", "line 1: the box"),
        ("b.json", '{"a": [1, 2, 3]}', "'a': a box is four numbers"),
        ("b.json", '{"a": "1234"}', "'a': a box is four numbers"),
        ("b.json", '{"a": 5}', "'a': a box is four numbers"),
        ("b.json", '{"a": [1, 2, 1, 4]}', "'a': the box"),
        ("b.json", '{"a": [1, 2, Infinity, 4]}', "'a': the box"),
        ("b.json", '{"a": [1, 2, ' + "9" * 400 + ", 4]}", "'a': a box is four numbers"),
        ("b.json", "5", "must hold {"),
        ("b.json", "[[1, 2, 3, 4]]", "1 boxes for 2 images"),
        ("b.json", "[[1, 2, 3, 4], [1, 2, 3]]", "'q2': a box is four numbers"),
        ("b.txt", "1 2 3 4\n5 6 7 8\n1 2 3 4", "3 boxes for 2 images"),
        ("b.json", "{", "is not valid JSON"),
    ],
)
def test_wrong_boxes_are_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = write(tmp_path, name, text)
    with pytest.raises(UserError, match=message) as caught:
        load_boxes(path, ["q1", "q2"])
    assert str(path) in str(caught.value)


def test_no_text(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(UserError, match="as text"):
        load_boxes(tmp_path / "b.txt")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file of boxes"):
        load_boxes(tmp_path / "b.txt")
