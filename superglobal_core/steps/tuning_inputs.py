"""The descriptors among which tuning chooses: brought along, or extracted from images as needed."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from superglobal_core.errors import UserError
from superglobal_core.features.modes import Precision
from superglobal_core.networks.settings import PRESETS
from superglobal_core.steps.extract import extract_step

DEFAULT = "default"


@dataclasses.dataclass(frozen=True)
class Stored:
    """Descriptors of one data set: of its queries, and of its database with any distractors."""

    queries: Path
    databases: tuple[Path, ...]


class Source(Protocol):
    """Descriptors of one data set by name.

    names: those that tuning may choose. default: the name of those with the default parameters.
    """

    @property
    def names(self) -> Sequence[str]: ...
    @property
    def default(self) -> str: ...
    def get(self, name: str, /) -> Stored: ...

    def changes(self, name: str, /) -> int:
        """Return how many parameters of a name differ from the defaults."""
        ...


class StoredSource:
    """Descriptors that are there already: the default ones, and candidates by name."""

    default = DEFAULT

    def __init__(self, default: Stored, candidates: Mapping[str, Stored]) -> None:
        self._stored = {DEFAULT: default, **candidates}
        self.names = list(self._stored)

    def get(self, name: str, /) -> Stored:
        return self._stored[name]

    def changes(self, name: str, /) -> int:
        return int(name != DEFAULT)


@dataclasses.dataclass(frozen=True)
class Exponents:
    """Values of GeM+'s p, Regional-GeM's p_r and ReLUP's alpha; by default the release's alone."""

    p: tuple[float, ...] = (PRESETS["superglobal"].gem_plus_p,)
    p_r: tuple[float, ...] = (PRESETS["superglobal"].regional_p,)
    alpha: tuple[float, ...] = (PRESETS["superglobal"].relup_alpha,)

    def combinations(self) -> dict[str, tuple[float, float, float]]:
        """Return all combinations by name.

        >>> list(Exponents(p=(3, 4.6)).combinations())
        ['p3-pr2.5-alpha0.014', 'p4.6-pr2.5-alpha0.014']
        """
        return {
            f"p{p:g}-pr{p_r:g}-alpha{alpha:g}": (p, p_r, alpha)
            for alpha, p_r, p in itertools.product(self.alpha, self.p_r, self.p)
        }


@dataclasses.dataclass(frozen=True)
class Images:
    """What descriptors are extracted from: query images with the ground truth's boxes, and the database's.

    databases: folders or lists, distractors too.
    """

    queries: Path
    databases: tuple[Path, ...]
    groundtruth: Path


@dataclasses.dataclass(frozen=True)
class Network:
    """The network that describes images."""

    backbone: str
    checkpoint: Path | None = None
    precision: Precision = "float32"
    device: str = "auto"


class ExtractedSource:
    """Descriptors of SuperGlobal with other exponents, extracted into a folder when first asked for.

    What is there already, from an earlier run, is kept.
    """

    def __init__(self, images: Images, exponents: Exponents, network: Network, folder: Path) -> None:
        self._images, self._network, self._folder = images, network, folder
        self._values = exponents.combinations()
        self.names = list(self._values)
        (self.default, self._default_values), *_ = Exponents().combinations().items()
        self._values.setdefault(self.default, self._default_values)
        # All at once, so that a value that is none ends the run before any work.
        self._settings = {
            name: dataclasses.replace(PRESETS["superglobal"], gem_plus_p=p, regional_p=p_r, relup_alpha=alpha)
            for name, (p, p_r, alpha) in self._values.items()
        }

    def get(self, name: str, /) -> Stored:
        folder = self._folder / name
        wanted: dict[Path, tuple[Path, Path | None]] = {
            folder / "queries": (self._images.queries, self._images.groundtruth)
        }
        for number, source in enumerate(self._images.databases):
            wanted[folder / f"database-{number}"] = (source, None)
        for out, (source, boxes) in wanted.items():
            extract_step(
                source,
                out,
                backbone=self._network.backbone,
                settings=self._settings[name],
                checkpoint=self._network.checkpoint,
                boxes=boxes,
                precision=self._network.precision,
                device=self._network.device,
            )
        queries, *databases = wanted
        return Stored(queries, tuple(databases))

    def changes(self, name: str, /) -> int:
        values = zip(self._values[name], self._default_values, strict=True)
        return sum(value != default for value, default in values)


def parse_candidates(texts: Sequence[str], option: str) -> dict[str, Stored]:
    """Read descriptors written NAME=QUERIES,DATABASE with further databases after further commas.

    Raises:
        UserError: where a name or path is missing, or a name comes twice.

    >>> parse_candidates(["p3=a/queries,a/database"], "--candidate")["p3"].queries.as_posix()
    'a/queries'
    """
    found: dict[str, Stored] = {}
    for text in texts:
        name, _, rest = text.partition("=")
        paths = [Path(part.strip()) for part in rest.split(",") if part.strip()]
        name = name.strip()
        if not name or len(paths) < 2:
            raise UserError(
                f"{option} {text}: write NAME=QUERIES,DATABASE, for example p3=p3/queries,p3/database"
            )
        if name in found or name == DEFAULT:
            reason = "is the name of --queries and --database" if name == DEFAULT else "is given twice"
            raise UserError(f"{option} {text}: the name {name} {reason}: choose another")
        found[name] = Stored(paths[0], tuple(paths[1:]))
    return found


def tuning_source(
    groundtruth: Path,
    queries: Path | None,
    databases: Sequence[Path],
    candidates: Sequence[str],
    query_images: Path | None,
    images: Sequence[Path],
    exponents: Exponents,
    network: Network,
    folder: Path,
    option: str = "--",
) -> Source:
    """Return the descriptors of one data set as the command line names them; option: how its options begin.

    Raises:
        UserError: unless either descriptors or images are given, completely.
    """
    described, pictured = (queries, *databases, *candidates), (query_images, *images)
    if any(described) == any(pictured):
        raise UserError(
            f"give either descriptors ({option}queries and {option}database) or images ({option}query-images and "
            f"{option}images), one of them"
        )
    if any(pictured):
        if query_images is None or not images:
            raise UserError(f"{option}query-images and {option}images go together: give both")
        return ExtractedSource(Images(query_images, tuple(images), groundtruth), exponents, network, folder)
    if queries is None or not databases:
        raise UserError(f"{option}queries and {option}database go together: give both")
    if exponents != Exponents():
        raise UserError(
            "other values of --p, --p-r and --alpha need images to extract from (--query-images and --images), "
            "or descriptors made with them (--candidate)"
        )
    return StoredSource(Stored(queries, tuple(databases)), parse_candidates(candidates, f"{option}candidate"))
