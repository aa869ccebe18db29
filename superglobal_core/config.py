"""What a suite's YAML may say: the single source of its validation, its schema and its manual."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, ValidationInfo, field_validator, model_validator

from superglobal_core.config_ablation import Ablation
from superglobal_core.config_approximate import Approximation
from superglobal_core.config_parts import (
    Exponent,
    Floor,
    Found,
    MethodName,
    Model,
    Name,
    may_lack,
    mistake,
    short_forms,
)
from superglobal_core.config_scale import Scale
from superglobal_core.config_timing import Timing
from superglobal_core.errors import UserError
from superglobal_core.files import read_json, write_json
from superglobal_core.methods.folder import MethodFolder
from superglobal_core.methods.registry import SHIPPED
from superglobal_core.model_errors import told
from superglobal_core.reranking.names import METHOD_PARAMETERS
from superglobal_core.suite_methods import with_methods


class Synthetic(Model):
    """Landmarks drawn on the spot by `superglobal landmarks`."""

    seed: int = Field(0, ge=0, description="everything drawn follows from it")
    size: int = Field(256, ge=128, le=2048, description="side of an image in pixels")
    landmarks: int | None = Field(None, ge=1, description="how many landmarks; by default the command's")
    distractors: int = Field(2000, ge=0, description="how many distractor images")


class Dataset(Model):
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


class Extract(Model):
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
    mode: Literal["exact", "fast"] = Field(
        "exact", description="fast: in half precision, each run checked on a sample (see docs/extraction.md)"
    )
    precision: Literal["float32", "bfloat16", "float16"] | None = Field(
        None, description="of the network; by default float32, in the mode fast bfloat16"
    )

    @model_validator(mode="after")
    def _one_checkpoint(self) -> Extract:
        given = (self.checkpoint is not None) + (self.download is not None)
        if given > 1 or (given == 0 and self.backbone != "mini"):
            raise ValueError(f"backbone {self.backbone} needs either 'checkpoint' or 'download'")
        return self


class Existing(Model):
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


class Descriptor(Model):
    """A kind of descriptor: extracted here, or existing for each data set."""

    label: str | None = Field(None, description="its name in tables; by default its key")
    extract: Extract | None = Field(None, description="extract it from images")
    existing: dict[Name, Existing] | None = Field(None, description="files by data set")
    found: Found | None = Field(None, description="the folder of `method`; filled in, never written")
    method: MethodName | None = Field(
        None, description="made by the method in this folder (see docs/adding-a-method.md)"
    )
    parameters: dict[str, bool | int | float | str] = Field({}, description="that method's parameters")
    results: dict[str, dict[str, Path]] = Field(
        {}, description="files that it brings along, instead of its own"
    )
    weights: Path | None = Field(None, description="that method's weights")

    @model_validator(mode="after")
    def _one_source(self) -> Descriptor:
        if self.method is None and (self.extract is None) == (self.existing is None):
            raise ValueError("give either 'extract' or 'existing'")
        if self.method is None and (self.parameters or self.weights or self.results):
            raise ValueError("'parameters', 'weights' and 'results' belong to 'method'")
        if self.found is not None:
            if self.found.description.stage != "descriptor":
                raise ValueError(f"'{self.method}' makes no descriptors: list it in methods")
            if self.extract is not None or (self.existing is not None and self.found.runs != "results"):
                raise ValueError("'method' makes the descriptors: leave 'extract' and 'existing' out")
            self.found.check(self.parameters)
        return self

    @property
    def is_program(self) -> bool:
        """Whether a method's own rule makes it."""
        return self.found is not None and self.found.runs == "program"


