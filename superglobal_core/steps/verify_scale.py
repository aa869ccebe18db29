"""Sizes of a database that were measured, held against their own facts, the suite and each other."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from superglobal_core.approximate_record import Approximate, read_approximate
from superglobal_core.config import Suite
from superglobal_core.config_scale import PLANTED, Scale
from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.evaluation.protocol import PROTOCOLS
from superglobal_core.files import finished_files, sha256_of
from superglobal_core.measured_values import PROTOCOL_NAMES
from superglobal_core.scale_record import (
    COLD_REPEATS,
    REMEMBERED,
    STAGES,
    ScaleRecord,
    read_scale,
    read_scale_study,
)
from superglobal_core.steps.checked import Checked
from superglobal_core.steps.differences import Difference, close, same

# Of mAP: scores that are equal but for their last bit may change places between two searches.
NEAR = 1e-4
AS_STORED = "mAP of the sizes was taken as stored: their rankings are not kept"
NO_RECORD = "parameters were not compared: they were not recorded"
SUITE_KEYS = ("queries", "dimension", "k", "shortlist", "repeats")
PARAMETERS = ("neighbours", "beta")
# Bytes of a number, by the types that descriptors are stored in.
BYTES = {"float16": 2, "float32": 4}
# A .npy file begins with a head, padded to a multiple of this.
HEAD = 64


def scale_checks(root: Path, suite: Suite | None, variants: Iterable[Checked]) -> list[Checked]:
    """Check every file below `scale/`, in ascending order of sizes, and those of `approximate/planted/`.

    A record must agree with its name, the suite and the ground truth beside it. A larger database only adds
    distractors behind the smaller one, so that the search's mAP must not rise; the exact search beside
    approximate indexes must give the mAP of the size; where it does not, that is added to the file's check
    among `variants`.
    """
    wanted = suite.scale if suite else None
    records: dict[int, ScaleRecord] = {}
    checks = []
    for path in _by_size(root / "scale"):
        found = Checked(path.relative_to(root).as_posix(), notes=[AS_STORED])
        checks.append(found)
        try:
            record = read_scale(path)
            if not record.record:
                found.notes.append(NO_RECORD)
            found.differences += _own(record, path)
            found.differences += _truth(record, root)
        except UserError as error:
            found.reasons.append(str(error))
            continue
        # Sizes of an earlier run of the suite are another database's beginning.
        if wanted is None or record.size in wanted.sizes:
            found.differences += _asked(record, wanted)
            found.differences += _grown(record, records)
            records[record.size] = record
    by_source = {one.source: one for one in variants}
    for path in _by_size(root / "approximate" / PLANTED):
        indexed = by_source[path.relative_to(root).as_posix()]
        # Of a damaged file, and of a reason why there are no figures, all is said already.
        if not (indexed.reasons or indexed.said):
            with contextlib.suppress(UserError):
                indexed.differences += _indexed(read_approximate(path), path, records, wanted)
    return checks


def scale_report_checks(report: Path, root: Path, suite: Suite | None) -> list[Checked]:
    """Hold the sizes in a report's `scale.json` against those of the results; nothing where there are none."""
    paths = _by_size(root / "scale")
    path = report / "scale.json"
    if not paths:
        return []
    found = Checked(str(path))
    try:
        shown = {str(record.size): record for record in read_scale_study(path).sizes}
    except UserError as error:
        found.reasons.append(str(error))
        return [found]
    wanted = [str(size) for size in suite.scale.sizes] if suite and suite.scale else None
    kept = [each for each in paths if wanted is None or each.stem in wanted]
    found.differences += same("sizes", sorted(shown, key=_order), [each.stem for each in kept])
    for each in kept:
        try:
            stored = read_scale(each)
        except UserError:
            continue  # Named by the check of the file itself.
        if each.stem in shown and shown[each.stem] != stored:
            found.differences.append(
                Difference(f"the size {each.stem}", "other values", f"those of {each.name}")
            )
    return [found]


def _by_size(folder: Path) -> list[Path]:
    paths = [path for path in finished_files(folder, "*.json") if not path.name.endswith(".record.json")]
    return sorted(paths, key=lambda path: _order(path.stem))


def _order(name: str) -> tuple[int, str]:
    return (int(name) if name.isdecimal() else 0, name)


