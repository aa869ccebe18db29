"""Every kind of bad input is one line with exit code 2, and leaves nothing behind."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import Run, write_pictures
from small_data import DIMENSION, IMAGES, KIND, LABELS, Data

from superglobal_core.features.shards import write_shard


@pytest.fixture
def broken(tmp_path: Path, data: Data, checkpoint: Path) -> dict[str, Path]:
    """Files of every kind, good and bad, by a short name."""
    bad = tmp_path / "bad"
    bad.mkdir()
    nan = data.database_array.copy()
    nan[17, 3] = np.nan
    np.save(bad / "nan.npy", nan)
    np.save(bad / "nan_q.npy", np.full_like(data.query_array, np.nan))
    np.save(bad / "wide.npy", np.ones((3, DIMENSION + 1), np.float32))
    np.save(bad / "flat.npy", np.ones(4))
    np.save(bad / "objects.npy", np.array([[{}]], dtype=object))
    np.save(bad / "float_ranks.npy", np.zeros((len(LABELS), 3)))
    np.save(bad / "twice.npy", np.zeros((len(LABELS), 3), int))
    np.save(bad / "two_rows.npy", np.zeros((2, IMAGES)))
    np.save(bad / "words.npy", np.array([["a"] * IMAGES] * len(LABELS)))
    np.savez(bad / "other.npz", something=np.zeros(3))
    (bad / "cut.npy").write_bytes(data.database.read_bytes()[:500])
    (bad / "text.npz").write_text("hello")
    (bad / "text.npy").write_text("hello")
    (bad / "text.pkl").write_text("hello")
    (bad / "empty").mkdir()
    (bad / "code.pkl").write_bytes(b"cos\nsystem\n(S'echo ran >&2'\ntR.")
    (bad / "boxes.txt").write_text("a 1 2 3\n")
    (bad / "no_boxes.txt").write_text("b 1 2 300 400\n")
    (bad / "checkpoint.pth").write_bytes(checkpoint.read_bytes()[:1000])
    (bad / "code.pth").write_bytes(pickle.dumps(print))
    write_pictures(bad / "images", ["a"])
    (bad / "list.txt").write_text("images/absent.png\n")
    np.savez(bad / "codes.npz", names=np.array(["a"]), codes=np.zeros((2, 3), np.uint8))
    np.savez(bad / "few.npz", names=np.array(["query_0"]), codes=np.zeros((1, 3), np.uint8))
    files = {path.name: path for path in bad.iterdir()}
    good = {
        "q": data.queries,
        "db": data.database,
        "gnd": data.groundtruth,
        "mini": checkpoint,
        "file": data.queries,
    }
    return files | good | {"absent": bad / "absent", "out": tmp_path / "result"}


SEARCH = "search --queries {q} --database {db} --out {out}.npz"


RERANK = "rerank --queries {q} --database {db} --out {out}.npz"


EVALUATE = "evaluate --groundtruth {gnd} --out {out}.json"


EXTRACT = "extract --images {images} --backbone mini --checkpoint {mini} --device cpu --out {out}"


BAD = {
    # the parser
    "serch": "there is no verb 'serch': did you mean 'search'?",
    "search": "Missing option",
    "search --queries": "requires an argument",
    SEARCH + " --k many": "Invalid value for '--k'",
    SEARCH + " --colour red": "No such option",
    SEARCH + " extra": "unexpected extra argument",
    # search
    SEARCH + " --k 0": "k is 0",
    SEARCH + " --k -3": "k is -3",
    SEARCH + " --device tpu": "unknown device 'tpu': choose from auto, cpu, cuda",
    SEARCH + " --database {absent}": "does not exist",
    SEARCH + " --database {absent}.npy": "does not exist",
    SEARCH + " --database {empty}": "holds no shards",
    SEARCH + " --database {text.npz}": "neither a .npy file nor a folder of shards",
    SEARCH + " --database {text.npy}": "not a whole .npy file",
    SEARCH + " --database {cut.npy}": "not a whole .npy file",
    SEARCH + " --database {objects.npy}": "not a whole .npy file",
    SEARCH + " --database {flat.npy}": "rows x dimensions",
    SEARCH + " --database {wide.npy}": "17 dimensions",
    SEARCH + " --database {nan.npy}": "row 57 of",
    SEARCH + " --queries {wide.npy}": "17 dimensions and the database 16",
    SEARCH + " --queries {nan_q.npy}": "queries hold NaN",
    SEARCH + " --groundtruth {absent}": "cannot read the ground truth",
    SEARCH + " --groundtruth {text.pkl}": "damaged or no pickle",
    SEARCH + " --groundtruth {code.pkl}": "asks for 'os.system'",
    SEARCH + " --queries {two_rows.npy} --database {two_rows.npy} --groundtruth {gnd}": "dimensions",
    "search --queries {q} --database {q} --groundtruth {gnd} --out {out}.npz": "the database has 4 rows",
    "search --queries {q} --database {db} --out {empty}": "it is a folder",
    "search --queries {q} --database {db} --out {file}/a.npz": "cannot write",
    # rerank
    RERANK + " --method superglobl": "did you mean 'superglobal'",
    RERANK + " --shortlist 0": "shortlist is 0",
    RERANK + " --neighbours -1": "neighbours is -1",
    RERANK + " --beta -1": "beta is -1",
    RERANK + " --beta nan": "beta is nan",
    RERANK + " --top 0": "--top is 0",
    RERANK + " --method none --beta 0.1": "'none' has no parameter --beta",
    RERANK + " --set gamma=3": "'superglobal' has no parameter 'gamma'",
    RERANK + " --set beta": "--set beta: write NAME=VALUE",
    RERANK + " --set beta=high": "beta is high",
    RERANK + " --beta 1 --set beta=1": "--set beta=1: beta is given already",
    RERANK + " --set shortlist=5": "shortlist is given already, as 400",
    RERANK + " --method k-reciprocal --set k1=2.5": "k1 is 2.5",
    RERANK + " --search {absent}": "cannot read",
    RERANK + " --search {text.npz}": "not a whole .npz file",
    RERANK + " --search {other.npz}": "no array 'indices'",
    RERANK + " --database {nan.npy} --top 5": "row 57 of",
    RERANK + " --groundtruth {text.pkl}": "damaged or no pickle",
    # evaluate
    EVALUATE: "either --ranks or --scores",
    EVALUATE + " --ranks {db} --scores {db}": "either --ranks or --scores",
    EVALUATE + " --ranks {absent}.npy": "cannot read",
    EVALUATE + " --ranks {absent}.npz": "cannot read",
    EVALUATE + " --ranks {text.npz}": "not a whole .npz file",
    EVALUATE + " --ranks {text.npy}": "not a whole .npy file",
    EVALUATE + " --ranks {other.npz}": "no array 'indices' (it has something)",
    EVALUATE + " --ranks {float_ranks.npy}": "holds float64 values",
    EVALUATE + " --ranks {twice.npy}": "names an image twice: 0",
    EVALUATE + " --ranks {db}": "the shape 40 x 16, but the ground truth has 4 queries",
    EVALUATE + " --scores {two_rows.npy}": "the shape 2 x 40, but the ground truth has 4 queries",
    EVALUATE + " --scores {flat.npy}": "the shape 4, but",
    EVALUATE + " --scores {words.npy}": "numbers are needed",
    EVALUATE + " --scores {objects.npy}": "not a whole .npy file",
    EVALUATE + " --scores {q}": "has 16 columns, but the ground truth names",
    EVALUATE + " --ranks {db} --bootstrap -1": "--bootstrap is -1",
    "evaluate --groundtruth {absent} --ranks {db} --out {out}.json": "cannot read the ground truth",
    "evaluate --groundtruth {code.pkl} --ranks {db} --out {out}.json": "asks for 'os.system'",
    "evaluate --groundtruth {gnd} --ranks {db} --out {empty}": "it is a folder",
    # extract
    EXTRACT + " --scales one": "--scales one: give numbers with commas",
    EXTRACT + " --scales ,": "scales is empty",
    EXTRACT + " --scales 0": "scale 0 is outside",
    EXTRACT + " --scales nan": "scale nan is outside",
    EXTRACT + " --relup maybe": "unknown relup 'maybe'",
    EXTRACT
    + " --preset best": "unknown preset 'best': choose from cvnet, cvnet-global, official, paper, superg",
    EXTRACT + " --gem-plus-p 0.5": "gem_plus_p is 0.5: give an exponent from 1",
    EXTRACT + " --gem-plus-p nan": "gem_plus_p is nan",
    EXTRACT + " --regional-p inf": "regional_p is inf",
    EXTRACT + " --relup-alpha -1": "relup_alpha is -1: give a finite floor",
    EXTRACT + " --relup-alpha nan": "relup_alpha is nan",
    EXTRACT + " --backbone vgg": "unknown backbone 'vgg'",
    EXTRACT + " --backbone resnet50": "does not fit --backbone resnet50",
    EXTRACT + " --precision float8": "unknown precision 'float8'",
    EXTRACT + " --device tpu": "unknown device 'tpu'",
    EXTRACT + " --shard-size 0": "shard-size is 0",
    EXTRACT + " --on-error ignore": "unknown on-error 'ignore'",
    EXTRACT + " --checkpoint {absent}": "there is no checkpoint",
    EXTRACT + " --checkpoint {checkpoint.pth}": "cannot be read as a checkpoint",
    EXTRACT + " --checkpoint {code.pth}": "cannot be read as a checkpoint",
    EXTRACT + " --images {absent}": "no folder or list of images",
    EXTRACT + " --images {empty}": "holds no image",
    EXTRACT + " --images {list.txt}": "do not exist",
    EXTRACT + " --boxes {absent}": "no file of boxes",
    EXTRACT + " --boxes {boxes.txt}": "a box is four numbers",
    EXTRACT + " --boxes {no_boxes.txt}": "1 of 1 images have no box: a",
    EXTRACT + " --boxes {code.pkl}": "asks for 'os.system'",
    "extract --images {images} --backbone resnet50 --out {out}": "needs a --checkpoint",
    "extract --images {images} --backbone mini --checkpoint {mini} --device cpu --out {file}": "cannot write into",
    # codes, lists
    "codes --codes {absent} --groundtruth {gnd} --out {out}": "cannot read",
    "codes --codes {other.npz} --groundtruth {gnd} --out {out}": "must hold the arrays 'names' and 'codes'",
    "codes --codes {codes.npz} --groundtruth {gnd} --out {out}": "1 names for 2 codes",
    "codes --codes {few.npz} --groundtruth {gnd} --out {out}": "lacks 3 of the 4 images",
    "codes --codes {few.npz} --groundtruth {gnd} --bits 25 --out {out}": "bits is 25, but a code holds 24",
    "lists --groundtruth {gnd} --query-images {images} --database-images {images} --out {out}": "lacks 4 of the 4",
}


@pytest.mark.parametrize("command", BAD)
def test_bad_input_is_one_line(tmp_path: Path, run: Run, broken: dict[str, Path], command: str) -> None:
    arguments = command.split()
    for name, path in broken.items():
        arguments = [argument.replace("{" + name + "}", str(path)) for argument in arguments]
    assert "{" not in "".join(arguments)
    done = run(*arguments)
    assert done.code == 2
    assert len(done.err.splitlines()) == 1, done.err
    assert done.err.startswith("superglobal: ")
    assert BAD[command] in done.err
    assert done.out == ""
    left = [path for path in tmp_path.glob("result*") if path.is_file() or any(path.iterdir())]
    assert left == []


def test_bad_input_leaves_an_older_output_alone(tmp_path: Path, data: Data, run: Run) -> None:
    out = tmp_path / "r.npz"
    base = ("search", "--queries", data.queries, "--database", data.database, "--out", out)
    assert run(*base).code == 0
    before = out.read_bytes()
    assert run(*base, "--database", tmp_path / "absent").code == 2
    assert out.read_bytes() == before


def test_a_search_of_other_descriptors_is_refused(
    tmp_path: Path, data: Data, shuffled: tuple[Path, Path], run: Run, write_groundtruth: Callable[..., Path]
) -> None:
    stores = ("--queries", data.queries, "--database", data.database)
    search = ("--search", tmp_path / "s.npz", "--out", tmp_path / "r.npz")

    def refused(message: str, *arguments: object) -> None:
        done = run("rerank", *arguments, *search)
        assert done.code == 2
        assert len(done.err.splitlines()) == 1
        assert message in done.err
        assert not (tmp_path / "r.npz").exists()

    assert run("search", *stores, "--k", 10, "--out", tmp_path / "s.npz").code == 0
    refused("is a search of other descriptors", *stores, "--database", data.distractors, "--shortlist", 5)
    refused("fewer than the shortlist of 20: search again with --k 20", *stores, "--shortlist", 20)
    refused(
        "was searched without a --groundtruth", *stores, "--groundtruth", data.groundtruth, "--shortlist", 5
    )
    refused("queries", "--queries", data.distractors, "--database", data.database, "--shortlist", 5)
    named = ("--groundtruth", data.groundtruth)
    assert run("search", *stores, *named, "--k", 10, "--out", tmp_path / "s.npz").code == 0
    refused("was searched with a --groundtruth", *stores, "--shortlist", 5)
    other = write_groundtruth(IMAGES, [*LABELS[:3], ([13], [], [])], "gnd_other.pkl")
    refused("give the same one to both steps", *stores, "--groundtruth", other, "--shortlist", 5)
    done = run(
        "evaluate", "--groundtruth", other, "--ranks", tmp_path / "s.npz", "--out", tmp_path / "e.json"
    )
    assert done.code == 2
    assert "searched with another ground truth" in done.err


def test_a_search_of_the_same_images_in_another_order_is_refused(
    tmp_path: Path, data: Data, shuffled: tuple[Path, Path], run: Run
) -> None:
    queries, database = shuffled
    assert run("search", "--queries", queries, "--database", database, "--out", tmp_path / "s.npz").code == 0
    for name, kind, array in (("q2", "query", data.query_array), ("db2", "image", data.database_array)):
        (tmp_path / name).mkdir()
        ids = [f"{kind}_{row}" for row in range(len(array))]
        write_shard(tmp_path / name / "shard-00000", ids, array, KIND)
    for other in ((tmp_path / "q2", database), (queries, tmp_path / "db2")):
        done = run(
            *("rerank", "--queries", other[0], "--database", other[1], "--shortlist", 5),
            *("--search", tmp_path / "s.npz", "--out", tmp_path / "r.npz"),
        )
        assert done.code == 2
        assert "is a search of other" in done.err
