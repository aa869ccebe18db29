"""The catalogue: everything that can be downloaded, as data (`catalogue.yaml`), checked and looked up."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from superglobal_core.data.strict_yaml import load_yaml
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.model_errors import lower_first, told

RECORDS = "records"  # the folder, below the root, of what was downloaded under which name
RESERVED = (RECORDS, "MANIFEST.json")
LISTING_SUFFIX = ".images.json"  # of the file, beside an archive, that says what it held
# File systems take 255 bytes, and names of our own are made of it: what is added takes some.
NAME_BYTES = 200
MOST_BYTES = 10**15

SHIPPED = Path(__file__).with_name("catalogue.yaml")

Format = Literal["tar.gz", "pickle", "torch", "mat", "onnx", "text", "any"]


def _is_relative(value: str) -> str:
    # It becomes a path below the root: nothing may lead out of it.
    path = PurePosixPath(value)
    if not value or path.is_absolute() or ".." in path.parts or "\\" in value or value.startswith((".", "~")):
        raise ValueError("give a path below the root, without '..' and not beginning with '.'")
    if not value.isprintable():
        raise ValueError("give a path without control characters")
    if any(len(part.encode()) > NAME_BYTES for part in path.parts):
        raise ValueError(f"give names of at most {NAME_BYTES} bytes")
    return value


def _is_folder(value: str) -> str:
    first = PurePosixPath(_is_relative(value)).parts[0]
    if first in RESERVED:
        raise ValueError(f"choose another folder: {first} below the root is for what we write ourselves")
    return value


def _is_file_name(value: str) -> str:
    if "/" in _is_relative(value):
        raise ValueError("give a file name without folders")
    if value.endswith(LISTING_SUFFIX):
        raise ValueError(
            f"give a name that does not end with {LISTING_SUFFIX}: such files we write ourselves"
        )
    return value


def _is_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s]+", value) or not value.isprintable():
        raise ValueError("give an address that begins with http:// or https://")
    return value


RelativePath = Annotated[str, AfterValidator(_is_relative)]
Folder = Annotated[str, AfterValidator(_is_folder)]
FileName = Annotated[str, AfterValidator(_is_file_name)]
Address = Annotated[str, AfterValidator(_is_address)]
Bytes = Annotated[int, Field(ge=1, le=MOST_BYTES)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class RemoteFile(_Model):
    """One file to download: where from, in order of preference, and how to know that it is the right one."""

    name: FileName = Field(description="its name on disk")
    urls: list[Address] = Field(description="addresses in order of preference")
    bytes: Bytes | None = Field(default=None, description="its exact size; none = not known")
    about_bytes: Bytes | None = Field(
        default=None, description="its size, roughly, where the exact one is not known"
    )
    sha256: Sha256 | None = Field(default=None, description="none = not known; the first download records it")
    format: Format = Field("any", description="what its first bytes must look like")
    unpack: RelativePath | None = Field(default=None, description="an archive: the folder for its images")
    images: int | None = Field(default=None, ge=1, description="how many images it holds")

    @property
    def expected_bytes(self) -> int | None:
        """The size to plan disk space with: exact if known, otherwise rough."""
        return self.bytes or self.about_bytes


class Parts(_Model):
    """Many archives of one kind, numbered from 1: `{part}` in name and addresses is the number."""

    count: int = Field(ge=1, le=100_000, description="how many archives")
    name: FileName = Field(description="file name with {part}")
    urls: list[Address] = Field(min_length=1, description="addresses with {part}")
    about_bytes: Bytes | None = Field(default=None, description="size of one archive, roughly")

    @model_validator(mode="after")
    def _numbered(self) -> Parts:
        for text in (self.name, *self.urls):
            if "{part}" not in text:
                raise ValueError(f"{text} lacks {{part}}, which stands for the archive's number")
        return self


class Entry(_Model):
    """One thing to download by name: a data set, distractors, a checkpoint, features."""

    name: str = ""
    title: str = Field(description="what it is, in a few words")
    kind: Literal["dataset", "distractors", "checkpoint", "features", "weights"] = Field(
        description="what for"
    )
    folder: Folder = Field(description="its folder below the root")
    files: list[RemoteFile] = Field(default_factory=list, description="files; archives are unpacked")
    parts: Parts | None = Field(default=None, description="distractors: their archives")
    groundtruth: FileName | None = Field(
        default=None, description="a data set: which file is the ground truth"
    )
    images: int | None = Field(
        default=None, ge=1, description="how many images there are in all (the list's count)"
    )
    image_list: FileName | None = Field(default=None, description="distractors: which file lists the images")
    corrupt: list[str] = Field(default_factory=list, description="ids of images known not to decode")
    homepage: str | None = Field(default=None, description="the page to read, and to get it from by hand")
    licence: str = Field(description="under which terms it is given")
    citation: str | None = Field(default=None, description="BibTeX")
    notes: str | None = Field(default=None, description="what one should know")

    @model_validator(mode="after")
    def _consistent(self) -> Entry:
        names = [file.name for file in self.files]
        for key, value in (("groundtruth", self.groundtruth), ("image_list", self.image_list)):
            if value is not None and value not in names:
                raise ValueError(f"{key} is {value}, which is none of the files")
        if self.kind == "dataset" and self.groundtruth is None:
            raise ValueError("a data set needs a groundtruth, one of its files")
        if self.kind == "distractors" and self.parts is None:
            raise ValueError("distractors need parts, their archives")
        if not self.files and self.parts is None:
            raise ValueError("give files, or parts")
        seen: set[str] = set()
        for path in self.paths():
            if path in seen:
                raise ValueError(f"two files have the same name, {PurePosixPath(path).name}")
            seen.add(path)
        return self

    def part(self, number: int) -> RemoteFile:
        """Return the archive of that number, from 1.

        Raises:
            UserError: when there is no such archive.
        """
        if self.parts is None or not 1 <= number <= self.parts.count:
            count = self.parts.count if self.parts else 0
            raise UserError(f"{self.name} has no archive {number}: they are numbered from 1 to {count}")
        return RemoteFile(
            name=self.parts.name.replace("{part}", str(number)),
            urls=[url.replace("{part}", str(number)) for url in self.parts.urls],
            about_bytes=self.parts.about_bytes,
            format="tar.gz",
            unpack=f"jpg/part-{number:03d}",
        )

    def paths(self) -> Iterator[str]:
        """Yield where its files lie, below the root."""
        folder = PurePosixPath(self.folder)
        yield from (str(folder / file.name) for file in self.files)
        if self.parts is not None:
            numbers = range(1, self.parts.count + 1)
            yield from (str(folder / self.parts.name.replace("{part}", str(number))) for number in numbers)

    def image_folder(self) -> str | None:
        """Return the folder, below the root, of a data set's images; None without any."""
        folders = [file.unpack for file in self.files if file.unpack]
        return f"{self.folder}/{folders[0]}" if folders else None


