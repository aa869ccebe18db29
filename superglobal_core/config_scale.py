"""What a suite may say of how cost grows with the database."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from superglobal_core.config_approximate import ScaleIndexes
from superglobal_core.config_parts import Model
from superglobal_core.errors import UserError
from superglobal_core.features.planted import Planted

# Building a graph over more vectors, or training lists for them, takes many minutes.
LARGEST_INDEXED = 100_000
PLANTED = "planted"
WORLD = ("seed", "dimension", "landmarks", "easy", "hard", "junk", "queries")


class Scale(Model):
    """Search, ranks, reranking and evaluation timed on databases of several sizes, of planted descriptors."""

    sizes: list[Annotated[int, Field(ge=2)]] = Field(
        [10_000, 30_000, 100_000, 300_000, 1_001_001],
        min_length=1,
        description="vectors in the databases, ascending; each is the beginning of the next",
    )
    queries: int = Field(70, ge=1, description="how many queries, each of one of the landmarks in turn")
    dimension: int = Field(2048, ge=2, le=65_536, description="of a descriptor")
    landmarks: int = Field(14, ge=1, description="how many landmarks are planted")
    easy: int = Field(20, ge=0, description="easy images of each landmark")
    hard: int = Field(30, ge=0, description="hard images of each landmark")
    junk: int = Field(10, ge=0, description="junk images of each landmark")
    shard_size: int = Field(10_000, ge=1, description="vectors in a shard")
    k: int = Field(400, ge=1, description="places of a search")
    shortlist: int = Field(400, ge=1, description="M of the reranking")
    neighbours: int = Field(9, ge=0, description="K")
    beta: float = Field(0.15, ge=0, description="beta")
    repeats: int = Field(5, ge=1, description="samples of each time")
    seed: int = Field(0, ge=0, description="all descriptors follow from it")
    approximate: ScaleIndexes | None = Field(
        None, description="also compare approximate indexes with the exact search; left out: do not"
    )

    @model_validator(mode="after")
    def _fits(self) -> Scale:
        if any(small >= large for small, large in zip(self.sizes, self.sizes[1:], strict=False)):
            raise ValueError(
                f"sizes are {', '.join(map(str, self.sizes))}: give them in ascending order, each once"
            )
        if self.shortlist > self.k:
            raise ValueError(f"shortlist is {self.shortlist}, more than the {self.k} places of a search (k)")
        try:
            self.world()
            self._check_indexes()
        except UserError as error:
            raise ValueError(str(error)) from error
        return self

    def _check_indexes(self) -> None:
        if self.approximate is None:
            return
        for size in self.approximate.sizes or []:
            if size not in self.sizes:
                raise UserError(f"approximate.sizes names {size}, which is not in sizes")
        for size in self.indexed_sizes():
            self.approximate.check(size, self.dimension)

    def indexed_sizes(self) -> list[int]:
        """List the sizes at which approximate indexes are compared, ascending.

        >>> Scale(approximate={}).indexed_sizes(), Scale().indexed_sizes()
        ([100000], [])
        """
        if self.approximate is None:
            return []
        if self.approximate.sizes is not None:
            return sorted(set(self.approximate.sizes))
        small = [size for size in self.sizes if size <= LARGEST_INDEXED]
        return [small[-1] if small else self.sizes[0]]

    def indexed_files(self) -> list[str]:
        """List the comparisons' files, relative to the suite's folder of results."""
        return [f"approximate/{PLANTED}/{size}.json" for size in self.indexed_sizes()]

    def files(self) -> list[str]:
        """List the files of the sizes, relative to the suite's folder of results.

        >>> Scale(sizes=[500], landmarks=1).files()
        ['scale/500.json']
        """
        return [f"scale/{size}.json" for size in self.sizes]

    def world(self) -> Planted:
        """Return the descriptors that are planted."""
        return Planted(**{name: getattr(self, name) for name in WORLD}, within=self.sizes[0])

    def parts(self) -> list[tuple[int, int]]:
        """List the ranges of rows that are drawn as jobs of their own: up to each size from the one before.

        >>> Scale(sizes=[100, 300], landmarks=1, k=50, shortlist=50).parts()
        [(0, 100), (100, 300)]
        """
        return list(zip([0, *self.sizes], self.sizes, strict=False))
