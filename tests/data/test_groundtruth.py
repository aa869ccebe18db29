"""Ground truths: the official files load, anything else is refused and nothing in it runs."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import groundtruth_content
from hypothesis import given, settings
from hypothesis import strategies as st

from superglobal_core.data.groundtruth import Query, load_groundtruth, parse_groundtruth, write_groundtruth
from superglobal_core.errors import UserError

OFFICIAL = {
    "roxford5k": {"images": 4993, "queries": 70, "easy": 3029, "hard": 2497, "junk": 1356, "without easy": 2},
    "rparis6k": {"images": 6322, "queries": 70, "easy": 6874, "hard": 10350, "junk": 7153, "without easy": 0},
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_official_files(shared: Path, name: str) -> None:
    truth = load_groundtruth(shared / "data" / "groundtruth" / f"gnd_{name}.pkl")
    assert OFFICIAL[name] == {
        "images": len(truth.image_names),
        "queries": len(truth.query_names),
        **truth.counts(),
        "without easy": sum(not query.easy for query in truth.queries),
    }
    if name == "rparis6k":
        assert sum(len(query.easy) + len(query.hard) > 400 for query in truth.queries) == 8


@pytest.mark.parametrize("absent", [{}, {"bbx": None}])
def test_queries_without_boxes_are_whole_images(tmp_path: Path, absent: dict[str, None]) -> None:
    content = groundtruth_content(3, [([0], [1], [2]), ([2], [], [])])
    del content["gnd"][0]["bbx"]
    content["gnd"][0] |= absent
    path = tmp_path / "gnd.pkl"
    path.write_bytes(pickle.dumps(content))
    truth = load_groundtruth(path)
    assert truth.queries[0] == Query(box=None, easy=(0,), hard=(1,), junk=(2,))
    assert truth.queries[1].box is not None
    write_groundtruth(tmp_path / "again.pkl", truth)
    assert load_groundtruth(tmp_path / "again.pkl") == truth


class Runs:
    """A pickle that creates a file when it is loaded by an ordinary unpickler."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("protocol", [0, 1, 2, 5])
def test_code_in_a_pickle_is_refused_and_does_not_run(tmp_path: Path, protocol: int) -> None:
    trace, path = tmp_path / "trace", tmp_path / "gnd.pkl"
    content = groundtruth_content(3, [([0], [1], [2])]) | {"extra": Runs(trace)}
    path.write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(UserError, match=r"gnd\.pkl is refused: it asks for '(posix|nt)\.system'"):
        load_groundtruth(path)
    assert not trace.exists()
    pickle.loads(path.read_bytes())  # the trap itself works
    assert trace.exists()


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (np.array([1, 2]), "numpy"),
        (np.int64(1), "numpy"),
        (Path("a"), "pathlib"),
        (print, "builtins.print"),
        (type("Local", (), {}), None),
    ],
)
def test_objects_are_refused(tmp_path: Path, value: object, named: str | None) -> None:
    path = tmp_path / "gnd.pkl"
    try:
        path.write_bytes(pickle.dumps({"imlist": value}))
    except (pickle.PicklingError, AttributeError):
        path.write_bytes(b"\x80\x04c__main__\nLocal\n.")
    with pytest.raises(UserError, match=named or "__main__") as caught:
        load_groundtruth(path)
    assert "only lists, names and numbers" in str(caught.value)


def test_persistent_ids_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "gnd.pkl"
    path.write_bytes(b"\x80\x04\x8c\x03abcQ.")
    with pytest.raises(UserError, match="objects outside the file"):
        load_groundtruth(path)


@pytest.mark.parametrize("content", [b"", b"\x80", b"hello\n", b"\x80\x04N", b"\x80\x63."])
def test_no_pickle(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "gnd.pkl"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"gnd\.pkl is damaged or no pickle"):
        load_groundtruth(path)


def test_absent_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pkl", tmp_path):
        with pytest.raises(UserError, match="cannot read the ground truth"):
            load_groundtruth(path)


@settings(deadline=None, max_examples=150)
@given(
    cut=st.floats(0, 0.999), flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=3)
)
def test_damage_is_a_user_error_or_still_a_groundtruth(cut: float, flips: list[tuple[float, int]]) -> None:
    whole = bytearray(pickle.dumps(groundtruth_content(6, [([0, 1], [2], [3]), ([4], [], [5])])))
    for where, change in flips:
        whole[int(where * len(whole))] ^= change
    data = bytes(whole if flips else whole[: int(cut * len(whole))])
    path = Path("gnd.pkl")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda self: data)
        patch.setattr(Path, "stat", lambda self, **_: type("Stat", (), {"st_size": len(data)}))
        message = None
        try:
            load_groundtruth(path)
        except UserError as error:
            message = str(error)
    assert "gnd.pkl" in message if message is not None else flips