class Method(Model):
    """A reranker of the shortlist, or another way to a ranking, and its parameters."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=may_lack("reranker"))

    label: str | None = Field(
        None,
        description="its name in tables; by default its key, or `method.yaml`'s where `reranker` is left out",
    )
    found: Found | None = Field(None, description="the method's folder; filled in, never written")
    reranker: MethodName = Field(
        description="the method: a built-in one, or a folder's name; left out, it is the key"
    )
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
    results: dict[str, dict[str, Path]] = Field(
        {}, description="files of a ranking brought along, by data set, instead of `method.yaml`'s"
    )
    weights: Path | None = Field(None, description="a method's own weights (xfeat.onnx)")
    download: Name | None = Field(None, description="download its weights: their name in the catalogue")

    @model_validator(mode="after")
    def _fits(self) -> Method:
        if self.weights is not None and self.download is not None:
            raise ValueError("give either 'weights' or 'download', not both")
        if self.runs in ("program", "results") and self.junk == "remove":
            raise ValueError(f"'{self.reranker}' is given one shortlist: leave 'junk: remove' out")
        if self.results and self.runs != "results":
            raise ValueError(f"'{self.reranker}' brings no results: leave 'results' out")
        known = tuple(self.found.description.parameters) if self.found else METHOD_PARAMETERS[self.reranker]
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
        if self.found is not None:
            self.found.check(self.given())
        return self

    @property
    def runs(self) -> str:
        """How it runs: builtin, python, program or results."""
        return self.found.runs if self.found else "builtin"

    @property
    def is_search(self) -> bool:
        """Whether it ranks the database itself instead of a shortlist."""
        return self.found is not None and self.found.description.stage == "search"

    @property
    def folder(self) -> MethodFolder | None:
        """The folder in which it was found."""
        return self.found.folder() if self.found else None

    def given(self) -> dict[str, Any]:
        """Return the parameters that were given, beside `shortlist`."""
        own = {"neighbours": self.neighbours, "beta": self.beta}
        return {key: value for key, value in own.items() if value is not None} | self.parameters


class Suite(Model):
    """One suite: which data, which descriptors, which methods, and how to evaluate."""

    model_config = ConfigDict(extra="forbid")

    suite: Name = Field(description="the folder of its results and reports")
    title: str = Field(description="the report's heading")
    note: str | None = Field(None, description="shown at the top of the report")
    scale: Scale | None = Field(
        None, description="also measure how cost grows with the database; it needs none of the next three"
    )
    datasets: dict[Name, Dataset] = Field({}, validate_default=True, description="data sets by name")
    descriptors: dict[Name, Descriptor] = Field(
        {}, validate_default=True, description="descriptors by name; left out where methods make them"
    )
    method_paths: list[Path] = Field(
        [], description="folders that hold methods' folders, beside workflow/methods"
    )
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
    methods: dict[Name, Method] = Field(
        {},
        validate_default=True,
        description="methods by name, or a list of names; those that make descriptors join `descriptors`",
        json_schema_extra=short_forms,
    )
    timing: Timing | None = Field(None, description="also time the methods; left out: do not")
    ablation: Ablation | None = Field(None, description="also change one switch at a time; left out: do not")
    approximate: Approximation | None = Field(
        None, description="also compare approximate indexes with the exact search; left out: do not"
    )
    places: int = Field(
        400, ge=1, description="places of a search that are kept; at least the longest shortlist"
    )
    bootstrap: int = Field(1000, ge=0, description="resamples for the 95 % intervals")
    seed: int = Field(0, ge=0, description="of the resampling")

    @field_validator("datasets", "descriptors", "methods")
    @classmethod
    def _there(cls, value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        # One of a `scale` that is wrong itself is not asked for more.
        if not value and info.data.get("scale", True) is None:
            raise ValueError("at least 1 item is needed (see config/README.md)")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Suite:
        if bool(self.datasets) != bool(self.descriptors and self.methods):
            raise ValueError(
                "datasets, descriptors and methods belong together: give all of them, or `scale` alone"
            )
        if self.approximate is not None and not self.datasets:
            raise ValueError("approximate compares indexes on datasets: give some, or use scale.approximate")
        for name, descriptor in self.descriptors.items():
            for dataset in descriptor.existing or {}:
                if dataset not in self.datasets:
                    raise ValueError(
                        f"descriptors.{name}.existing names the data set '{dataset}', which is not in datasets"
                    )
            for dataset, data in self.datasets.items():
                if (
                    descriptor.existing is not None
                    and dataset not in descriptor.existing
                    and not descriptor.method
                ):
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
        if self.ablation is not None:
            extracted = [name for name, how in self.descriptors.items() if how.extract is not None]
            self.ablation.check(extracted, list(self.datasets))
        shortlists = [method.shortlist for method in self.methods.values() if not method.is_search]
        longest = max([*shortlists, self.ablation.shortlist if self.ablation else 0])
        if self.places < longest:
            raise ValueError(
                f"places is {self.places}, fewer than the longest shortlist ({longest}): raise it"
            )
        return self


def parse_suite(content: object, source: str, shipped: Path | None = SHIPPED) -> Suite:
    """Check a suite's content, and find the folders of its methods.

    shipped: the folder of the workflow's own methods; None for a suite whose methods were found before.

    Raises:
        UserError: in one line, with key, value and what is allowed for each mistake.
    """
    if not isinstance(content, Mapping):
        raise UserError(f"{source} holds no suite: keys and values are expected (see config/README.md)")
    try:
        written, names = (content, []) if shipped is None else with_methods(content, shipped)
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
    with told(source, lambda item: mistake(item, _keys(len(item["loc"])))):
        return Suite.model_validate(written, context=names)


def _keys(depth: int) -> Collection[str]:
    """Return the keys that a suite may have at the top, or anywhere below."""
    below = Suite.model_json_schema()["$defs"].values()
    return Suite.model_fields if depth == 1 else {key for each in below for key in each.get("properties", ())}


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
    return parse_suite(read_json(path), str(path), shipped=None)


def schema() -> dict[str, Any]:
    """Return the JSON schema of a suite."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Suite.model_json_schema()}
