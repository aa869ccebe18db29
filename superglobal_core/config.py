"""What a suite's YAML may say: the single source of its validation, its schema and its manual."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from superglobal_core.errors import UserError
from superglobal_core.files import read_json, write_json
from superglobal_core.reranking.names import METHOD_NAMES, METHOD_PARAMETERS


def _is_name(value: str) -> str:
    # Names become folders and wildcards of the workflow.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", value):
        raise ValueError("use letters, digits, '_', '-' and '.', beginning with a letter or digit")
    return value


Name = Annotated[str, AfterValidator(_is_name)]

# An exponent of a generalised mean, and the floor of ReLUP, as networks/settings.py checks them.
Exponent = Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)]
Floor = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _is_method(value: str) -> str:
    if value not in METHOD_NAMES:
        *most, last = (f"'{name}'" for name in sorted(METHOD_NAMES))
        raise ValueError(f"choose from {', '.join(most)} or {last}")
    return value


MethodName = Annotated[str, AfterValidator(_is_method), Field(json_schema_extra={"enum": list(METHOD_NAMES)})]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Synthetic(_Model):
    """Landmarks drawn on the spot by `superglobal landmarks`."""

    seed: int = Field(0, ge=0, description="everything drawn follows from it")
    size: int = Field(256, ge=128, le=2048, description="side of an image in pixels")
    landmarks: int | None = Field(None, ge=1, description="how many landmarks; by default the command's")
    distractors: int = Field(2000, ge=0, description="how many distractor images")


class Dataset(_Model):
    """A data set: drawn on the spot, downloaded, or a ground truth with images (or existing descriptors)."""

    label: str | None = Field(None, description="its name in tables; by default its key")
    synthetic: Synthetic | None = Field(None, description="draw it")
    download: Name | None = Field(None, description="download it: its name in the catalogue")
    groundtruth: Path | None = Field(None, description="a gnd_*.pkl")
    query_images: Path | None = Field(None, description="folder with the query images")
    database_images: Path | None = Field(None, description="folder with the database images")
    distractor_images: Path | None = Field(None, description="folder with distractor images")

    @model_validator(mode="after")
    def _one_source(self) -> Dataset:
        if sum(source is not None for source in (self.synthetic, self.download, self.groundtruth)) != 1:
            raise ValueError("give one of 'synthetic', 'download' and 'groundtruth'")
        if self.groundtruth is None and (self.query_images or self.database_images):
            source = "synthetic data set draws" if self.synthetic else "downloaded data set brings"
            raise ValueError(f"a {source} its images: leave their folders out")
        if self.synthetic is not None and self.distractor_images:
            raise ValueError("a synthetic data set draws its distractors: leave their folder out")
        return self


class Extract(_Model):
    """Descriptors made by `superglobal extract`; switches left out keep the preset's value."""

    backbone: Literal["resnet50", "resnet101", "mini", "torchvision-resnet50"] = Field(
        description="the network; torchvision-resnet50 is ImageNet's, without learned exponent and projection"
    )
    checkpoint: Path | None = Field(None, description="its weights; mini's come with the package")
    download: Name | None = Field(None, description="download its weights: their name in the catalogue")
    preset: Literal["superglobal", "cvnet-global", "official", "paper", "cvnet"] = Field(
        "superglobal",
        description="all switches at once; official and paper are superglobal, cvnet is cvnet-global",
    )
    scales: list[float] | None = Field(None, min_length=1, description="factors of the image's sides")
    gem_plus: bool | None = Field(None, description="fixed pooling exponent instead of the learned one")
    gem_plus_p: Exponent | None = Field(None, description="that fixed exponent (4.6)")
    regional_gem: bool | None = Field(None, description="pooling over each position's neighbourhood")
    regional_p: Exponent | None = Field(None, description="its exponent (2.5)")
    scale_gem: bool | None = Field(None, description="maximum over scales instead of their mean")
    relup: Literal["on", "official-off", "off"] | None = Field(None, description="ReLUP in place of ReLU")
    relup_alpha: Floor | None = Field(None, description="ReLUP's floor (0.014)")
    inner_normalisation: bool | None = Field(
        None, description="normalise the pooled vector before the fully connected layer"
    )
    antialias: bool | None = Field(None, description="antialiasing when scaling down")
    resize: Literal["float-tensor", "8-bit-image"] | None = Field(None, description="what is scaled")
    query_crop: bool = Field(True, description="cut the queries' boxes out; false: describe them whole")
    crop_rounding: Literal["truncate", "round"] = Field("truncate", description="of the boxes' corners")
    colour: Literal["bgr", "rgb"] = Field(
        "bgr", description="order of the channels; every network here expects bgr"
    )
    exif: bool = Field(True, description="apply an image's EXIF orientation")
    precision: Literal["float32", "bfloat16", "float16"] = Field("float32", description="of the network")

    @model_validator(mode="after")
    def _one_checkpoint(self) -> Extract:
        given = (self.checkpoint is not None) + (self.download is not None)
        if given > 1 or (given == 0 and self.backbone != "mini"):
            raise ValueError(f"backbone {self.backbone} needs either 'checkpoint' or 'download'")
        return self


