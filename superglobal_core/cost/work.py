"""The work of a suite, counted without doing it: images to describe, pairs to compare, bytes to fetch and keep."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Sequence

from superglobal_core.ablation_plan import ablated_datasets, bases
from superglobal_core.availability import has_distractors, is_local
from superglobal_core.config import Dataset, Extract, Suite
from superglobal_core.data.archives import SPACE
from superglobal_core.data.catalogue import Catalogue
from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.descriptor_switches import settings_of
from superglobal_core.errors import UserError
from superglobal_core.networks.settings import DescriptorSettings
from superglobal_core.steps.items import items_of, needed_bytes
from superglobal_core.steps.needs import Needs, needs_of

# A photograph of the benchmarks; few are larger, queries are cut out and smaller.
PHOTOGRAPH = (768, 1024)
# The benchmarks have as many queries; drawn landmarks three for two of them.
QUERIES = 70
DIMENSIONS = {"mini": 256}
DIMENSION = 2048
# What `superglobal download` fetches at once.
PARALLEL = 4
NETWORKS = {"torchvision-resnet50": "resnet50"}


@dataclasses.dataclass(frozen=True)
class Network:
    """What decides how long an image takes: the backbone and its precision."""

    backbone: str
    precision: str

    @property
    def dimension(self) -> int:
        """How many numbers its descriptors have."""
        return DIMENSIONS.get(self.backbone, DIMENSION)


@dataclasses.dataclass(frozen=True)
class Pass:
    """Images described in one pass: `megapixels` of them, all scales together, reach the network."""

    what: str
    network: Network
    images: int
    megapixels: float


@dataclasses.dataclass(frozen=True)
class Search:
    """Queries compared with all rows of a database, which is read once."""

    queries: int
    rows: int
    dimension: int


@dataclasses.dataclass(frozen=True)
class Work:
    """All that a suite takes. Bytes: `download_bytes` over the network in all, `missing_bytes` of them not here
    yet; `archive_bytes` of them are unpacked; `image_bytes` stay on the disk, `descriptor_bytes` too;
    `passing_bytes` are there for a while at most. reranked: queries times shortlists of 400.
    """

    passes: tuple[Pass, ...]
    searches: tuple[Search, ...]
    reranked: float
    timing_s: float
    download_bytes: int
    missing_bytes: int
    archive_bytes: int
    image_bytes: int
    passing_bytes: int
    descriptor_bytes: int
    not_counted: tuple[str, ...]

    @property
    def networks(self) -> list[Network]:
        """What has to be measured."""
        return list(dict.fromkeys(one.network for one in self.passes))


@dataclasses.dataclass(frozen=True)
class _Images:
    queries: int
    database: int
    distractors: int
    side: tuple[int, int]


def work_of(suite: Suite, catalogue: Catalogue) -> Work:
    """Count what a suite takes.

    Raises:
        UserError: for names that the catalogue lacks, or a ground truth that cannot be read.
    """
    needs = needs_of(suite, catalogue)
    images = {name: _images(data, catalogue) for name, data in suite.datasets.items()}
    r1m = _distractor_images(needs)
    passes = [*_passes(suite, images, r1m), *_ablation_passes(suite, images)]
    searches, reranked = _searches(suite, images, r1m)
    with tempfile.TemporaryDirectory() as nowhere:
        # As if nothing were here yet.
        items = [item for entry in needs.entries for item in items_of(entry, nowhere, [])]
        parts = [] if needs.distractor_set is None else _parts(needs, nowhere)
        kept = sum(item.image_bytes() for item in items) + sum(
            item.missing_bytes() for item in items if not item.image_folder
        )
        # One archive at a time is described and deleted; before that the data sets came, several at once.
        largest = max([int(item.missing_bytes() * (1 + SPACE)) for item in parts], default=0)
        fetched = needed_bytes(items, PARALLEL) - kept
        download = sum(item.missing_bytes() for item in (*items, *parts))
        archives = sum(item.missing_bytes() for item in (*items, *parts) if item.image_folder)
    missing = sum(
        item.missing_bytes() for entry in needs.entries for item in items_of(entry, suite.root, needs.parts)
    )
    if suite.keep_distractor_images:
        kept += int(sum(item.missing_bytes() for item in parts) * SPACE)
    return Work(
        passes=tuple(passes),
        searches=tuple(searches),
        reranked=reranked,
        timing_s=_timing(suite),
        download_bytes=download,
        missing_bytes=missing,
        archive_bytes=archives,
        image_bytes=kept,
        passing_bytes=max(largest, fetched),
        descriptor_bytes=_descriptor_bytes(passes, suite, images),
        not_counted=tuple(_not_counted(suite)),
    )


def _parts(needs: Needs, root: str) -> list:
    assert needs.distractor_set is not None
    return [item for item in items_of(needs.distractor_set, root, needs.parts) if item.image_folder]


def _images(data: Dataset, catalogue: Catalogue) -> _Images:
    if data.synthetic is not None:
        from superglobal_core.data.landmarks.dataset import DEFAULT_LANDMARKS

        drawn = data.synthetic
        count = drawn.landmarks or DEFAULT_LANDMARKS
        return _Images(count * 3 // 2, count * 20, drawn.distractors, (drawn.size, drawn.size))
    if data.download is not None:
        entry = catalogue[data.download]
        every = (entry.images or 0) - len(entry.corrupt)
        return _Images(QUERIES, max(every - QUERIES, 0), 0, PHOTOGRAPH)
    assert data.groundtruth is not None
    truth = load_groundtruth(data.groundtruth)
    return _Images(len(truth.query_names), len(truth.image_names), 0, PHOTOGRAPH)


def _distractor_images(needs: Needs) -> int:
    entry = needs.distractor_set
    if entry is None or entry.parts is None or entry.images is None:
        return 0
    return entry.images * len(needs.parts) // entry.parts.count


def _network(extract: Extract) -> Network:
    precision = extract.precision or ("bfloat16" if extract.mode == "fast" else "float32")
    return Network(NETWORKS.get(extract.backbone, extract.backbone), precision)


def _pixels(settings: DescriptorSettings, side: tuple[int, int]) -> float:
    height, width = side
    return sum(int(height * scale) * int(width * scale) for scale in settings.scales) / 1e6


def _passes(suite: Suite, images: dict[str, _Images], r1m: int) -> Iterator[Pass]:
    for name, how in suite.descriptors.items():
        if how.extract is None:
            continue
        settings, _ = settings_of(how.extract)
        for dataset, its in images.items():
            count = its.queries + its.database + (its.distractors if suite.distractors is not False else 0)
            yield Pass(
                f"{name}, {dataset}", _network(how.extract), count, count * _pixels(settings, its.side)
            )
        if r1m:
            what = f"{name}, {suite.distractor_set}"
            yield Pass(what, _network(how.extract), r1m, r1m * _pixels(settings, PHOTOGRAPH))


def _ablation_passes(suite: Suite, images: dict[str, _Images]) -> Iterator[Pass]:
    if suite.ablation is None:
        return
    # These need torch.
    from superglobal_core.features.variant_extraction import passes
    from superglobal_core.steps.extract_variants import variant_of

    for base in bases(suite):
        for split in ("queries", "database"):
            changed = {
                change.folder: variant_of(base.extract.model_copy(update=change.settings))
                for change in base.changes
                if change.touches_split(split)
            }
            if base.backbone is not None:
                changed["base"] = variant_of(base.extract)
            for group in passes(changed):
                settings = changed[group[0]].settings
                for dataset in ablated_datasets(suite):
                    count = getattr(images[dataset], split)
                    pixels = count * _pixels(settings, images[dataset].side)
                    yield Pass(f"ablation of {base.name}, {dataset}", _network(base.extract), count, pixels)


def _searches(suite: Suite, images: dict[str, _Images], r1m: int) -> tuple[list[Search], float]:
    """Return the searches, and how many shortlists of 400 are reranked (a shortlist's cost grows squared)."""
    searches, reranked = [], 0.0
    rerankers = [
        (each.shortlist / 400) ** 2
        for each in suite.methods.values()
        if each.reranker != "none" and not is_local(each.reranker)
    ]
    for name, how in suite.descriptors.items():
        dimension = DIMENSION if how.extract is None else _network(how.extract).dimension
        for dataset, its in images.items():
            sizes = [its.database]
            if suite.distractors is not False and has_distractors(suite, name, dataset):
                sizes.append(its.database + (its.distractors or r1m))
            searches += [Search(its.queries, rows, dimension) for rows in sizes]
            reranked += its.queries * len(sizes) * sum(rerankers)
    ablation = suite.ablation
    if ablation is not None:
        changes = sum(len(base.changes) for base in bases(suite))
        for dataset in ablated_datasets(suite):
            its = images[dataset]
            searches += [Search(its.queries, its.database, DIMENSION)] * changes
            grids = [one for one in (ablation.grids, *ablation.tuning) if one is not None]
            # K and beta vary at nearly no cost.
            reranked += its.queries * (changes + sum(len(one.shortlists) for one in grids))
    return searches, reranked


def _timing(suite: Suite) -> float:
    """Return the most seconds that timing takes: each method, and one again for the noise, in three scopes."""
    if suite.timing is None:
        return 0.0
    methods = sum(not method.is_search for method in suite.methods.values()) + 1
    return 3 * methods * suite.timing.budget * len(suite.descriptors)


def _descriptor_bytes(passes: Sequence[Pass], suite: Suite, images: dict[str, _Images]) -> int:
    each = {"float32": 4}
    held = sum(
        one.images * one.network.dimension * each.get(one.network.precision, 2)
        for one in passes
        if not one.what.startswith("ablation")
    )
    for base in bases(suite):
        extract = _network(base.extract)
        for change in base.changes:
            for split in ("queries", "database"):
                if change.touches_split(split):
                    count = sum(getattr(images[name], split) for name in ablated_datasets(suite))
                    held += count * extract.dimension * each.get(extract.precision, 2)
    return held


def _not_counted(suite: Suite) -> Iterator[str]:
    local = [name for name, method in suite.methods.items() if is_local(method.reranker)]
    if local:
        yield f"local features and their pairs ({', '.join(local)})"
    programs = [name for name, method in suite.methods.items() if method.runs in ("python", "program")]
    if programs:
        yield f"methods of your own ({', '.join(programs)})"
    if suite.approximate is not None:
        yield "approximate indexes"
    if suite.scale is not None:
        yield "the study of scale"
    for name, data in suite.datasets.items():
        if data.distractor_images is not None:
            yield f"the distractors of {name}"


def check_countable(suite: Suite) -> None:
    """Refuse a suite of which nothing can be counted (UserError)."""
    if not suite.datasets:
        raise UserError(
            f"the suite {suite.suite} has no datasets, of which a cost could be counted: name another"
        )
