"""The synthetic landmarks: the same seed gives the same bytes, and labels that follow from geometry."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.data.landmarks import make_landmarks
from superglobal_core.data.landmarks.buildings import build
from superglobal_core.data.landmarks.genome import STYLES, draw_genome, relative
from superglobal_core.data.landmarks.labels import EASY, HARD, label, query_box
from superglobal_core.data.landmarks.photograph import LANDMARK, Measurement
from superglobal_core.data.landmarks.raster import Canvas, silhouette
from superglobal_core.data.landmarks.views import draw_view, place_camera
from superglobal_core.data.landmarks.weather import light_of
from superglobal_core.errors import UserError

SMALL = {"seed": 5, "size": 128, "landmarks": 2, "distractors": 6}


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("landmarks") / "set"
    make_landmarks(folder, **SMALL, processes=1)
    return folder


def test_layout_is_the_real_one(small: Path) -> None:
    truth = load_groundtruth(small / "gnd_landmarks.pkl")
    assert len(truth.image_names) == 40
    assert len(truth.query_names) == 3
    for folder, names in (("database", truth.image_names), ("queries", truth.query_names)):
        # A folder read in name order agrees with the ground truth.
        assert [path.stem for path in sorted((small / folder).glob("*.jpg"))] == list(names)
    assert len(list((small / "distractors").glob("*.jpg"))) == 6
    assert not set(truth.image_names) & set(truth.query_names)
    assert (small / "contact_sheet.jpg").stat().st_size < 400_000
    assert not (small / ".progress").exists()


def test_every_query_has_positives_and_disjoint_labels(small: Path) -> None:
    truth = load_groundtruth(small / "gnd_landmarks.pkl")
    for query in truth.queries:
        assert len(query.easy) >= 2
        assert len(query.hard) >= 2
        everything = [*query.easy, *query.hard, *query.junk]
        assert len(set(everything)) == len(everything) == 13


def test_boxes_lie_inside_and_are_large_enough_for_the_network(small: Path) -> None:
    truth = load_groundtruth(small / "gnd_landmarks.pkl")
    for name, query in zip(truth.query_names, truth.queries, strict=True):
        height, width = cv2.imread(str(small / "queries" / f"{name}.jpg")).shape[:2]
        x1, y1, x2, y2 = query.box
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        assert int(x2) - int(x1) >= 94
        assert int(y2) - int(y1) >= 94


def test_labels_can_be_computed_again_from_the_geometry(small: Path) -> None:
    truth = load_groundtruth(small / "gnd_landmarks.pkl")
    shown = {image["name"]: (record, image) for record in json.loads((small / "geometry.json").read_text())
             for image in record["images"]}  # fmt: skip
    for name, query in zip(truth.query_names, truth.queries, strict=True):
        record, asked = shown[name]
        for kind in ("easy", "hard", "junk"):
            for index in getattr(query, kind):
                other, image = shown[truth.image_names[index]]
                assert other["job"] == record["job"]
                cosine = np.clip(np.dot(image["direction"], asked["direction"]), -1, 1)
                angle = np.degrees(np.arccos(cosine))
                good = [
                    image["visible"] >= limit.visible
                    and image["extent"] >= limit.extent
                    and angle <= limit.angle_deg
                    for limit in (EASY, HARD)
                ]
                assert kind == ("easy" if good[0] else "hard" if good[1] else "junk")


def test_processes_do_not_change_a_byte(small: Path, tmp_path: Path) -> None:
    make_landmarks(tmp_path / "set", **SMALL, processes=2)
    assert digests(tmp_path / "set") == digests(small)


def test_an_interrupted_run_goes_on_to_the_same_bytes(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    shutil.copytree(small, folder)
    # As if killed: some images missing, no record of one building, nothing written at the end.
    for name in ("MANIFEST.json", "gnd_landmarks.pkl", "geometry.json", "contact_sheet.jpg"):
        (folder / name).unlink()
    for path in sorted((folder / "database").glob("*.jpg"))[::3]:
        path.unlink()
    (folder / ".progress").mkdir()
    parameters = json.loads((small / "MANIFEST.json").read_text())["parameters"]
    (folder / ".progress" / "parameters.json").write_text(json.dumps(parameters))
    make_landmarks(folder, **SMALL, processes=1)
    assert digests(folder) == digests(small)


def test_a_finished_folder_is_left_alone_and_mended_when_an_image_is_gone(
    small: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    shutil.copytree(small, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}
    make_landmarks(folder, **SMALL, processes=1)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")} == before
    sorted((folder / "distractors").glob("*.jpg"))[0].unlink()
    make_landmarks(folder, **SMALL, processes=1)
    assert digests(folder) == digests(small)


def test_seeds_differ(small: Path, tmp_path: Path) -> None:
    make_landmarks(tmp_path, seed=6, size=128, landmarks=1, distractors=0, processes=1)
    one, other = (digests(folder / "queries") for folder in (small, tmp_path))
    assert one["q_0000.jpg"] != other["q_0000.jpg"]
    assert list((tmp_path / "distractors").glob("*")) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"landmarks": 0}, "landmarks is 0"),
        ({"size": 95}, "size is 95"),
        ({"distractors": -1}, "distractors is -1"),
        ({"seed": -3}, "seed is -3"),
        ({"processes": 0}, "processes is 0"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(tmp_path: Path, arguments: dict[str, int], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make_landmarks(tmp_path / "set", **arguments)
    assert not (tmp_path / "set").exists()


def test_another_set_in_the_folder_is_never_overwritten(small: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="seed 5 instead of 4"):
        make_landmarks(small, **{**SMALL, "seed": 4})
    (tmp_path / "database").mkdir()
    with pytest.raises(UserError, match="unknown origin"):
        make_landmarks(tmp_path, **SMALL)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        make_landmarks(tmp_path / "file", **SMALL)


@pytest.mark.parametrize("style", STYLES)
def test_a_whole_building_in_view_is_measured_as_visible(style: str) -> None:
    """What the rasteriser draws agrees with the outline that visibility is measured against."""
    rng = np.random.default_rng(11)
    building = build(draw_genome(rng, style))
    view = draw_view(rng, 256, "query")
    camera = place_camera(building, view, 300, 300)
    canvas = Canvas(300, 300)
    light = light_of("clear", 0.4, 0.7)
    for face in building.faces:
        canvas.draw(face, camera, light, LANDMARK)
    drawn = int((canvas.owner == LANDMARK).sum())
    area, (x1, y1, x2, y2) = silhouette(building.faces, camera)
    if x1 >= 0 and y1 >= 0 and x2 <= 300 and y2 <= 300:
        # Holes (between columns, above stepped gables) belong to the outline and not to the picture.
        assert 0.72 <= drawn / area <= 1.03
    assert canvas.colour[canvas.owner == LANDMARK].std() > 10


def test_a_relative_is_another_building_of_the_same_family() -> None:
    rng = np.random.default_rng(3)
    genome = draw_genome(rng)
    other = relative(genome, rng)
    assert (other.style, other.palette.material) == (genome.style, genome.palette.material)
    assert other.shape_seed != genome.shape_seed
    assert not np.array_equal(build(other).size, build(genome).size)


def test_labels_worsen_with_angle_size_and_what_is_hidden() -> None:
    ahead = (0.0, -1.0)
    good = Measurement(0.95, 0.6, (0, 0, 1, 1), ahead)
    assert label(good, ahead) == "easy"
    for worse, expected in (
        ({"visible": 0.5}, "hard"),
        ({"visible": 0.1}, "junk"),
        ({"extent": 0.2}, "hard"),
        ({"extent": 0.05}, "junk"),
        ({"direction": (0.766, -0.643)}, "hard"),  # 50 degrees
        ({"direction": (1.0, 0.0)}, "junk"),
    ):
        assert label(Measurement(**{**good.__dict__, **worse}), ahead) == expected


@pytest.mark.parametrize("box", [(0, 0, 30, 200), (240, 10, 256, 30), (100, 90, 140, 160), (0, 0, 256, 192)])
def test_a_narrow_landmark_gets_a_box_wide_enough(box: tuple[float, float, float, float]) -> None:
    x1, y1, x2, y2 = query_box(Measurement(1.0, 0.5, box, (0.0, -1.0)), 256, 192, 140)
    assert 0 <= x1 < x2 <= 256
    assert 0 <= y1 < y2 <= 192
    assert x2 - x1 >= 139.9
    assert y2 - y1 >= 139.9
    assert x1 <= box[0] + 1
    assert x2 >= box[2] - 1


def test_replace_removes_landmarks_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    make_landmarks(folder, landmarks=1, size=128, distractors=1, processes=1)
    (folder / "features").mkdir()
    (folder / "features" / "mine.npy").write_bytes(b"mine")
    make_landmarks(folder, seed=1, landmarks=1, size=128, distractors=0, processes=1, replace=True)
    assert (folder / "features" / "mine.npy").read_bytes() == b"mine"
    assert not list((folder / "distractors").glob("*"))
    other = tmp_path / "project"
    other.mkdir()
    (other / "parameters.json").write_text('{"lr": 0.1}')
    with pytest.raises(UserError, match="none of this command's"):
        make_landmarks(other, landmarks=1, size=128, distractors=0, processes=1, replace=True)
    assert (other / "parameters.json").read_text() == '{"lr": 0.1}'


def test_half_written_pictures_of_a_killed_run_are_no_part_of_the_set(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    make_landmarks(folder, landmarks=1, size=128, distractors=1, processes=1)
    manifest = (folder / "MANIFEST.json").read_bytes()
    (folder / "MANIFEST.json").unlink()
    left = folder / "database" / ".partial-x-lm.jpg"
    left.write_bytes(b"half")
    make_landmarks(folder, landmarks=1, size=128, distractors=1, processes=1)
    assert not left.exists()
    assert (folder / "MANIFEST.json").read_bytes() == manifest