# Keys of `extract` that variants of one extraction have in common.
_NOT_VARIED = {"backbone", "checkpoint", "download", "query_crop"}


class Existing(_Model):
    """Descriptors of one data set that already exist: shards (or .npy files), or packed binary codes."""

    codes: Path | None = Field(
        None, description="an .npz with `names` and packed `codes`, queries and database together"
    )
    bits: int | None = Field(None, ge=1, description="bits of a code that count; all by default")
    queries: Path | None = Field(None, description="query descriptors: folder of shards or .npy")
    database: Path | None = Field(None, description="database descriptors")
    distractors: Path | None = Field(None, description="distractor descriptors")

    @model_validator(mode="after")
    def _one_source(self) -> Existing:
        shards = self.queries is not None and self.database is not None
        if (self.codes is None) == (not shards) or (self.codes and (self.queries or self.database)):
            raise ValueError("give either 'codes', or both 'queries' and 'database'")
        if self.bits is not None and self.codes is None:
            raise ValueError("'bits' belongs to 'codes'")
        return self


class Descriptor(_Model):
    """A kind of descriptor: extracted here, or existing for each data set."""

    label: str | None = Field(None, description="its name in tables; by default its key")
    extract: Extract | None = Field(None, description="extract it from images")
    existing: dict[Name, Existing] | None = Field(None, description="files by data set")

    @model_validator(mode="after")
    def _one_source(self) -> Descriptor:
        if (self.extract is None) == (self.existing is None):
            raise ValueError("give either 'extract' or 'existing'")
        return self


class Method(_Model):
    """A reranker of the shortlist and its parameters."""

    label: str | None = Field(None, description="its name in tables; by default its key")
    reranker: MethodName = Field(description="the method")
    shortlist: int = Field(400, ge=1, description="M, candidates put into a new order")
    neighbours: int | None = Field(
        None, ge=0, description="neighbours of a candidate, or that join the query; by default the method's"
    )
    beta: float | None = Field(None, ge=0, description="superglobal's weight of a neighbour (0.15)")
    parameters: dict[str, bool | int | float | str] = Field(
        {}, description="the method's other parameters by name, for example `{alpha: 3}`"
    )
    junk: Literal["keep", "remove"] = Field(
        "keep",
        description="images that a protocol ignores stay candidates (SuperGlobal), or are left out first (CVNet)",
    )
    weights: Path | None = Field(None, description="a local method's own weights (xfeat.onnx)")
    download: Name | None = Field(None, description="download its weights: their name in the catalogue")

    @model_validator(mode="after")
    def _fits(self) -> Method:
        if self.weights is not None and self.download is not None:
            raise ValueError("give either 'weights' or 'download', not both")
        known = METHOD_PARAMETERS[self.reranker]
        given = {"neighbours": self.neighbours, "beta": self.beta}
        if any(value is not None and key not in known for key, value in given.items()):
            lacking = [key for key in given if key not in known]
            them = "them" if len(lacking) > 1 else "it"
            raise ValueError(f"'{self.reranker}' has no {' and no '.join(lacking)}: leave {them} out")
        for key in self.parameters:
            if key == "shortlist" or given.get(key) is not None:
                raise ValueError(f"'{key}' has a key of its own: leave it out of 'parameters'")
            if key not in known:
                listed = f"it has {', '.join(known)}" if known else "it has none"
                raise ValueError(f"'{self.reranker}' has no parameter '{key}': {listed}")
        return self


class Timing(_Model):
    """How the methods are timed: in turn, on the same shortlists of the first data set, strictly alone."""

    shortlist: int = Field(400, ge=1, description="candidates a query, the same for all methods")
    sizes: list[Annotated[int, Field(ge=1)]] = Field(
        [50, 100, 200, 400, 800, 1600], description="shortlists whose growth of latency is fitted"
    )
    queries: int = Field(10, ge=1, description="queries that are timed, in turn")
    repeats: int = Field(20, ge=1, description="samples of each method and scope")
    budget: float = Field(
        30.0, gt=0, description="seconds a method may take in a scope; slow ones are scaled from fewer pairs"
    )
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        "float16", description="of local methods' networks on a GPU"
    )


