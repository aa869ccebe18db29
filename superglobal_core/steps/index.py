"""The step `index`: a database to an approximate index on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from superglobal_core.errors import UserError
from superglobal_core.features.store import FeatureStore
from superglobal_core.files import read_json, remove_left_over, sha256_of
from superglobal_core.results import check_outputs, record_path, recorded
from superglobal_core.search.faiss_index import build_index, faiss_package
from superglobal_core.search.index_file import IndexFacts, content_sha256, read_facts, write_index
from superglobal_core.search.index_kinds import IndexPlan, Wanted, plan_index
from superglobal_core.steps.inputs import descriptor_inputs


def index_step(
    databases: Sequence[str | Path],
    wanted: Wanted,
    out: str | Path,
    *,
    seed: int = 0,
    replace: bool = False,
) -> tuple[IndexFacts, bool]:
    """Build an index and write it to `out`, its record beside it; one that is there and agrees is kept.

    Returns:
        What the index is, and whether it was there already.

    Raises:
        UserError: when there is another index, or another file, at `out` and not `replace`; for wrong parameters.
        MissingPackageError: when faiss is not installed.
    """
    faiss = faiss_package()
    if seed < 0 or seed >= 2**31:
        raise UserError(f"--seed is {seed}: use zero or more, below 2^31")
    if Path(out).suffix == ".json":
        raise UserError(f"--out {out}: its record is JSON; name the index otherwise, for example index.faiss")
    check_outputs(out, databases)
    _refuse_foreign(out, replace)
    remove_left_over(out)
    database = FeatureStore.open(*databases)
    plan, content = plan_index(wanted, *database.shape), content_sha256(database)
    if not replace and Path(out).exists():
        return _kept(out, plan, seed, content), True
    with recorded("index", out) as facts:
        built = build_index(database, plan, seed)
        sha256, size = write_index(out, built)
        known = IndexFacts(
            kind=plan.kind,
            index=plan.parameters,
            effort=plan.effort,
            seed=seed,
            database=len(database),
            dimension=database.shape[1],
            database_digest=database.digest(),
            content_sha256=content,
            unit_length=built.unit_length,
            sha256=sha256,
            bytes=size,
            bytes_a_vector=size / len(database),
            train_s=round(built.train_s, 3),
            add_s=round(built.add_s, 3),
            faiss=faiss.__version__,
        )
        facts["descriptor"] = database.descriptor
        facts["seed"] = seed
        facts["parameters"] = known.model_dump()
        facts["inputs"] = descriptor_inputs("database", databases, database)
    return known, False


def _refuse_foreign(out: str | Path, replace: bool) -> None:
    """Refuse to write over the record of something else that has the index's name but for its ending."""
    record = record_path(out)
    try:
        content = read_json(record) if record.is_file() else {}
    except UserError:
        if not replace:
            raise
        content = {}  # damaged: nothing is lost with it
    step = content.get("step") if isinstance(content, dict) else None
    if step not in (None, "index"):
        raise UserError(
            f"{record} is the record of `superglobal {step}`, not of an index: name another --out"
        )


def _kept(out: str | Path, plan: IndexPlan, seed: int, content: str) -> IndexFacts:
    """Return what the index at `out` is, where it is the one that was asked for (UserError otherwise)."""
    facts = read_facts(out)
    asked = {"kind": plan.kind, **plan.parameters, "effort": plan.effort, "seed": seed}
    there = {"kind": facts.kind, **facts.index, "effort": facts.effort, "seed": facts.seed}
    different = [name for name in {**asked, **there} if asked.get(name) != there.get(name)]
    if different:
        shown = ", ".join(f"{name} {there.get(name)} there, {asked.get(name)} here" for name in different)
        raise UserError(
            f"{out} is an index with other parameters ({shown}): name another --out, or build it anew with --replace"
        )
    if facts.content_sha256 != content:
        raise UserError(
            f"{out} is an index of other descriptors: name another --out, or build it anew with --replace"
        )
    if sha256_of(out) != facts.sha256:
        raise UserError(f"{out} is not the file that its record describes: build it anew with --replace")
    return facts
