"""Methods' folders: written from templates, run by their path, and the reason where they cannot run."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import unit_rows, write_pictures

from superglobal_core.errors import UserError
from superglobal_core.features.store import FeatureStore
from superglobal_core.methods.python_method import load_class
from superglobal_core.methods.registry import folder_digest, read_found
from superglobal_core.reasons import reason_in
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.adopt_descriptors import adopt_descriptors_step
from superglobal_core.steps.attempt import attempt_step
from superglobal_core.steps.gather import gather_step
from superglobal_core.steps.hand_over import hand_over_images_step
from superglobal_core.steps.new_method import FILES, new_method_step
from superglobal_core.steps.rerank_by_name import Wanted, rerank_by_name


@pytest.mark.parametrize("kind", FILES)
def test_a_new_method_is_whole_and_not_written_twice(tmp_path: Path, kind: str) -> None:
    written = list(new_method_step("my-2nd.method", kind, tmp_path))
    method = read_found(tmp_path / "my-2nd.method")
    assert method.description.label == "my-2nd.method"
    assert len(written) == 1 + len(FILES[kind])
    assert not any(re.search("@[A-Z]+@", path.read_text()) for path in method.path.iterdir())
    with pytest.raises(UserError, match="is there already"):
        list(new_method_step("my-2nd.method", kind, tmp_path))


def test_the_files_of_new_methods_are_valid_whatever_their_names(tmp_path: Path) -> None:
    rules = set()
    for name in ("a-b", "a.b", "a_b", "1", "true", "lambda", "x.-_"):
        list(new_method_step(name, "program", tmp_path))
        (rule,) = re.findall(r"^rule (\w+):$", (tmp_path / name / "rule.smk").read_text(), re.M)
        assert rule.isidentifier()
        assert rule.startswith("method_")
        rules.add(rule)
        list(new_method_step(f"{name}-class", "reranker", tmp_path))
        assert isinstance(load_class(read_found(tmp_path / f"{name}-class")), type)
    assert len(rules) == 7
    list(new_method_step("false", "reranker", tmp_path))
    assert load_class(read_found(tmp_path / "false")).__name__ == "MethodFalse"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("mine", "rerank", "unknown kind 'rerank'"),
        ("a b", "reranker", "cannot be: use letters"),
        ("superglobal", "reranker", "a built-in method's"),
        ("n" * 101, "reranker", "has 101 characters: use at most 100"),
    ],
)
def test_a_new_method_that_cannot_be_is_refused(tmp_path: Path, name: str, kind: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        list(new_method_step(name, kind, tmp_path))
    with pytest.raises(UserError, match="there is no folder"):
        list(new_method_step("mine", "reranker", tmp_path / "absent"))


def rerank(folder: Path, method: Path, say_why: bool = False, *settings: str) -> Ranking | str:
    rng = np.random.default_rng(0)
    for name, count in (("queries", 3), ("database", 20)):
        np.save(folder / f"{name}.npy", unit_rows(rng, count, 8))
    return rerank_by_name(
        Wanted(str(method), 10, settings),
        folder / "queries.npy",
        [folder / "database.npy"],
        folder / "out.npz",
        say_why=say_why,
    )


def test_a_folder_s_class_reranks_by_its_path(tmp_path: Path) -> None:
    list(new_method_step("mine", "reranker", tmp_path))
    same = rerank(tmp_path, tmp_path / "mine", False, "neighbours=0")
    assert isinstance(same, Ranking)
    first = rerank(tmp_path, Path("none"))
    assert isinstance(first, Ranking)
    assert np.array_equal(same.indices, first.indices)
    assert same.about["method"] == "mine"
    with pytest.raises(UserError, match="it must be a whole number from 0 to 50"):
        rerank(tmp_path, tmp_path / "mine", True, "neighbours=51")
    list(new_method_step("program", "program", tmp_path))
    with pytest.raises(UserError, match="holds no class"):
        rerank(tmp_path, tmp_path / "program", True)


BODIES = {
    "raise RuntimeError('CUDA out of memory')": "it failed with RuntimeError: CUDA out of memory",
    "return candidates": "returned an order of the shape",
    "return np.zeros(candidates.shape[:2], int)": "each row must hold the places 0 to 9 once",
    "raise SystemExit(3)": "it ends Python itself with SystemExit: 3",
    "raise KeyboardInterrupt": "it ends Python itself with KeyboardInterrupt",
    "raise ValueError('caf\\udce9')": "it failed with ValueError: caf\\udce9",
}


@pytest.mark.parametrize("body", BODIES)
def test_a_class_that_fails_leaves_its_reason(tmp_path: Path, body: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "method.yaml").write_text("{label: m, stage: reranker, runs: python, python: 'm.py:M'}")
    (folder / "m.py").write_text(
        f"import numpy as np\nclass M:\n    def rerank(self, queries, candidates):\n        {body}\n"
    )
    with pytest.raises(UserError) as caught:
        rerank(tmp_path, folder)
    assert BODIES[body] in str(caught.value)
    assert not (tmp_path / "out.npz").exists()
    assert BODIES[body] in str(rerank(tmp_path, folder, True))
    assert BODIES[body] in str(reason_in(tmp_path / "out.npz"))
    record = json.loads((tmp_path / "out.record.json").read_text())
    assert BODIES[body] in record["parameters"]["cannot_run"]


def test_a_class_that_ends_python_at_import_leaves_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "method.yaml").write_text("{label: m, stage: reranker, runs: python, python: 'm.py:M'}")
    (folder / "m.py").write_text("import sys\nsys.exit()\n")
    assert rerank(tmp_path, folder, True) == "it ends Python itself with SystemExit"
    with pytest.raises(UserError, match="it ends Python itself with SystemExit"):
        rerank(tmp_path, folder)


def test_an_interrupt_from_without_remains_one(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "method.yaml").write_text("{label: m, stage: reranker, runs: python, python: 'm.py:M'}")
    (folder / "m.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    # As in a shell's foreground, whatever started the tests.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            rerank(tmp_path, folder, True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.parametrize(
    ("needs", "reason"),
    [
        ("packages: [no_such_package]", "package no_such_package missing"),
        ("weights: true", "weights missing"),
    ],
)
def test_what_a_method_needs_is_asked_before_it_runs(tmp_path: Path, needs: str, reason: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    text = f"{{label: m, stage: reranker, runs: python, python: 'm.py:M', needs: {{{needs}}}}}"
    (folder / "method.yaml").write_text(text)
    (folder / "m.py").write_text("raise SystemError('not to be loaded')")
    assert rerank(tmp_path, folder, True) == reason


@pytest.fixture
def program(tmp_path: Path) -> Path:
    list(new_method_step("mine", "program", tmp_path))
    return tmp_path / "mine"


def attempt(program: Path, script: str) -> tuple[int, str | None]:
    return attempt_step(program, script, program.parent / "left/order.npy", program.parent / "logs/log")


def test_a_program_that_does_its_work_leaves_its_file(program: Path) -> None:
    assert attempt(
        program,
        "echo said; echo 1 > left.txt; mv left.txt left/order.npy; rm -f left.txt".replace(
            "left", str(program.parent / "left")
        ),
    ) == (0, None)
    assert (program.parent / "left/order.npy").read_text() == "1\n"
    assert (program.parent / "logs/log").read_text() == "said\n"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo begun; false; echo not reached", "its program ended with the exit code 1: begun"),
        ("no_such_program_here", "its program ended with the exit code 127: "),
        ("false | true", "its program ended with the exit code 1"),
        ("true", "its program ended well, but left no order.npy"),
        ("mkdir {out}; touch {out}/inside", "its program ended well, but left no order.npy"),
        ("exit 143", "its program ended with the exit code 143"),
        ("exit 130", "its program ended with the exit code 130"),
        ("kill -TERM $$", "its program was stopped by the signal 15"),
        ("printf 'caf\\351'; exit 1", "its program ended with the exit code 1: caf"),
        ("kill -KILL $$", "its program was killed, perhaps for want of memory"),
    ],
)
def test_a_program_that_fails_leaves_its_reason(program: Path, script: str, reason: str) -> None:
    code, found = attempt(program, script.format(out=program.parent / "left/order.npy"))
    assert code == 0
    assert str(found).startswith(reason)
    assert reason_in(program.parent / "left/order.npy") == found


@pytest.mark.parametrize(("signal_name", "code"), [("TERM", 143), ("INT", 130)])
def test_a_program_that_somebody_stops_leaves_nothing(program: Path, signal_name: str, code: int) -> None:
    # $PPID is the step itself.
    script = f"touch {program.parent}/left/order.npy; kill -{signal_name} $PPID; sleep 5"
    assert attempt(program, script) == (code, None)
    assert not (program.parent / "left/order.npy").exists()


def test_the_template_of_a_descriptor_describes_images(tmp_path: Path) -> None:
    list(new_method_step("mine", "descriptor", tmp_path))
    write_pictures(tmp_path / "images", ["a", "b", "c"])
    hand_over_images_step(tmp_path / "images", tmp_path / "given")
    program = [sys.executable, str(tmp_path / "mine/program.py"), "given", "rows.npy", "--side", "4"]
    subprocess.run(program, cwd=tmp_path, check=True)
    rows, images = tmp_path / "rows.npy", tmp_path / "images"
    assert adopt_descriptors_step(rows, images, tmp_path / "out", method="mine", parameters={}) is None
    assert FeatureStore.open(tmp_path / "out").shape == (3, 16)


def test_a_digest_follows_a_folder_s_files(program: Path) -> None:
    before = folder_digest(program)
    (program / "__pycache__").mkdir()
    (program / "__pycache__/x.pyc").write_bytes(b"x")
    assert folder_digest(program) == before
    (program / "program.py").write_text("another")
    assert folder_digest(program) != before


def test_a_program_s_descriptors_are_adopted_in_the_images_order(tmp_path: Path) -> None:
    files = write_pictures(tmp_path / "images", ["b", "a"])
    (tmp_path / "boxes.txt").write_text("a 1 2 50 60\nb 3 4 70 80\n")
    count = hand_over_images_step(tmp_path / "images", tmp_path / "given", tmp_path / "boxes.txt")
    lines = (tmp_path / "given/images.tsv").read_text().splitlines()
    assert (count, lines[0]) == (2, "id\tpath\tx1\ty1\tx2\ty2")
    assert lines[1].split("\t") == ["a", str(files[1].resolve()), "1.0", "2.0", "50.0", "60.0"]
    assert cv2.imread(lines[2].split("\t")[1]) is not None
    rows = unit_rows(np.random.default_rng(0), 2, 4)

    def adopt(array: np.ndarray, say_why: bool = False) -> str | None:
        np.save(tmp_path / "rows.npy", array)
        arguments = (tmp_path / "rows.npy", tmp_path / "images", tmp_path / "out")
        return adopt_descriptors_step(*arguments, method="mine", parameters={}, say_why=say_why)

    assert adopt(rows) is None
    store = FeatureStore.open(tmp_path / "out")
    assert store.ids == ["a", "b"]
    assert np.array_equal(store.all_rows(), rows)
    for wrong, message in (
        (rows[:1], "rows.npy has 1 rows for 2 images"),
        (3 * rows, "row 0 of rows.npy has the length 3"),
        (np.full((2, 4), np.nan), "row 0 of rows.npy has the length nan"),
        (np.ones((2, 4), int), "floats are needed"),
    ):
        with pytest.raises(UserError, match=message):
            adopt(wrong)
        assert message in str(adopt(wrong, say_why=True))
        assert message in str(reason_in(tmp_path / "out"))
        assert message in str(gather_step([tmp_path / "out"], tmp_path / "gathered", count=1))
        assert message in str(reason_in(tmp_path / "gathered"))
        assert not list((tmp_path / "out").glob("shard-*"))
