"""Whether a disk has room, asked before anything is written."""

from __future__ import annotations

import shutil
from pathlib import Path

from superglobal_core.errors import UserError
from superglobal_core.progress import bytes_text


def free_space(root: str | Path) -> int:
    """Return how many bytes are free where `root` lies or will lie.

    Raises:
        UserError: when the system does not say.
    """
    folder = Path(root).absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError as error:
        raise UserError(f"cannot read how much is free in {folder}: {error.strerror or error}") from error


def check_space(root: str | Path, needed_bytes: int) -> None:
    """Make sure that so many bytes are free where `root` lies or will lie.

    Raises:
        UserError: when they are not.
    """
    free = free_space(root)
    if needed_bytes > free:
        raise UserError(
            f"{bytes_text(needed_bytes)} are needed in {root} and {bytes_text(free)} are free: "
            "free space or choose another root"
        )
