"""Whether images decode: the good, those known to be corrupt, and the bad with their reasons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from helpers import picture, write_pictures

from superglobal_core.data import image_checks
from superglobal_core.data.image_checks import Checked, check_images


def test_good_known_and_bad(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path, [f"image_{number:02d}" for number in range(40)])
    cut, empty, known = paths[3], paths[17], paths[20]
    for path in (cut, known):
        path.write_bytes(path.read_bytes()[:-30])
    empty.write_bytes(b"")
    absent = tmp_path / "absent.jpg"
    # image_30 is expected to fail and does not; "nobody" is not there.
    checked = check_images([*paths, absent], {"image_20", "image_30", "nobody"})
    assert checked.good == 37
    assert checked.known == [known]
    assert [path for path, _ in checked.bad] == [cut, empty, absent]
    reasons = [reason for _, reason in checked.bad]
    assert reasons[0].startswith("is cut short")
    assert reasons[1] == "is an empty file"
    assert reasons[2].startswith("cannot be read: No such file")


def test_nothing_to_check() -> None:
    assert check_images([]) == Checked(0, [], [])


def jpeg(number: int, progressive: bool) -> bytes:
    large = cv2.resize(picture(number), (400, 300), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)])[1].tobytes()


def test_half_an_image_with_a_right_end_is_bad(tmp_path: Path) -> None:
    damaged = {}
    for progressive in (False, True):
        whole = jpeg(1, progressive)
        half = len(whole) // 2
        for kind, content in {
            "whole": whole,
            "padded": whole[:-2] + bytes(10) + whole[-2:],
            "cut": whole[:half] + whole[-2:],
            "hole": whole[:half] + whole[half + half // 2 :],
            "zeros": whole[:half] + bytes(len(whole) - half - 2) + whole[-2:],
            "no-end": whole[:-2],
        }.items():
            path = tmp_path / f"{kind}-{progressive}.jpg"
            path.write_bytes(content)
            damaged[path] = kind not in ("whole", "padded")
    checked = check_images(list(damaged))
    assert [path for path, _ in checked.bad] == [path for path, bad in damaged.items() if bad]
    assert {reason.partition(" (")[0] for path, reason in checked.bad if "no-end" not in path.name} == {
        "is damaged inside"
    }


def test_an_interruption_does_not_wait_for_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = write_pictures(tmp_path, ["image"])

    def interrupted(items: Iterator[object], *_: object) -> Iterator[object]:
        yield next(items)
        raise KeyboardInterrupt

    monkeypatch.setattr(image_checks, "track", interrupted)
    paths = [path] * 50_000  # half a minute
    with pytest.raises(KeyboardInterrupt):
        check_images(paths)