class Suite(_Model):
    """One suite: which data, which descriptors, which methods, and how to evaluate."""

    suite: Name = Field(description="the folder of its results and reports")
    title: str = Field(description="the report's heading")
    note: str | None = Field(None, description="shown at the top of the report")
    datasets: dict[Name, Dataset] = Field(min_length=1, description="data sets by name")
    descriptors: dict[Name, Descriptor] = Field(min_length=1, description="descriptors by name")
    root: Path = Field(Path("data"), description="folder of what is downloaded; may be shared by suites")
    catalogues: list[Path] = Field([], description="files with catalogue entries of your own")
    distractors: bool | Annotated[int, Field(ge=1)] = Field(
        True,
        description="also search among distractors, where there are some: all, none (false), or this many",
    )
    distractor_set: Name | None = Field(
        None, description="download distractors for all data sets: their name in the catalogue"
    )
    keep_distractor_images: bool = Field(
        False, description="keep the images of distractor_set, which are deleted once described"
    )
    methods: dict[Name, Method] = Field(min_length=1, description="methods by name")
    timing: Timing | None = Field(None, description="also time the methods; left out: do not")
    places: int = Field(
        400, ge=1, description="places of a search that are kept; at least the longest shortlist"
    )
    bootstrap: int = Field(1000, ge=0, description="resamples for the 95 % intervals")
    seed: int = Field(0, ge=0, description="of the resampling")

    @model_validator(mode="after")
    def _consistent(self) -> Suite:
        for name, descriptor in self.descriptors.items():
            for dataset in descriptor.existing or {}:
                if dataset not in self.datasets:
                    raise ValueError(
                        f"descriptors.{name}.existing names the data set '{dataset}', which is not in datasets"
                    )
            for dataset, data in self.datasets.items():
                if descriptor.existing is not None and dataset not in descriptor.existing:
                    raise ValueError(f"descriptors.{name}.existing lacks the data set '{dataset}'")
                if (
                    descriptor.extract
                    and data.groundtruth
                    and not (data.query_images and data.database_images)
                ):
                    raise ValueError(
                        f"datasets.{dataset} has no image folders, which descriptors.{name} needs"
                    )
        for name, data in self.datasets.items():
            if self.distractor_set and (data.synthetic or data.distractor_images):
                raise ValueError(f"datasets.{name} has distractors of its own: leave distractor_set out")
        if self.distractor_set in self.datasets:
            raise ValueError(f"distractor_set is {self.distractor_set}, the name of a data set: rename that")
        longest = max(method.shortlist for method in self.methods.values())
        if self.places < longest:
            raise ValueError(
                f"places is {self.places}, fewer than the longest shortlist ({longest}): raise it"
            )
        return self


def parse_suite(content: object, source: str) -> Suite:
    """Check a suite's content.

    Raises:
        UserError: in one line, with key, value and what is allowed for each mistake.
    """
    if not isinstance(content, Mapping):
        raise UserError(f"{source} holds no suite: keys and values are expected (see config/README.md)")
    with _told(source):
        return Suite.model_validate(content)


def parse_variants(content: object, source: str, common: Mapping[str, Any]) -> dict[str, Extract]:
    """Check variants of a descriptor: names, and what each changes in the common values of `extract`.

    Raises:
        UserError: in one line, for each mistake.

    >>> common = {"backbone": "mini"}
    >>> parse_variants({"plain": {"gem_plus": False}}, "variants.json", common)["plain"].gem_plus
    False
    """
    if not isinstance(content, Mapping) or not content:
        raise UserError(
            f"{source} holds no variants: a mapping of names to changed settings is expected, "
            'for example {"no-gem-plus": {"gem_plus": false}}'
        )
    for name, changes in content.items():
        if not isinstance(changes, Mapping):
            raise UserError(f"{source}: {name} is no mapping of settings: write {{}} to change none")
        if fixed := sorted(set(map(str, changes)) & _NOT_VARIED):
            raise UserError(
                f"{source}: {name} changes {', '.join(fixed)}, which all variants share: leave it out"
            )
    with _told(source):
        merged = {name: {**common, **changes} for name, changes in content.items()}
        return TypeAdapter(dict[Name, Extract]).validate_python(merged)


@contextlib.contextmanager
def _told(source: str) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        raise UserError(f"{source}: " + "; ".join(_sentence(item) for item in error.errors())) from error


def load_suite(path: str | Path) -> Suite:
    """Read and check a suite's YAML.

    Raises:
        UserError: when the file is absent, no YAML, or says what a suite may not say.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the suite {path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no valid YAML: {error}") from error
    return parse_suite(content, str(path))


def save_suite(suite: Suite, path: str | Path) -> None:
    """Write a suite with all its defaults as JSON, for the report."""
    write_json(path, suite.model_dump(mode="json"))


def read_saved_suite(path: str | Path) -> Suite:
    """Read what `save_suite` wrote."""
    return parse_suite(read_json(path), str(path))


def _sentence(item: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in item["loc"] if part != "[key]") or "the suite"
    value = item.get("input")
    shown = "" if isinstance(value, Mapping | list) or item["type"] == "missing" else f" is {value!r}"
    if item["type"] == "missing":
        return f"{key} is missing: add it (see config/README.md)"
    if item["type"] == "extra_forbidden":
        return f"{key} is no key of a suite: remove it or correct its spelling (see config/README.md)"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{key}{shown}: {message[:1].lower()}{message[1:]}"


def schema() -> dict[str, Any]:
    """Return the JSON schema of a suite."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Suite.model_json_schema()}
