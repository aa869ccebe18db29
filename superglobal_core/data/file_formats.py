"""Whether a file looks like what it should be: its first bytes, and for some kinds its end."""

from __future__ import annotations

import codecs
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from superglobal_core.data.tar_members import BadArchiveError, Limits, read_members
from superglobal_core.errors import UserError

HEAD = 4096
PIECE = 1 << 20
# Some pages begin with a declaration or with comments.
_PAGE = re.compile(
    rb"(?>\s|<\?xml.*?\?>|<!--.*?-->)*+<(?:!doctype\s+html|html|head|body|title)\b", re.DOTALL | re.IGNORECASE
)


def is_page(head: bytes) -> bool:
    """Whether first bytes are those of a web page.

    >>> is_page(b"<!DOCTYPE html><title>Quota exceeded</title>"), is_page(b"img_1.jpg")
    (True, False)
    """
    return _PAGE.match(head[:HEAD].removeprefix(codecs.BOM_UTF8)) is not None


def format_problem(path: Path, format: str) -> str | None:
    """Return what is wrong with a file's first bytes, None if they are right."""
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if not head:
        return "is empty"
    if is_page(head):
        return "is a web page instead of the file (often a quota or login page)"
    if not _STARTS.get(format, lambda head: True)(head):
        return f"does not look like {_NAMES[format]}"
    return _text_problem(path) if format == "text" else None


def end_problem(path: Path, format: str) -> str | None:
    """Return what shows that a file was cut short, None if nothing does; archives are read to the end."""
    try:
        if format == "tar.gz":
            # As carefully as when it is unpacked: nobody vouches for it.
            for _ in read_members(path, Limits(), "check"):
                pass
        elif format == "torch":
            with path.open("rb") as stream:
                zipped = stream.read(2) == b"PK"
            if zipped and not zipfile.is_zipfile(path):
                return "is cut short"
        elif format == "pickle":
            with path.open("rb") as stream:
                if not _ends_with(stream, b"."):
                    return "is cut short"
    except BadArchiveError as error:
        return error.problem
    except (UserError, OSError) as error:
        return f"cannot be read ({error})"
    return None


def _ends_with(stream: IO[bytes], end: bytes) -> bool:
    stream.seek(-len(end), os.SEEK_END)
    return stream.read() == end


def _is_mat(head: bytes) -> bool:
    # The last: a version 5 header, whatever its text says.
    return head.startswith((b"MATLAB", b"PK", b"\x89HDF")) or head[126:128] in (b"IM", b"MI")


_STARTS: dict[str, Callable[[bytes], bool]] = {
    "tar.gz": lambda head: head.startswith(b"\x1f\x8b"),
    "pickle": lambda head: head.startswith(b"\x80"),
    "torch": lambda head: head.startswith((b"PK\x03\x04", b"\x80")),
    "mat": _is_mat,
    "onnx": lambda head: head.startswith(b"\x08"),  # the field ir_version
}

_NAMES = {
    "tar.gz": "a .tar.gz archive",
    "pickle": "a pickle",
    "torch": "a checkpoint of PyTorch",
    "mat": "a MATLAB file",
    "onnx": "an ONNX model",
}


def _text_problem(path: Path) -> str | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as stream:
            while piece := stream.read(PIECE):
                if b"\0" in piece:
                    return "does not look like text"
                decoder.decode(piece)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "is no text in UTF-8"
    return None
