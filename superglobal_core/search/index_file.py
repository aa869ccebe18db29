"""Indexes on disk: written whole or not at all, and believed only with a record that fits."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from superglobal_core.errors import UserError
from superglobal_core.features.store import FeatureStore
from superglobal_core.files import atomic_write, read_json, sha256_of
from superglobal_core.model_errors import damage_told
from superglobal_core.results import record_path
from superglobal_core.search.faiss_index import BuiltIndex, faiss_package
from superglobal_core.search.index_kinds import IndexPlan
from superglobal_core.search.rebuilt_store import RebuiltStore

WRITTEN_AT_ONCE = 2**22


class IndexFacts(BaseModel):
    """What an index's record says of it (its `parameters`), and what must be right before it is loaded."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(description="flat-fp16, flat-sq8, ivfpq or hnsw")
    index: dict[str, int | str] = Field(description="its parameters in full")
    effort: int | None = Field(description="nprobe or efSearch, unless a search says otherwise")
    seed: int
    database: int = Field(ge=1, description="rows")
    dimension: int = Field(ge=1)
    database_digest: str = Field(description="of the database's shape and at most 64 of its rows")
    content_sha256: str = Field(description="of all that the database holds, in its order")
    unit_length: bool = Field(description="the database's vectors have length one")
    sha256: str = Field(description="of the index's file")
    bytes: int = Field(ge=1, description="of the index's file")
    bytes_a_vector: float
    train_s: float
    add_s: float
    faiss: str = Field(description="its version")

    @property
    def plan(self) -> IndexPlan:
        return IndexPlan(self.kind, self.index, self.effort)


@dataclasses.dataclass(frozen=True)
class OpenIndex:
    """An index read from its file, with what its record says."""

    index: Any
    facts: IndexFacts

    def rebuilt(self, database: FeatureStore) -> RebuiltStore:
        """Return the database with rows rebuilt from the index."""
        return RebuiltStore(database, self.index, self.facts.unit_length)


def content_sha256(database: FeatureStore) -> str:
    """Return a digest of everything that a database holds: of shards by their sidecars, of other files by reading.

    A shard that was written after its sidecar is read, too.

    >>> import numpy as np
    >>> content_sha256(FeatureStore.of_array(np.eye(2)))[:8]
    '66cce74e'
    """
    digest = hashlib.sha256(repr((database.shape, str(database.dtype))).encode())
    for segment in database.segments:
        told = (segment.sidecar or {}).get("sha256")
        if told:
            digest.update(
                f"{sha256_of(segment.source) if _changed_since(segment.source) else told}\n".encode()
            )
            continue
        for start in range(0, len(segment.array), 4096):
            digest.update(segment.array[start : start + 4096].tobytes())
        FeatureStore([segment], database.name).release()
    return digest.hexdigest()


def _changed_since(shard: Path) -> bool:
    """Tell whether a shard was written after its sidecar, which says what it held then."""
    return shard.stat().st_mtime_ns > shard.with_suffix(".json").stat().st_mtime_ns


def write_index(path: str | Path, built: BuiltIndex) -> tuple[str, int]:
    """Write an index, whole or not at all; return the SHA-256 and the size of the file."""
    digest, size = hashlib.sha256(), 0
    faiss = faiss_package()
    with atomic_write(path) as stream:

        def write(piece: bytes) -> int:
            nonlocal size
            digest.update(piece)
            size += len(piece)
            return stream.write(piece)

        faiss.write_index(built.index, faiss.PyCallbackIOWriter(write, WRITTEN_AT_ONCE))
    return digest.hexdigest(), size


def index_size(built: BuiltIndex) -> int:
    """Return how many bytes the file of an index would have, without writing it."""
    faiss, size = faiss_package(), 0

    def count(piece: bytes) -> int:
        nonlocal size
        size += len(piece)
        return len(piece)

    faiss.write_index(built.index, faiss.PyCallbackIOWriter(count, WRITTEN_AT_ONCE))
    return size


def read_facts(path: str | Path) -> IndexFacts:
    """Read what an index's record says.

    Raises:
        UserError: when there is no index, no record, or none of an index.
    """
    path, record = Path(path), record_path(path)
    if not path.is_file():
        raise UserError(f"there is no index {path}: build it with `superglobal index`")
    if not record.is_file():
        raise UserError(
            f"{path} has no record {record.name} beside it, so that nothing says what it is: "
            "build it with `superglobal index --replace`"
        )
    content = read_json(record)
    known = content.get("parameters") if isinstance(content, dict) else None
    with damage_told(record, "build the index again with --replace"):
        return IndexFacts.model_validate(known)


def open_index(path: str | Path, database: FeatureStore) -> OpenIndex:
    """Read an index of just this database into memory.

    The file's SHA-256 is compared with its record's before faiss reads it; a database without sidecars is read whole.

    Raises:
        UserError: when index or record are absent or damaged, or of another database.
        MissingPackageError: when faiss is not installed.
    """
    faiss, facts = faiss_package(), read_facts(path)
    # The digest of all the content, too: that of a few rows does not see that another row was changed.
    shape = (facts.database, facts.dimension)
    if shape != database.shape or facts.content_sha256 != content_sha256(database):
        of, here = (f"{rows} x {dimension}" for rows, dimension in (shape, database.shape))
        other = f"{of}; here {here}" if of != here else f"{of} as here, but other values, or in another order"
        raise UserError(
            f"{path} is an index of other descriptors ({other}): name the --database that it was built of, "
            "or build it again with --replace"
        )
    if sha256_of(path) != facts.sha256:
        raise UserError(
            f"{path} is not the file that its record describes (its SHA-256 differs): build it again with --replace"
        )
    try:
        index = faiss.read_index(str(path))
    except RuntimeError as error:
        raise UserError(
            f"{path} cannot be read by faiss {faiss.__version__} (it was written by {facts.faiss}): "
            "build it again with --replace"
        ) from error
    return OpenIndex(index, facts)
