"""Kinds of approximate indexes, their parameters, and the values that follow from a database's size."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence

from superglobal_core.errors import UserError, unknown_name

# Training sees no more of a database than this, whatever its size: 2^15 rows of 2048 float32 are 256 MiB.
SAMPLE_ROWS = 2**15
SAMPLE_BYTES = 2**28
# Rows that k-means should see for each list's centre, and at the very least for each code.
ROWS_A_LIST = 39
ROWS_A_CODE = 4
STORAGES = ("sq8", "fp16")

Value = int | str


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind: what it is, its parameters with what they mean, and which of them acts in the search alone."""

    name: str
    meaning: str
    parameters: Mapping[str, str]
    effort: str | None = None


KINDS = {
    kind.name: kind
    for kind in (
        Kind("flat-fp16", "every vector in half precision, all of them compared", {}),
        Kind("flat-sq8", "every coordinate in 8 bits, all vectors compared", {}),
        Kind(
            "ivfpq",
            "vectors in lists around k-means' centres, of each the product-quantised residual; some lists are read",
            {
                "nlist": "lists",
                "m": "parts of a vector, each with a code of its own; divides the dimensions",
                "nbits": "bits of a part's code",
                "nprobe": "lists that a query reads",
            },
            "nprobe",
        ),
        Kind(
            "hnsw",
            "a graph of near neighbours over vectors in 8 bits (or half precision), walked by each query",
            {
                "M": "neighbours of a vector in the graph's upper layers; twice as many in the lowest",
                "efConstruction": "candidates that are kept while the graph is built",
                "efSearch": "candidates that are kept by a query; at least its places",
                "storage": f"how vectors are kept: {' or '.join(STORAGES)}",
            },
            "efSearch",
        ),
    )
}
_HIGHEST = {"nlist": 2**24, "m": 2**16, "nbits": 12, "M": 1024, "efConstruction": 2**20}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """An index as it was asked for: its kind, the parameters given, and the efforts of the search to try.

    efforts: values of nprobe or efSearch; empty for the default ones.
    """

    kind: str
    given: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    efforts: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The kind and what was given, as `parse_index` reads it."""
        values = {**self.given}
        effort = KINDS[self.kind].effort
        if effort is not None and self.efforts:
            values[effort] = "/".join(map(str, self.efforts))
        return ":".join([self.kind, *(f"{name}={value}" for name, value in values.items())])


@dataclasses.dataclass(frozen=True)
class IndexPlan:
    """An index in full: every parameter that the file depends on, and the default effort of its search."""

    kind: str
    parameters: dict[str, Value]
    effort: int | None

    @property
    def searched_by(self) -> str | None:
        """Which parameter the effort is: nprobe, efSearch, or none."""
        return KINDS[self.kind].effort


def parse_index(text: str) -> Wanted:
    """Read an index as it is written: KIND, or KIND:NAME=VALUE:...; efforts to try have `/` between them.

    Raises:
        UserError: for an unknown kind or parameter, or a value that is none.

    >>> parse_index("ivfpq:nlist=64:nprobe=1/4")
    Wanted(kind='ivfpq', given={'nlist': 64}, efforts=(1, 4))
    """
    kind, *settings = text.strip().split(":")
    return wanted_index(kind, settings)


def wanted_index(kind: str, settings: Sequence[str]) -> Wanted:
    """Return an index of a kind with settings NAME=VALUE (UserError as `parse_index`)."""
    if kind not in KINDS:
        raise unknown_name("kind of index", kind, KINDS)
    known = KINDS[kind]
    given: dict[str, Value] = {}
    efforts: tuple[int, ...] = ()
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise UserError(f"'{setting}' is no parameter of {kind}: write NAME=VALUE")
        if name not in known.parameters:
            has = f"it has {', '.join(known.parameters)}" if known.parameters else "it has none"
            raise UserError(f"an index of the kind {kind} has no parameter '{name}': {has}")
        if name in given or (name == known.effort and efforts):
            raise UserError(f"{kind} is given '{name}' twice: leave one out")
        if name == known.effort:
            efforts = tuple(sorted({_whole(name, each) for each in value.split("/")}))
        elif name == "storage":
            if value not in STORAGES:
                raise unknown_name("storage", value, STORAGES)
            given[name] = value
        else:
            given[name] = _whole(name, value)
    return Wanted(kind, given, efforts)


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < 1:
        raise UserError(f"{name} is '{text}': give a whole number, at least 1")
    if int(text) > _HIGHEST.get(name, 2**30):
        raise UserError(f"{name} is {text}: give at most {_HIGHEST[name]}")
    return int(text)


def sample_rows(rows: int, dimension: int) -> int:
    """Return how many rows of a database are trained on: all, or as many as memory should hold.

    >>> sample_rows(1_001_001, 2048), sample_rows(5_000, 512)
    (32768, 5000)
    """
    return min(rows, SAMPLE_ROWS, max(1, SAMPLE_BYTES // (4 * dimension)))


def plan_index(wanted: Wanted, rows: int, dimension: int) -> IndexPlan:
    """Fill in what was not given, from the rows N and dimensions D of the database.

    ivfpq: nlist is 2 sqrt(N), as far as the training sample has 39 rows for each; m is the largest
    divisor of D up to D / 8; nbits is 8, fewer for a small sample; nprobe is nlist / 16.
    hnsw: M is 16 (32 takes several times as long to build); efConstruction is 2 M, at least 40; efSearch 256.

    Raises:
        UserError: when values do not fit the database.

    >>> plan_index(parse_index("ivfpq"), 1_001_001, 2048)
    IndexPlan(kind='ivfpq', parameters={'nlist': 840, 'm': 256, 'nbits': 8}, effort=53)
    >>> plan_index(parse_index("hnsw"), 1_001_001, 2048).parameters
    {'M': 16, 'efConstruction': 40, 'storage': 'sq8'}
    """
    given, sample = wanted.given, sample_rows(rows, dimension)
    defaults: dict[str, Value] = {}
    effort = None
    if wanted.kind == "ivfpq":
        defaults["nlist"] = max(1, min(round(2 * math.sqrt(rows)), sample // ROWS_A_LIST))
        defaults["m"] = max(part for part in range(1, max(1, dimension // 8) + 1) if dimension % part == 0)
        defaults["nbits"] = max(1, min(8, int(math.log2(max(2, sample / ROWS_A_CODE)))))
        effort = math.ceil(int(given.get("nlist", defaults["nlist"])) / 16)
    elif wanted.kind == "hnsw":
        degree = int(given.get("M", 16))
        defaults = {"M": degree, "efConstruction": max(40, 2 * degree), "storage": "sq8"}
        effort = 256
    parameters = {name: given.get(name, value) for name, value in defaults.items()}
    if wanted.kind == "ivfpq":
        _check_ivfpq(parameters, sample, dimension)
    if effort is not None and wanted.efforts:
        effort = wanted.efforts[-1]
    return IndexPlan(wanted.kind, parameters, effort)


def _check_ivfpq(parameters: Mapping[str, Value], sample: int, dimension: int) -> None:
    nlist, m, nbits = (int(parameters[name]) for name in ("nlist", "m", "nbits"))
    if dimension % m:
        raise UserError(
            f"m is {m}, but {dimension} dimensions cannot be cut into {m} equal parts: give a divisor"
        )
    for name, value, centres in (("nlist", nlist, nlist), ("nbits", nbits, 2**nbits)):
        if centres > sample:
            raise UserError(
                f"{name} is {value}: it needs {centres} rows to train on, and there are {sample}; give a smaller one"
            )


def efforts_to_try(wanted: Wanted, plan: IndexPlan, rows: int, k: int) -> Sequence[int | None]:
    """Return the efforts of the search that a comparison measures, ascending; a single None for kinds without.

    nprobe: those given, or 1, 4, 16, ... up to nlist / 2, and the default; at most nlist. efSearch: those given,
    or k, 2 k, 4 k, 8 k; at least k, since fewer candidates cannot fill k places, and at most N.

    >>> wanted = parse_index("ivfpq:nlist=100")
    >>> efforts_to_try(wanted, plan_index(wanted, 10_000, 64), 10_000, 400)
    [1, 4, 7, 16]
    """
    if plan.kind == "ivfpq":
        nlist = int(plan.parameters["nlist"])
        values = wanted.efforts or (
            *(4**power for power in range(12) if 4**power <= nlist / 2),
            plan.effort or 1,
        )
        return sorted({min(value, nlist) for value in values})
    if plan.kind == "hnsw":
        values = wanted.efforts or (k, 2 * k, 4 * k, 8 * k)
        return sorted({max(min(k, rows), min(value, rows)) for value in values})
    return [None]
