"""Whether images decode: all of a data set looked through before anything relies on them."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import tempfile
from collections.abc import Collection, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from superglobal_core.data.images import ImageError, read_image
from superglobal_core.errors import UserError
from superglobal_core.pools import spawned_pool
from superglobal_core.progress import track

PROCESSES = min(8, os.cpu_count() or 1)
AT_ONCE = 16  # images that a process takes at a time
# Some cameras fill up the end of a file.
PADDING_BYTES = 64


@dataclasses.dataclass(frozen=True)
class Checked:
    """How many images decode, which known ones do not, and which others do not, each with the reason."""

    good: int
    known: list[Path]
    bad: list[tuple[Path, str]]


def check_images(paths: Sequence[Path], known_corrupt: Collection[str] = ()) -> Checked:
    """Decode every image; those that fail are `known` when their id (name without extension) is expected to.

    An image that is expected to fail and decodes counts as good. A JPEG of which a part is missing or
    overwritten fails here, and only here: decoders fill the gap with grey, and libjpeg says so on
    stderr alone. So this is done in processes whose stderr is their own.

    Raises:
        UserError: when a process dies of an image.
    """
    expected = frozenset(known_corrupt)
    good, known, bad = 0, [], []
    pool = spawned_pool(max(1, min(PROCESSES, -(-len(paths) // AT_ONCE))), _own_stderr)
    try:
        faults = pool.map(_fault, paths, chunksize=AT_ONCE)
        for path, reason in zip(paths, track(faults, "check images", len(paths)), strict=True):
            if reason is None:
                good += 1
            elif path.stem in expected:
                known.append(path)
            else:
                bad.append((path, reason))
    except BrokenProcessPool as error:
        done = good + len(known) + len(bad)
        raise UserError(
            f"the decoder died of one of the {AT_ONCE * PROCESSES} images from {paths[done]} on: "
            "look at them one by one, and remove the one that is damaged"
        ) from error
    finally:
        # Whoever interrupts this does not wait for the thousands that are left.
        pool.shutdown(cancel_futures=True)
    return Checked(good, known, bad)


def _own_stderr() -> None:
    # An interruption is the business of the process that waits for us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)


def _fault(path: Path) -> str | None:
    os.ftruncate(2, 0)
    os.lseek(2, 0, os.SEEK_SET)
    try:
        read_image(path)
    except ImageError as error:
        return str(error)
    return _warning(os.pread(2, 4096, 0).decode(errors="replace"))


def _warning(said: str) -> str | None:
    """What libjpeg said of a damaged image, in our words; None for what does no harm.

    >>> _warning("Corrupt JPEG data: premature end of data segment")
    'is damaged inside (premature end of data segment)'
    >>> _warning("Corrupt JPEG data: 15 extraneous bytes before marker 0xd9")
    """
    for what in re.findall(r"(?:Corrupt JPEG data: |(?=Premature end of JPEG))(.+)", said):
        padding = re.match(r"(\d+) extraneous bytes", what)
        if padding is None or int(padding[1]) > PADDING_BYTES:
            return f"is damaged inside ({what})"
    return None