def _own(record: ScaleRecord, path: Path) -> Iterator[Difference]:
    if path.stem.isdecimal():
        yield from same("size", record.size, int(path.stem))
    yield from same("stages", sorted(record.samples_s), sorted(STAGES))
    for stage, taken in record.samples_s.items():
        wanted = COLD_REPEATS if stage == "cold" else record.repeats
        yield from same(f"samples_s.{stage}, number of samples", len(taken), wanted)
    kept = [stage for stage in REMEMBERED if stage in record.memory]
    yield from same("memory, its stages", kept, list(REMEMBERED))
    yield from _stored(record)
    if not record.record:
        return
    about = record.record.get("parameters") or {}
    for name, stored in (
        ("k", record.k),
        ("shortlist", record.shortlist),
        ("repeats", record.repeats),
        ("database", record.size),
    ):
        yield from same(f"parameters.{name} in the record", about.get(name), stored)


def _stored(record: ScaleRecord) -> Iterator[Difference]:
    """Compare the bytes on disk with those of the vectors: beyond them a shard has its file's head alone."""
    if record.dtype not in BYTES:
        yield Difference("dtype", record.dtype, " or ".join(BYTES))
        return
    vectors = record.size * record.dimension * BYTES[record.dtype]
    heads = record.array_bytes - vectors
    if not 0 <= heads <= 2 * HEAD * record.size or heads % HEAD:
        wanted = f"{vectors} ({record.size} x {record.dimension} {record.dtype}) and {2 * HEAD} a shard"
        yield Difference("array_bytes", record.array_bytes, wanted)


def _asked(record: ScaleRecord, wanted: Scale | None) -> Iterator[Difference]:
    if wanted is None:
        return
    for name in SUITE_KEYS:
        yield from same(f"{name}, which the suite sets", getattr(record, name), getattr(wanted, name))
    yield from same("dtype of planted descriptors", record.dtype, "float16")
    about = record.record.get("parameters") or {} if record.record else {}
    for name in PARAMETERS if record.record else ():
        yield from same(f"{name}, which the suite sets", about.get(name), getattr(wanted, name))


def _truth(record: ScaleRecord, root: Path) -> Iterator[Difference]:
    path = root / f"{PLANTED}/gnd_planted.pkl"
    if not path.is_file():
        return
    truth = load_groundtruth(path)
    yield from same("labelled", record.labelled, sum(truth.counts().values()))
    yield from same("queries", record.queries, len(truth.queries))
    yield from _without_map(record, truth)
    if record.record:
        distractors = record.size - len(truth.image_names)
        yield from same("record.distractors", record.record.get("distractors"), distractors)
        inputs = record.record.get("inputs") or []
        recorded = next((one.get("sha256") for one in inputs if one.get("role") == "ground truth"), None)
        yield from same("sha256 of the ground truth", recorded, sha256_of(path))


def _without_map(record: ScaleRecord, truth: GroundTruth) -> Iterator[Difference]:
    """mAP is absent exactly where no query has a positive image."""
    for name, (positives, _) in PROTOCOLS.items():
        wanted = any(getattr(query, label) for query in truth.queries for label in positives)
        for stage in ("single_stage", "reranked"):
            value = getattr(getattr(record, stage), name)
            if (value is not None) != wanted:
                yield Difference(f"{stage}.{name}", value, "a number" if wanted else None)


def _grown(record: ScaleRecord, smaller: Mapping[int, ScaleRecord]) -> Iterator[Difference]:
    if not smaller:
        return
    before = smaller[max(smaller)]
    for name in PROTOCOL_NAMES:
        old, new = getattr(before.single_stage, name), getattr(record.single_stage, name)
        if old is not None and new is not None and new > old + NEAR:
            yield Difference(f"single_stage.{name}", new, f"at most {old!r}, that of {before.size} vectors")


def _indexed(
    found: Approximate, path: Path, records: Mapping[int, ScaleRecord], wanted: Scale | None
) -> Iterator[Difference]:
    if path.stem.isdecimal():
        yield from same("database", found.database, int(path.stem))
    if wanted is not None and wanted.approximate is not None and found.database in wanted.indexed_sizes():
        yield from same(
            "indexes, which the suite sets", [each.name for each in found.indexes], wanted.approximate.kinds
        )
        for name in ("k", "shortlist"):
            asked = min(getattr(wanted, name), found.database)
            yield from same(f"{name}, which the suite sets", getattr(found, name), asked)
    record = records.get(found.database)
    if record is None:
        return
    exact = found.exact
    for stage, accuracy, measured in (
        ("single_stage", exact.single_stage_whole, record.single_stage),
        ("reranked", exact.reranked_whole, record.reranked),
    ):
        for name in PROTOCOL_NAMES:
            what = f"{stage}.{name} of the exact search, beside the size's"
            yield from close(what, accuracy.map.get(name), getattr(measured, name), tolerance=NEAR)
