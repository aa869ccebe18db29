"""Images: which there are, what OpenCV makes of them, and the query crop."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers import encoded, picture, write_pictures
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.data.images import ImageError, crop, list_images, read_image
from superglobal_core.errors import UserError

# The official crops were saved as JPEGs anew: grey levels a pixel lies from our crop, on average.
CROP_TOLERANCE = 3.0


def ids(source: Path) -> list[str]:
    return [file.id for file in list_images(source)]


def test_a_folder_comes_in_name_order(tmp_path: Path) -> None:
    for name in ("b.jpg", "B.PNG", "a2.jpeg", "a10.bmp", ".hidden.jpg", "notes.txt", "a.b.webp"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    assert ids(tmp_path) == ["B", "a.b", "a10", "a2", "b"]


def test_a_list_keeps_its_order(tmp_path: Path) -> None:
    write_pictures(tmp_path / "images", ["x", "y", "z"])
    lines = ["# mine", "images/z.png", "", "  images/x.png  ", str(tmp_path / "images" / "y.png")]
    for name, text in (("list.txt", "\n".join(lines)), ("windows.txt", "\ufeff" + "\r\n".join(lines[1:]))):
        (tmp_path / name).write_bytes(text.encode())
        assert ids(tmp_path / name) == ["z", "x", "y"]


def test_a_list_may_be_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "images", ["x"])
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "list.txt").write_text("images/x.png\n")
    monkeypatch.chdir(tmp_path)
    assert ids(tmp_path / "lists" / "list.txt") == ["x"]


def test_wrong_sources_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "twice").mkdir()
    for name in ("a.jpg", "a.png", "b.jpg"):
        (tmp_path / "twice" / name).touch()
    (tmp_path / "lost.txt").write_text("twice/b.jpg\ntwice/c.jpg\n")
    (tmp_path / "nothing.txt").write_text("# nothing\n\n")
    (tmp_path / "photo.jpg").write_bytes(encoded(picture(0), ".jpg"))
    for name, message in {
        "absent": "there is no folder or list of images",
        "empty": "holds no image",
        "twice": r"two images with the same id \(file name without extension\): a;",
        "lost.txt": r"1 of the 2 images .* do not exist: .*c\.jpg",
        "nothing.txt": "names no image",
        "photo.jpg": "neither a folder nor a text file",
    }.items():
        with pytest.raises(UserError, match=message) as caught:
            list_images(tmp_path / name)
        assert name in str(caught.value)


def test_a_dangling_link_is_an_image_that_cannot_be_read(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["a"])
    (tmp_path / "b.png").symlink_to(tmp_path / "nowhere.png")
    files = list_images(tmp_path)
    assert [file.id for file in files] == ["a", "b"]
    with pytest.raises(ImageError, match="cannot be read: No such file"):
        read_image(files[1].path)


def exif(orientation: int) -> bytes:
    tiff = b"II*\x00" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    body = b"Exif\x00\x00" + tiff
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", TURNS)
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    plain = encoded(picture(0, 40, 60), ".jpg")
    path = tmp_path / "a.jpg"
    path.write_bytes(plain)
    upright = read_image(path)
    path.write_bytes(plain[:2] + exif(orientation) + plain[2:])
    assert np.array_equal(read_image(path), TURNS[orientation](upright))


def test_lossless_pixels_are_the_files_in_bgr(tmp_path: Path) -> None:
    image = picture(1)
    image[0, 0] = (1, 2, 3)
    for suffix in (".png", ".bmp", ".ppm", ".tiff"):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(encoded(image, suffix))
        assert np.array_equal(read_image(path), image)
    (tmp_path / "a.ppm").write_bytes(b"P6 1 1 255\n\x0a\x14\x1e")  # RGB in the file
    assert read_image(tmp_path / "a.ppm").tolist() == [[[30, 20, 10]]]


def test_other_kinds_of_pixels_become_8_bit_bgr(tmp_path: Path) -> None:
    image = picture(2)
    grey, path = image[..., 0], tmp_path / "a.png"
    path.write_bytes(encoded(grey))
    assert np.array_equal(read_image(path), np.dstack([grey] * 3))
    alpha = np.dstack([image, np.full(grey.shape, 77, np.uint8)])
    path.write_bytes(encoded(alpha))
    assert np.array_equal(read_image(path), image)
    path.write_bytes(encoded(image.astype(np.uint16) * 257))
    assert read_image(path).dtype == np.uint8
    assert np.array_equal(read_image(path), image)


def test_text_named_jpg(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("not an image")
    with pytest.raises(ImageError, match="cannot be decoded"):
        read_image(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_text("")
    with pytest.raises(ImageError, match="empty file"):
        read_image(tmp_path / "a.jpg")


def test_the_bytes_decide_and_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(picture(7), ".png"))
    assert np.array_equal(read_image(path), picture(7))


@pytest.mark.parametrize(
    ("mode", "colour", "bgr"), [("CMYK", (0, 255, 255, 0), (0, 0, 255)), ("L", 90, (90,) * 3)]
)
def test_jpegs_of_other_colours(tmp_path: Path, mode: str, colour: object, bgr: tuple[int, ...]) -> None:
    path = tmp_path / "a.jpg"
    Image.new(mode, (60, 40), colour).save(path)
    image = read_image(path)
    assert image.shape == (40, 60, 3)
    assert np.abs(image.astype(int) - bgr).max() <= 2


def test_one_pixel(tmp_path: Path) -> None:
    for suffix in (".jpg", ".png"):
        (tmp_path / "a").write_bytes(encoded(picture(0, 1, 1), suffix))
        assert read_image(tmp_path / "a").shape == (1, 1, 3)


def jpeg_that_says(width: int, height: int) -> bytes:
    data = bytearray(encoded(picture(0), ".jpg"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def png_that_says(width: int, height: int) -> bytes:
    data = bytearray(encoded(picture(0)))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def bmp_that_says(width: int, height: int) -> bytes:
    data = bytearray(encoded(picture(0), ".bmp"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def test_vast_images_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for make in (jpeg_that_says, png_that_says):
        for width, height in ((20_000, 20_000), (8001, 8000), (60_000, 1100)):
            path.write_bytes(make(width, height))
            with pytest.raises(ImageError, match=f"is {width} x {height} px, more than the 64 megapixels"):
                read_image(path)
    progressive_jpeg = bytearray(progressive(picture(0)))
    at = progressive_jpeg.index(b"\xff\xc2") + 5
    progressive_jpeg[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(progressive_jpeg)
    with pytest.raises(ImageError, match="is 65535 x 65535 px"):
        read_image(path)


def test_opencv_refuses_vast_images_of_the_other_formats(tmp_path: Path) -> None:
    (tmp_path / "a.bmp").write_bytes(bmp_that_says(20_000, 20_000))
    (tmp_path / "a.pgm").write_bytes(b"P5 8001 8000 255\n" + bytes(8001 * 8000))
    # By itself: what this process loaded before decides whether OpenCV saw the limit in time.
    code = (
        "import sys\nfrom superglobal_core.data.images import ImageError, read_image\n"
        "for path in sys.argv[1:]:\n"
        "    try: read_image(path)\n"
        "    except ImageError as error: print(error)"
    )
    names = [tmp_path / "a.bmp", tmp_path / "a.pgm"]
    run = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True)
    assert run.stdout == "cannot be decoded\n" * 2, run.stderr


def test_large_is_not_vast(tmp_path: Path) -> None:
    for suffix in (".jpg", ".png", ".bmp"):
        (tmp_path / "a").write_bytes(encoded(np.zeros((100, 20_000, 3), np.uint8), suffix))
        assert read_image(tmp_path / "a").shape == (100, 20_000, 3)
    # The thumbnail inside does not count.
    thumbnail = jpeg_that_says(20_000, 20_000)
    body = b"Exif\x00\x00" + thumbnail
    whole = encoded(picture(1), ".jpg")
    (tmp_path / "a").write_bytes(
        whole[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + whole[2:]
    )
    assert read_image(tmp_path / "a").shape == (100, 120, 3)


def progressive(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 3])[
        1
    ].tobytes()


def with_thumbnail(image: np.ndarray) -> bytes:
    whole, thumbnail = encoded(image, ".jpg"), encoded(cv2.resize(image, (16, 16)), ".jpg")
    body = b"Exif\x00\x00" + thumbnail
    return whole[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + whole[2:]


ENCODERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "jpeg": lambda image: encoded(image, ".jpg"),
    "progressive jpeg": progressive,
    "jpeg with a thumbnail": with_thumbnail,
    "png": encoded,
    "webp": lambda image: encoded(image, ".webp"),
    "bmp": lambda image: encoded(image, ".bmp"),
    "tiff": lambda image: encoded(image, ".tiff"),
}


@pytest.mark.parametrize("kind", ENCODERS)
@settings(deadline=None, max_examples=25)
@given(part=st.floats(0.02, 0.9999))
def test_truncated_images_are_refused(
    tmp_path_factory: pytest.TempPathFactory, kind: str, part: float
) -> None:
    data = ENCODERS[kind](picture(3))
    path = tmp_path_factory.getbasetemp() / f"cut {kind}"
    path.write_bytes(data)
    assert read_image(path).shape == (100, 120, 3)
    path.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(ImageError, match=r"is cut short|cannot be decoded"):
        read_image(path)


@pytest.mark.parametrize("tail", [b"\x00" * 10, b"\xff\xda\x00\x0c", b"text \xff\xd8\xff\xe1\x00"])
@pytest.mark.parametrize("kind", ["jpeg", "progressive jpeg", "png"])
def test_bytes_behind_a_whole_image_do_no_harm(tmp_path: Path, kind: str, tail: bytes) -> None:
    data, path = ENCODERS[kind](picture(4)), tmp_path / "a"
    path.write_bytes(data)
    expected = read_image(path)
    path.write_bytes(data + tail)
    assert np.array_equal(read_image(path), expected)


def test_a_png_with_a_flipped_bit_is_refused_and_nothing_else_complains(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data, path = bytearray(encoded(picture(5))), tmp_path / "a.png"
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(ImageError, match="a checksum inside the file is wrong"):
        read_image(path)
    (tmp_path / "a.bmp").write_bytes(encoded(picture(5), ".bmp")[:500])
    with pytest.raises(ImageError):
        read_image(tmp_path / "a.bmp")
    assert capfd.readouterr() == ("", "")


def test_a_damaged_comment_in_a_png_does_no_harm(tmp_path: Path) -> None:
    data = encoded(picture(6))
    comment = b"tEXta\x00b"
    chunk = struct.pack(">I", len(comment) - 4) + comment + struct.pack(">I", zlib.crc32(comment) ^ 1)
    (tmp_path / "a.png").write_bytes(data[:33] + chunk + data[33:])
    assert np.array_equal(read_image(tmp_path / "a.png"), picture(6))


def test_crop_truncates_coordinates() -> None:
    image = np.arange(10 * 20 * 3, dtype=np.uint8).reshape(10, 20, 3)
    assert np.array_equal(crop(image, (2.9, 1.999, 8.2, 5.99)), image[1:5, 2:8])
    assert np.array_equal(crop(image, (-3.7, -0.5, 300, 5)), image[:5])
    for outside in ((20, 0, 30, 5), (-9, -9, -1, -1), (3.2, 0, 3.9, 5)):
        with pytest.raises(ImageError, match=r"nothing inside its box .*: it is 20 x 10 px"):
            crop(image, outside)


def test_official_query_crops(shared: Path) -> None:
    truth = load_groundtruth(shared / "data" / "groundtruth" / "gnd_roxford5k.pkl")
    photos = shared / "data" / "photos"
    crops = sorted((photos / "query_crops").iterdir(), key=lambda path: (path.stem[:-2], int(path.stem[-1])))
    assert len(crops) == 55
    official = dict(zip(truth.query_names[:55], crops, strict=True))
    boxes = dict(zip(truth.query_names, (query.box for query in truth.queries), strict=True))
    full = list_images(photos / "full_queries")
    assert len(full) == 12
    compared = 0
    for file in full:
        if file.id not in official:
            continue
        ours, theirs = crop(read_image(file.path), boxes[file.id]), read_image(official[file.id])
        assert ours.shape == theirs.shape, file.id
        assert np.abs(ours.astype(np.int16) - theirs).mean() < CROP_TOLERANCE, file.id
        compared += 1
    assert compared == 12
