"""The step `quickstart`: a folder of photographs to a page that shows each one's neighbours."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from superglobal_core.data.photo_folder import LeftOut, find_photos
from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError, name_list
from superglobal_core.features.modes import Mode, chosen_precision
from superglobal_core.files import check_writable, make_folder, sha256_of, write_json, write_text
from superglobal_core.networks.shipped import shown
from superglobal_core.reasons import writable
from superglobal_core.reporting.quickstart_page import Shown, quickstart_page
from superglobal_core.results import Stopwatch, file_input
from superglobal_core.steps.quickstart_features import Described
from superglobal_core.steps.quickstart_neighbours import SHORTLIST, neighbours_of
from superglobal_core.steps.quickstart_network import Network, choose_network
from superglobal_core.steps.quickstart_photos import Places, make_ready

#: a folder with this file is one of ours
MARKER = ".superglobal-quickstart"
PAGE = "index.html"


@dataclasses.dataclass(frozen=True)
class Quickstart:
    """What a quickstart did: the page, how many photographs it shows, how many were described, what is left out."""

    page: Path
    photographs: int
    described: int
    left_out: list[LeftOut]
    network: Network
    unchanged: bool


def quickstart_step(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    backbone: str | None = None,
    checkpoint: str | Path | None = None,
    device: str = "auto",
    mode: Mode = "exact",
    root: str | Path = "data",
) -> Quickstart:
    """Describe, search and rerank a folder's photographs, and write the page `index.html` into `out`.

    out: by default `quickstart-<name of the folder>` in the current folder. A second call goes on where an
    interrupted one was, describes only photographs that are new, and changes nothing where there is nothing new.
    backbone, checkpoint, root: see `choose_network`.

    Raises:
        UserError: for a folder without two usable photographs, weights that are absent, an `out` that holds
            something else or cannot be written.
    """
    folder = Path(folder)
    out = Path(out) if out is not None else Path(f"quickstart-{folder.resolve().name or 'photographs'}")
    watch = Stopwatch()
    chosen_precision(mode)
    choose_device(device)
    network = choose_network(backbone, checkpoint, root)
    photos, left_out = find_photos(folder, MARKER)
    _refuse_fewer_than_two(photos, left_out, folder)
    _claim(out)
    described = Described(out / "features", network, mode)
    places = Places(out / "thumbnails", out / "copies")
    ready, unreadable = make_ready(photos, places, described.known, described.smallest_side)
    _refuse_fewer_than_two(ready, [*left_out, *unreadable], folder)
    new = described.add(ready, device)
    unusable = described.left_out(ready)
    left_out = sorted([*left_out, *unreadable, *unusable], key=lambda one: one.name)
    names = {one.name for one in unusable}
    ready = [one for one in ready if one.photo.name not in names]
    _refuse_fewer_than_two(ready, left_out, folder)
    neighbours, kept = neighbours_of(
        described.rows([one.digest for one in ready]), out / "neighbours.npz", device
    )
    page = quickstart_page(
        folder,
        out,
        [Shown(one.photo.name, places.thumbnail(one.digest).name) for one in ready],
        neighbours,
        left_out=left_out,
        network=network.title,
        warning=network.warning,
        shortlist=min(SHORTLIST, len(ready) - 1),
        copies=len(ready) - len({one.digest for one in ready}),
    )
    unchanged = new == 0 and kept and _holds(out / PAGE, page)
    places.tidy({one.digest for one in ready})
    if not unchanged:
        write_text(out / PAGE, page)
        _write_record(out, watch, described, len(ready), left_out, network)
    return Quickstart(out / PAGE, len(ready), new, left_out, network, unchanged)


def _claim(out: Path) -> None:
    """Make the folder ours, or refuse one that holds something else."""
    if out.is_file():
        raise UserError(f"{out} is a file: name a folder with --out")
    try:
        taken = out.exists() and any(out.iterdir()) and not (out / MARKER).exists()
    except OSError as error:
        raise UserError(f"cannot read {out}: {error.strerror or error}; choose another --out") from error
    if taken:
        raise UserError(f"{out} holds something else already: name another folder with --out")
    check_writable(out / PAGE)
    make_folder(out)
    write_text(out / MARKER, "Made by superglobal quickstart. The same command goes on here.\n")


def _refuse_fewer_than_two(usable: Sequence[object], left_out: Sequence[LeftOut], folder: Path) -> None:
    if len(usable) >= 2:
        return
    found = "one photograph" if usable else "no photograph"
    shown_names = name_list([f"{writable(one.name)} {one.reason}" for one in left_out], 3)
    reasons = f" ({len(left_out)} left out: {shown_names})" if left_out else ""
    raise UserError(f"{folder} has {found} that can be used{reasons}: a search needs at least two")


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def _write_record(
    out: Path,
    watch: Stopwatch,
    described: Described,
    photographs: int,
    left_out: list[LeftOut],
    network: Network,
) -> None:
    record = watch.record(
        "quickstart",
        method="superglobal",
        descriptor=described.descriptor,
        parameters={
            "photographs": photographs,
            "shortlist": min(SHORTLIST, photographs - 1),
            "left_out": [{"name": writable(one.name), "reason": one.reason} for one in left_out],
        },
        inputs=[file_input("checkpoint", shown(network.checkpoint), sha256_of(network.checkpoint))],
    )
    write_json(out / "record.json", record.model_dump())