Change = Callable[[dict[str, Any]], object]


def _set(label: str, value: object) -> Change:
    return lambda content: content["gnd"][1].update({label: value})


WRONG: dict[str, tuple[Change, str]] = {
    "no imlist": (lambda c: c.pop("imlist"), "lacks the key 'imlist'"),
    "no qimlist": (lambda c: c.pop("qimlist"), "lacks the key 'qimlist'"),
    "no gnd": (lambda c: c.pop("gnd"), "lacks the key 'gnd'"),
    "no label": (lambda c: c["gnd"][1].pop("junk"), "'query_1' lacks the key 'junk'"),
    "fewer entries": (lambda c: c["gnd"].pop(), "one entry for each of the 2 names"),
    "gnd is text": (lambda c: c.update(gnd="ab"), "not a str"),
    "entry is a list": (
        lambda c: c["gnd"].__setitem__(1, []),
        "'query_1' must hold a dictionary, not a list",
    ),
    "outside above": (_set("hard", [6]), "'query_1': 'hard' has 6, outside the list of 6 images"),
    "outside below": (_set("easy", [-1]), "'query_1': 'easy' has -1, outside"),
    "enormous index": (_set("easy", [10**5000]), "too large"),
    "twice in a label": (_set("junk", [5, 5]), "'junk' names an image twice: index 5"),
    "easy and hard": (_set("hard", [4]), "the same image 'easy' and 'hard': index 4"),
    "easy and junk": (_set("junk", [4]), "the same image 'easy' and 'junk': index 4"),
    "hard and junk": (_set("hard", [5]), "the same image 'hard' and 'junk': index 5"),
    "index is a float": (_set("easy", [1.0]), "'easy' holds 1.0, which is no index"),
    "index is a truth value": (_set("easy", [True]), "'easy' holds True, which is no index"),
    "index is a name": (_set("easy", ["image_1"]), "which is no index"),
    "labels are text": (_set("easy", "12"), "'easy' must be a list of indices, not a str"),
    "labels are bytes": (_set("easy", b"\x01"), "'easy' must be a list of indices, not a bytes"),
    "labels are nothing": (_set("easy", None), "'easy' must be a list of indices, not a NoneType"),
    "box of three": (_set("bbx", [1, 2, 3]), "'query_1': 'bbx' must be four numbers"),
    "box of text": (_set("bbx", "1234"), "'bbx' must be four numbers"),
    "box with NaN": (_set("bbx", [0, 0, float("nan"), 4]), "'bbx' must be four numbers"),
    "box with infinity": (_set("bbx", [0, 0, float("inf"), 4]), "'bbx' must be four numbers"),
    "enormous box": (_set("bbx", [0, 0, 10**5000, 4]), "'bbx' must be four numbers"),
    "box without area": (_set("bbx", [5, 0, 5, 4]), "has no area"),
    "turned box": (_set("bbx", [0, 9, 5, 4]), "has no area"),
    "image twice": (
        lambda c: c["imlist"].__setitem__(0, "image_3"),
        "'imlist' names an image twice: image_3",
    ),
    "query twice": (
        lambda c: c["qimlist"].__setitem__(0, "query_1"),
        "'qimlist' names an image twice: query_1",
    ),
    "no image": (lambda c: c.update(imlist=[]), "'imlist' must be a list of image names, with at least one"),
    "name is a number": (lambda c: c["imlist"].__setitem__(0, 7), "'imlist' must be a list of image names"),
    "name is empty": (lambda c: c["qimlist"].__setitem__(0, ""), "'qimlist' must be a list of image names"),
    "names are text": (lambda c: c.update(imlist="abcdef"), "'imlist' must be a list"),
}


@pytest.mark.parametrize("what", WRONG)
def test_contradictions_are_named(tmp_path: Path, what: str) -> None:
    change, message = WRONG[what]
    content: Any = groundtruth_content(6, [([0, 1], [2], [3]), ([4], [], [5])])
    parse_groundtruth(content)
    change(content)
    path = tmp_path / "gnd.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(UserError) as caught:
        load_groundtruth(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("content", [[], "text", 3, None])
def test_no_dictionary(content: object) -> None:
    with pytest.raises(UserError, match="must hold a dictionary"):
        parse_groundtruth(content)


def test_a_length_the_file_does_not_have_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "gnd.pkl"
    path.write_bytes(b"\x80\x04\x8d" + struct.pack("<Q", 1 << 40) + b"abc.")
    with pytest.raises(UserError, match="damaged"):
        load_groundtruth(path)
