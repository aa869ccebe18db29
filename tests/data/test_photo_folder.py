"""Which photographs a folder holds, and what is not looked at."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from superglobal_core.data.photo_folder import LeftOut, find_photos
from superglobal_core.errors import UserError

MARKER = ".ours"


def _fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_folders_below_count_in_name_order_and_hidden_ones_do_not(tmp_path: Path) -> None:
    _fill(tmp_path, "b.JPG", "a/z.png", "a/deep/er.webp", ".hidden/x.jpg", ".y.jpg", "notes.txt", "c.cr2")
    photos, left_out = find_photos(tmp_path, MARKER)
    assert [photo.name for photo in photos] == ["a/deep/er.webp", "a/z.png", "b.JPG"]
    assert all(photo.path == tmp_path / photo.name for photo in photos)
    assert left_out == [LeftOut("c.cr2", "has a format that is not read (.cr2): save it as JPEG")]


def test_our_own_output_is_passed_over(tmp_path: Path) -> None:
    _fill(tmp_path, "a.jpg", f"out/{MARKER}", "out/thumbnails/x.webp", "other/y.webp")
    assert [photo.name for photo in find_photos(tmp_path, MARKER)[0]] == ["a.jpg", "other/y.webp"]


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fill(tmp_path, "a.jpg", "closed/b.jpg")
    scan = os.scandir

    def refused(path: Any) -> Any:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    closed = tmp_path / "closed"
    photos, left_out = find_photos(tmp_path, MARKER)
    assert [photo.name for photo in photos] == ["a.jpg"]
    assert left_out == [LeftOut("closed/", "cannot be read: Permission denied")]
    closed = tmp_path
    with pytest.raises(UserError, match=r"cannot read the folder .*: Permission denied"):
        find_photos(tmp_path, MARKER)


def test_a_folder_of_pictures_that_are_not_read_says_what_to_do(tmp_path: Path) -> None:
    _fill(tmp_path, "a.heic", "b.heic")
    with pytest.raises(
        UserError, match=r"holds no photograph .*2 were found that are not read, save them as JPEG"
    ):
        find_photos(tmp_path, MARKER)