class Catalogue(Mapping[str, Entry]):
    """All entries by name.

    >>> load_catalogue()["roxford5k"].groundtruth
    'gnd_roxford5k.pkl'
    """

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Entry:
        if name not in self._entries:
            raise unknown_name("download", name, self._entries)
        return self._entries[name]

    def __iter__(self) -> Any:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries


def load_catalogue(more: Iterable[str | Path] = ()) -> Catalogue:
    """Read the catalogue that comes with the package, then `more` files whose entries are added or replace it.

    Raises:
        UserError: naming file, entry and key of what is wrong.
    """
    entries: dict[str, Entry] = {}
    for path in (SHIPPED, *map(Path, more)):
        entries |= _read(path)
    _refuse_same_paths(entries.values())
    return Catalogue(entries)


def _refuse_same_paths(entries: Iterable[Entry]) -> None:
    # One would be taken for the other.
    owners: dict[str, str] = {}
    for entry in entries:
        for path in entry.paths():
            other = owners.setdefault(path, entry.name)
            if other != entry.name:
                raise UserError(
                    f"the entries {other} and {entry.name} both have a file {path}: "
                    "give one of them another folder, or one name to both if it replaces the other"
                )


def _read(path: Path) -> dict[str, Entry]:
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the catalogue {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise UserError(f"the catalogue {path} is no valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise UserError(f"the catalogue {path} holds no entries: write one below its name (see docs/data.md)")
    return {str(name): _entry(path, str(name), value) for name, value in content.items()}


def _entry(path: Path, name: str, value: Any) -> Entry:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}", name):
        raise UserError(
            f"{path}: the entry's name {name[:200]!r} may hold letters, digits, '_', '-' and '.' only, "
            "at most 100 of them"
        )
    if not isinstance(value, dict):
        raise UserError(f"{path}: {name} holds no keys (see docs/data.md)")
    with told(path, lambda item: f"{'.'.join(map(str, (name, *item['loc'])))}: {lower_first(item)}"):
        return Entry.model_validate({**value, "name": name})


def choose(catalogue: Catalogue, names: Sequence[str]) -> list[Entry]:
    """Return the named entries, each once, in the order named (UserError for a name that is none)."""
    return [catalogue[name] for name in dict.fromkeys(names)]


def parse_parts(text: str | None, entries: Sequence[Entry]) -> list[int] | None:
    """Read which archives of distractor sets are wanted: `all` or nothing (None), `none`, or numbers.

    Raises:
        UserError: for anything else, or numbers that an entry does not have.
    """
    if text is None or text == "all":
        return None
    if text == "none":
        return []
    try:
        parts = sorted({int(number) for number in text.split(",") if number.strip()})
    except ValueError as error:
        raise UserError(
            f"--parts {text}: give all, none, or numbers with commas, for example 1,2,7"
        ) from error
    if not parts:
        raise UserError(f"--parts {text!r} names no archive: give all, none, or numbers, for example 1,2,7")
    sets = [entry for entry in entries if entry.parts is not None]
    if not sets:
        raise UserError("--parts belongs to distractor sets, and none was named: leave it out")
    for entry in sets:
        for number in parts:
            entry.part(number)
    return parts
