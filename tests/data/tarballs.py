"""Archives for tests, and what comes out of them."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from helpers import encoded, picture

PHOTOS = {f"photo_{number}.jpg": encoded(picture(number), ".jpg") for number in range(6)}


def plain(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info, content


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def pack(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return path


def photos(path: Path, folder: str = "", contents: Mapping[str, bytes] = PHOTOS) -> Path:
    return pack(path, *(plain(folder + name, content) for name, content in contents.items()))


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def left(folder: Path) -> list[str]:
    """What lies in the folder, deep."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def tarball(members: Mapping[str, bytes]) -> bytes:
    """The bytes of a .tar.gz of these files."""
    stream = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=stream, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for name, content in members.items():
            info, data = plain(name, content)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()
