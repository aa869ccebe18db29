"""Local features on disk: ragged arrays back as they were, and extractions that are killed, repeated, mixed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import write_pictures
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from superglobal_core.data.images import ImageError, ImageFile, list_images, read_image
from superglobal_core.errors import UserError
from superglobal_core.features.local_extraction import extract_local
from superglobal_core.features.local_store import LocalStore
from superglobal_core.features.shard_run import Extraction
from superglobal_core.features.store import FeatureStore

MADE_WITH = {"code": "as it is"}


class Points:
    """As many points as an image's first pixel says, and a map of the image's size."""

    kind = "points"

    def __init__(self, factor: float = 1.0) -> None:
        self.settings = {"factor": factor}
        self.images = 0

    def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
        self.images += 1
        count = max(int(image[0, 0, 0]) % 7 - 2, 0)
        points = np.arange(2 * count, dtype=np.float32).reshape(count, 2) * self.settings["factor"]
        return {
            "keypoints": points,
            "scores": np.arange(count, dtype=np.float16),
            "map": np.ascontiguousarray(image.transpose(2, 0, 1)[:, ::10, ::20]).astype(np.float16),
        }


def make(files: list[ImageFile], out: Path, extractor: Any = None, **options: Any) -> Extraction:
    return extract_local(
        files, extractor or Points(), out, **({"made_with": MADE_WITH, "shard_size": 3} | options)
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def files(tmp_path: Path) -> list[ImageFile]:
    write_pictures(tmp_path / "images", [f"{number:02}" for number in range(7)])
    return list_images(tmp_path / "images")


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and np.array_equal(one[name], other[name]) for name in one
    )


def test_what_is_written_comes_back(files: list[ImageFile], tmp_path: Path) -> None:
    done = make(files, tmp_path / "out")
    assert (done.shards, done.found_done, done.described, done.skipped) == (3, 0, 7, [])
    store = LocalStore.open(tmp_path / "out")
    assert store.ids == [file.id for file in files]
    assert len(store) == 7
    assert store.kind == "points"
    assert store.about["factor"] == 1.0
    assert store.about["exif"] == "applied"
    assert store.made_with == MADE_WITH | {"boxes_sha256": None}
    expected = [Points()(read_image(file.path)) for file in files]
    assert {len(features["scores"]) for features in expected} > {0}, "no image without features among them"
    for row, file in enumerate(files):
        assert same(store[row], expected[row])
        assert same(store.by_id(file.id), expected[row])
    stored = sum(array.nbytes for features in expected for array in features.values())
    assert store.bytes_per_image == stored / 7
    on_disk = sum(path.stat().st_size for path in store.files())
    assert stored < on_disk < stored + 9 * 200
    store.release()
    assert same(store[6], expected[6])
    assert [len(features["scores"]) for features in store] == [
        len(features["scores"]) for features in expected
    ]


def test_an_array_is_read_from_the_file_when_used(files: list[ImageFile], tmp_path: Path) -> None:
    make(files, tmp_path / "out")
    store = LocalStore.open(tmp_path / "out")
    for path in store.files():
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"shard-00000\.keypoints\.npy"):
        store[0]


def test_the_same_command_gives_the_same_bytes(files: list[ImageFile], tmp_path: Path) -> None:
    make(files, tmp_path / "one")
    make(files, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert set(contents(tmp_path / "one")) == {
        f"shard-0000{number}.{name}"
        for number in range(3)
        for name in ("json", "keypoints.npy", "scores.npy", "map.npy")
    }
    loaded = np.load(tmp_path / "one" / "shard-00000.keypoints.npy")
    assert (loaded.ndim, loaded.dtype) == (2, np.float32)


def test_done_shards_are_kept_and_others_made_again(files: list[ImageFile], tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(files, out)
    before = contents(out)
    (out / "shard-00001.json").unlink()
    (out / "shard-00002.scores.npy").write_bytes(b"damaged")
    (out / ".partial-left").write_bytes(b"by a killed run")
    extractor = Points()
    assert make(files, out, extractor).found_done == 1
    assert extractor.images == 4
    assert contents(out) == before
    assert make(files, out, extractor).found_done == 3
    assert extractor.images == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"extractor": Points(2.0)}, "factor: 1.0, now 2.0"),
        ({"made_with": {"code": "another"}}, "code: 'as it is', now 'another'"),
        ({"shard_size": 4}, "the images|shards"),
    ],
)
def test_other_settings_are_refused(
    files: list[ImageFile], tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    make(files, tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(UserError, match=message):
        make(files, tmp_path / "out", **options)
    assert contents(tmp_path / "out") == before
    done = make(files, tmp_path / "out", **options, replace=True)
    assert done.described == 7
    assert len(LocalStore.open(tmp_path / "out")) == 7


def test_another_picture_of_the_same_name_is_refused(files: list[ImageFile], tmp_path: Path) -> None:
    make(files, tmp_path / "out")
    files[0].path.write_bytes(files[1].path.read_bytes())
    with pytest.raises(UserError, match="the images"):
        make(files, tmp_path / "out")


def test_bad_images_are_listed_or_left_out(files: list[ImageFile], tmp_path: Path) -> None:
    files[1].path.write_bytes(files[1].path.read_bytes()[:200])
    files[5].path.write_bytes(b"")
    with pytest.raises(
        UserError, match=r"2 of 7 images cannot be used: 01 is cut short.*05 is an empty file"
    ):
        make(files, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir()), "shards before and behind the bad image"
    done = make(files, tmp_path / "out", on_error="skip")
    assert [entry["id"] for entry in done.skipped] == ["01", "05"]
    store = LocalStore.open(tmp_path / "out")
    assert store.skipped == ["01", "05"]
    assert store.ids == ["00", "02", "03", "04", "06"]
    assert len(store[4]["map"]) == 3
    before = contents(tmp_path / "out")
    with pytest.raises(UserError, match="2 of 7 images"):
        make(files, tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_a_shard_may_hold_no_image_at_all(files: list[ImageFile], tmp_path: Path) -> None:
    files[2].path.write_bytes(b"")
    make(files, tmp_path / "out", on_error="skip", shard_size=1)
    store = LocalStore.open(tmp_path / "out")
    assert store.ids == ["00", "01", "03", "04", "05", "06"]
    assert same(store[2], Points()(read_image(files[3].path)))
    assert make(files, tmp_path / "out", on_error="skip", shard_size=1).found_done == 7


def test_an_extractor_may_refuse_an_image(files: list[ImageFile], tmp_path: Path) -> None:
    class Refusing(Points):
        def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
            raise ImageError("is not liked")

    with pytest.raises(UserError, match="1 of 7 images cannot be used: 00 is not liked"):
        make(files, tmp_path / "out", Refusing())
    with pytest.raises(UserError, match="none of the 7 images"):
        make(files, tmp_path / "out", Refusing(), on_error="skip")
    assert not list((tmp_path / "out").iterdir())


def test_boxes_cut_the_images_and_are_compared(files: list[ImageFile], tmp_path: Path) -> None:
    boxes = {file.id: (0.0, 0.0, 50.0, 40.0) for file in files}
    make(files, tmp_path / "out", boxes=boxes)
    assert LocalStore.open(tmp_path / "out")[0]["map"].shape == (3, 4, 3)
    with pytest.raises(UserError, match="boxes_sha256"):
        make(files, tmp_path / "out")
    with pytest.raises(UserError, match="1 of 7 images have no box: 06"):
        make(files, tmp_path / "other", boxes={name: box for name, box in boxes.items() if name != "06"})


def test_kinds_do_not_mix(files: list[ImageFile], tmp_path: Path) -> None:
    class Others(Points):
        kind = "others"

    make(files[:3], tmp_path / "one")
    make(files[3:], tmp_path / "two", Others())
    with pytest.raises(UserError, match=r"made in different ways .kind: 'points' and 'others'"):
        LocalStore.open(tmp_path / "one", tmp_path / "two")
    make(files[3:], tmp_path / "three")
    store = LocalStore.open(tmp_path / "one", tmp_path / "three")
    assert store.ids == [file.id for file in files]
    assert same(store[3], LocalStore.open(tmp_path / "three")[0])
    twice = LocalStore.open(tmp_path / "one", tmp_path / "one")
    with pytest.raises(UserError, match="two images are named '00'"):
        twice.by_id("00")
    with pytest.raises(UserError, match="unknown image '0'"):
        store.by_id("0")
    with pytest.raises(IndexError):
        store[7]


def test_what_is_no_store_is_refused(files: list[ImageFile], tmp_path: Path) -> None:
    out = tmp_path / "out"
    for path, message in ((tmp_path / "absent", "does not exist"), (tmp_path / "images", "holds no shards")):
        with pytest.raises(UserError, match=message):
            LocalStore.open(path)
    with pytest.raises(UserError, match="no folder"):
        LocalStore.open()
    make(files, out)
    with pytest.raises(UserError, match="holds no shards"):
        FeatureStore.open(out)
    sidecar = json.loads((out / "shard-00001.json").read_text())
    for change, message in (
        ({"ids": ["one"]}, "'keypoints' is wrong"),
        ({"ids": 3}, "'ids' is wrong"),
        ({"fields": {**sidecar["fields"], "none": sidecar["fields"]["map"]}}, "none.npy is missing"),
    ):
        (out / "shard-00001.json").write_text(json.dumps(sidecar | change))
        with pytest.raises(UserError, match=message):
            LocalStore.open(out)
    (out / "shard-00001.json").write_text("{}")
    with pytest.raises(UserError, match="is not a sidecar of local features"):
        LocalStore.open(out)
    (out / "shard-00001.json").unlink()
    with pytest.raises(UserError, match=r"lacks 1 of 3 shards .shard-00001."):
        LocalStore.open(out)
    (tmp_path / "global").mkdir()
    (tmp_path / "global" / "shard-00000.json").write_text(json.dumps({"ids": ["a"], "descriptor": {}}))
    with pytest.raises(UserError, match="holds global descriptors"):
        LocalStore.open(tmp_path / "global")


def test_a_careless_extractor_is_found_out(files: list[ImageFile], tmp_path: Path) -> None:
    class Careless(Points):
        def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
            self.images += 1
            return {"points": np.zeros((2, self.images))}

    with pytest.raises(ValueError, match=r"'points' as float64 \[2, 2\]"):
        make(files, tmp_path / "out", Careless())
    assert not list((tmp_path / "out").iterdir())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    counts=st.lists(st.integers(0, 5), min_size=1, max_size=5),
    sizes=st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=5, max_size=5),
    shard_size=st.integers(1, 3),
    dtype=st.sampled_from(["float16", "float32", "uint8", "int64"]),
)
def test_any_ragged_arrays_come_back(
    tmp_path_factory: pytest.TempPathFactory,
    counts: list[int],
    sizes: list[tuple[int, int]],
    shard_size: int,
    dtype: str,
) -> None:
    folder = tmp_path_factory.mktemp("ragged")
    write_pictures(folder / "images", [str(number) for number in range(len(counts))], height=8, width=8)
    rng = np.random.default_rng(0)
    given_arrays = [
        {
            "rows": rng.integers(0, 200, (count, 3)).astype(dtype),
            "flat": rng.integers(0, 200, count).astype(dtype),
            "maps": rng.integers(0, 200, (2, *size)).astype(dtype),
        }
        for count, size in zip(counts, sizes, strict=False)
    ]

    class Given:
        kind, settings = "given", {}
        upcoming = iter(given_arrays)

        def __call__(self, image: np.ndarray) -> dict[str, np.ndarray]:
            return next(self.upcoming)

    make(list_images(folder / "images"), folder / "out", Given(), shard_size=shard_size)
    for found, expected in zip(LocalStore.open(folder / "out"), given_arrays, strict=True):
        assert same(found, expected)


SCRIPT = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_local_store import Points, make
from superglobal_core.data.images import list_images
class Slow(Points):
    def __call__(self, image):
        time.sleep(0.01)
        return super().__call__(image)
make(list_images({images!r}), Path({out!r}), Slow(), shard_size=2)
"""


def test_killed_and_gone_on_gives_the_same_bytes(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", [f"{number:02}" for number in range(30)])
    files = list_images(tmp_path / "images")
    make(files, tmp_path / "whole", shard_size=2)
    whole, out = contents(tmp_path / "whole"), tmp_path / "out"
    script = SCRIPT.format(tests=str(Path(__file__).parent), images=str(tmp_path / "images"), out=str(out))
    paths = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]
    killed = 0
    for wanted in (2, 5):
        process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.path[:0] = {paths}\n{script}"],
            stderr=subprocess.PIPE,
        )
        while process.poll() is None and len(list(out.glob("shard-*.json"))) < wanted:
            time.sleep(0.002)
        time.sleep(0.012)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        left = {path.name for path in out.glob("shard-*")}
        for path in out.glob("shard-*.json"):
            assert path.read_bytes() == whole[path.name]
            assert {name for name in whole if name.startswith(path.stem)} <= left
    assert killed == 2, "the extraction ended, or failed, before it was killed"
    done = make(files, out, shard_size=2)
    assert 5 <= done.found_done < 15
    assert contents(out) == whole
