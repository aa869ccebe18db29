"""The step `distractors`: one archive of a distractor set to descriptors, its images deleted afterwards."""

from __future__ import annotations

import contextlib
from pathlib import Path

from superglobal_core.config import Extract, Suite
from superglobal_core.data.archives import remove_unpacked
from superglobal_core.data.catalogue import Catalogue
from superglobal_core.data.space import check_space
from superglobal_core.descriptor_switches import settings_of
from superglobal_core.errors import UserError
from superglobal_core.progress import Transfers
from superglobal_core.steps.download import obtain
from superglobal_core.steps.extract import extract_step, is_extracted
from superglobal_core.steps.items import Item, checkpoint_path, items_of, needed_bytes


def distractors_step(
    suite: Suite, part: int, out: str | Path, catalogue: Catalogue, device: str = "auto"
) -> list[str]:
    """Download archive number `part` of the suite's distractor set and describe its images.

    Every descriptor of the suite that is extracted gets its shards in
    `out`/<descriptor>/<set>/part-<number>; images that do not decode are left out and recorded. The
    images, and the archive, are deleted when all descriptors are there, unless the suite keeps them.
    Interrupted anywhere it goes on where it was.

    Raises:
        UserError: when the suite names no distractor set, or the archive cannot be had.
    """
    if suite.distractor_set is None:
        raise UserError(f"the suite {suite.suite} names no distractor_set: add it (see config/README.md)")
    entry = catalogue[suite.distractor_set]
    item = items_of(entry, suite.root, [part])[-1]
    assert item.image_folder is not None
    wanted = {name: given.extract for name, given in suite.descriptors.items() if given.extract is not None}
    folders = {name: Path(out) / name / entry.name / f"part-{part:03d}" for name in wanted}
    said = []
    missing = [
        name for name, extract in wanted.items() if not _finished(folders[name], extract, suite, catalogue)
    ]
    if missing:
        check_space(suite.root, needed_bytes([item]))
        with Transfers() as progress:
            said.append(obtain(item, progress, suite.keep_distractor_images))
    for name in missing:
        done = _describe(item, folders[name], wanted[name], suite, catalogue, device)
        said.append(f"{name}: {done} images described")
    if not suite.keep_distractor_images:
        remove_unpacked(item.listing, item.image_folder)
        with contextlib.suppress(OSError):
            item.image_folder.rmdir()
    return said or [f"part {part} of {entry.name} was described before"]


def _checkpoint(extract: Extract, suite: Suite, catalogue: Catalogue) -> Path | None:
    if extract.download is None:
        return extract.checkpoint
    return checkpoint_path(catalogue[extract.download], suite.root)


def _finished(folder: Path, extract: Extract, suite: Suite, catalogue: Catalogue) -> bool:
    settings, reading = settings_of(extract)
    checkpoint = _checkpoint(extract, suite, catalogue)
    return is_extracted(
        folder, extract.backbone, settings, reading, checkpoint, extract.mode, extract.precision
    )


def _describe(
    item: Item, folder: Path, extract: Extract, suite: Suite, catalogue: Catalogue, device: str
) -> int:
    settings, reading = settings_of(extract)
    assert item.image_folder is not None
    return extract_step(
        item.image_folder,
        folder,
        backbone=extract.backbone,
        settings=settings,
        reading=reading,
        checkpoint=_checkpoint(extract, suite, catalogue),
        mode=extract.mode,
        precision=extract.precision,
        device=device,
        on_error="skip",
        replace=True,
    ).described
