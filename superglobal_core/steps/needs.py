"""What a suite needs to be downloaded."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from superglobal_core.config import Suite
from superglobal_core.data.catalogue import Catalogue, Entry
from superglobal_core.data.distractors import choose_parts
from superglobal_core.errors import UserError
from superglobal_core.files import sha256_of
from superglobal_core.steps.download_plan import plan, plan_text
from superglobal_core.steps.items import items_of, record_of


@dataclasses.dataclass(frozen=True)
class Needs:
    """The catalogue's entries that a suite names, and the archives of its distractor set."""

    suite: Suite
    entries: list[Entry]
    distractor_set: Entry | None
    parts: list[int]

    def plan(self) -> str:
        """Return what is to be downloaded, with gigabytes and what is there; empty if nothing is missing."""
        lines = plan(self.entries, self.suite.root, self.parts)
        return plan_text(lines) if any(line.there < line.files for line in lines) else ""

    def generation(self, name: str) -> str:
        """Return a text that changes when files of a downloaded entry are gone, and stays when they came again.

        It is for Snakemake, which sees only that a record is there and whether parameters are those of
        before: the rule writes it to `generation_of` when it has downloaded.
        """
        root = self.suite.root
        entry = next(entry for entry in self.entries if entry.name == name)
        record, note = record_of(name, root), generation_of(name, root)
        if record.is_file() and not all(item.there() for item in items_of(entry, root, [])):
            return sha256_of(record)[:16]
        return note.read_text(encoding="utf-8").strip() if note.is_file() else "first"


def generation_of(name: str, root: str | Path) -> Path:
    """Return the file that keeps what `Needs.generation` was when an entry was downloaded last."""
    return record_of(name, root).with_suffix(".generation")


def needs_of(suite: Suite, catalogue: Catalogue) -> Needs:
    """Return what a suite needs, each entry once.

    Raises:
        UserError: for a name that the catalogue lacks, or that is of another kind than it is used for.
    """
    named = [(f"datasets.{name}", "dataset", data.download) for name, data in suite.datasets.items()]
    extracted = any(descriptor.extract is not None for descriptor in suite.descriptors.values())
    named += [
        (f"descriptors.{name}.extract", "checkpoint", descriptor.extract.download)
        for name, descriptor in suite.descriptors.items()
        if descriptor.extract is not None
    ]
    named += [(f"methods.{name}", "weights", method.download) for name, method in suite.methods.items()]
    others = suite.ablation.backbones if suite.ablation else []
    named += [("ablation.backbones", "checkpoint", other.download) for other in others]
    wanted: dict[str, Entry] = {}
    for place, kind, name in named:
        if name is not None:
            entry = wanted[name] = _of_kind(catalogue, place, kind, name)
            if kind == "dataset" and extracted and entry.image_folder() is None:
                raise UserError(
                    f"{place} names {name}, of which the catalogue downloads no images (no file with `unpack`), "
                    "but descriptors are extracted from images: add them to the entry, or give `existing` "
                    "descriptors alone"
                )
    distractor_set, parts = None, []
    if suite.distractor_set is not None and suite.distractors is not False:
        distractor_set = _of_kind(catalogue, "distractor_set", "distractors", suite.distractor_set)
        wanted[distractor_set.name] = distractor_set
        count = None if suite.distractors is True else suite.distractors
        parts = choose_parts(distractor_set, count, suite.seed)
    return Needs(suite, list(wanted.values()), distractor_set, parts)


def _of_kind(catalogue: Catalogue, place: str, kind: str, name: str) -> Entry:
    try:
        entry = catalogue[name]
    except UserError as error:
        raise UserError(f"{place}: {error}") from error
    if entry.kind != kind:
        fitting = ", ".join(other.name for other in catalogue.values() if other.kind == kind)
        raise UserError(f"{place} names the {entry.kind} {name}, but needs a {kind}: choose from {fitting}")
    return entry
