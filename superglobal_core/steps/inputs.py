"""What a step read, for its record: each folder or file with a digest that costs next to nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from superglobal_core.features.store import FeatureStore
from superglobal_core.files import read_json
from superglobal_core.invocation import from_here
from superglobal_core.results import Input, file_input


def given_files(**files: str | Path | None) -> list[Input]:
    """Describe files by their roles, `_` for a space; None stands for one that was not given."""
    return [file_input(role.replace("_", " "), path) for role, path in files.items() if path is not None]


def descriptor_inputs(role: str, paths: Iterable[str | Path], store: FeatureStore) -> list[Input]:
    """Describe the files and folders that a store of descriptors was opened from, by `FeatureStore.digest`."""
    found = []
    for path in map(Path, paths):
        mine = [segment for segment in store.segments if path in (segment.source, segment.source.parent)]
        digest = FeatureStore(mine, str(path)).digest() if mine else None
        found.append(Input(role=role, path=from_here(path), digest=digest))
    return found


def variants_inputs(role: str, folder: str | Path, stores: Mapping[str, FeatureStore]) -> list[Input]:
    """Describe a folder with variants of descriptors by the digests of those that were read; none where none was."""
    digest = hashlib.sha256()
    for name in sorted(stores):
        digest.update(f"{name}\0{stores[name].digest()}\n".encode())
    return [Input(role=role, path=from_here(folder), digest=digest.hexdigest())] if stores else []


def shard_inputs(role: str, folders: Iterable[str | Path]) -> list[Input]:
    """Describe folders of shards by their sidecars, which hold the SHA-256 of every array."""
    return [Input(role=role, path=from_here(folder), digest=_sidecars(Path(folder))) for folder in folders]


def folder_input(role: str, folder: str | Path) -> Input:
    """Describe a small folder by the names and bytes of its files."""
    paths = sorted(path for path in Path(folder).iterdir() if path.is_file())
    return Input(role=role, path=from_here(folder), digest=_digest(paths))


def image_input(images: str | Path, out: str | Path) -> Input:
    """Describe the images that were described in `out`, by the digests of ids and contents in its shards."""
    recorded = [read_json(path).get("images_sha256") for path in _sidecar_paths(Path(out))]
    digest = hashlib.sha256("\n".join(map(str, recorded)).encode()).hexdigest()
    return Input(role="images", path=from_here(images), digest=digest)


def manifest_inputs(images: str | Path) -> list[Input]:
    """Describe the manifest of a drawn data set, where images are a folder of one."""
    manifest = Path(images).parent / "MANIFEST.json"
    return [file_input("manifest of the images", manifest)] if manifest.is_file() else []


def _sidecars(folder: Path) -> str | None:
    paths = list(_sidecar_paths(folder))
    return _digest(paths) if paths else None


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _sidecar_paths(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("shard-*.json"))
