"""Whether images decode: the good, those known to be corrupt, and the bad with their reasons."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from helpers import write_pictures

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


def test_an_error_does_not_wait_for_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    lock = threading.Lock()

    def slow(path: Path) -> None:
        with lock:
            seen.append(path)
        time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(image_checks, "read_image", slow)
    with pytest.raises(KeyboardInterrupt):
        check_images([tmp_path / str(number) for number in range(1000)])
    assert len(seen) < 200
