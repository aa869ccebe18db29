"""Where a result's ground truth, rankings and pictures lie, and what of them is really there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.errors import UserError
from superglobal_core.files import sha256_of
from superglobal_core.reporting.collect import Result, Study
from superglobal_core.search.rankings import Ranking

# The release's images are .jpg; the others are what people's own data sets have.
SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG", ".webp", ".bmp", ".tif", ".tiff")


@dataclasses.dataclass(frozen=True)
class DatasetFiles:
    """A data set's ground truth and image folders, as far as they are at hand.

    reason: why there is no ground truth to show results with; empty when there is one.
    """

    truth: GroundTruth | None
    queries: Path | None
    images: tuple[Path, ...]
    reason: str = ""

    def query_picture(self, name: str) -> Path | None:
        """Return the file of a query's image, or None."""
        return _picture(name, (self.queries,) if self.queries else ())

    def picture(self, name: str) -> Path | None:
        """Return the file of a database or distractor image, or None."""
        return _picture(name, self.images)


def find_datasets(study: Study) -> dict[str, DatasetFiles]:
    """Find the files of every data set that has results, by its name."""
    return {name: _find(study, name) for name in dict.fromkeys(result.dataset for result in study.results)}


def ranking_file(study: Study, result: Result) -> Path | None:
    """Return the file of the ranking that a result evaluates, or None when it is no longer there."""
    folder = Path(result.descriptor) / result.dataset / result.variant
    paths = [study.root / "rankings" / folder / f"{result.method}.npz"]
    if result.is_single_stage:
        paths.append(search_file(study, result))
    return next((path for path in paths if path.is_file()), None)


def search_file(study: Study, result: Result) -> Path:
    """Return where the search lies whose shortlist a result's reranking put into a new order."""
    return study.root / "search" / result.descriptor / result.dataset / result.variant / "topk.npz"


def load_ranking(study: Study, result: Result) -> Ranking | None:
    """Load the ranking that a result evaluates, or None when it is no longer there or is damaged."""
    path = ranking_file(study, result)
    try:
        return Ranking.load(path) if path is not None else None
    except UserError:
        return None  # the figures stand without it: the page says that pictures are missing


def groundtruth_file(study: Study, dataset: str) -> Path | None:
    """Return the file of a data set's ground truth, whether it is there or not; None where none is known."""
    data = study.suite.datasets.get(dataset) if study.suite else None
    if data is not None and data.groundtruth is not None:
        return data.groundtruth
    folder = study.root / "data" / dataset
    copied = folder / "groundtruth.pkl"
    return next(iter(sorted(folder.glob("gnd_*.pkl"))), copied if copied.is_file() else None)


def _find(study: Study, name: str) -> DatasetFiles:
    data = study.suite.datasets.get(name) if study.suite else None
    folder = study.root / "data" / name
    if data is not None and data.groundtruth is not None:
        queries, images = data.query_images, (data.database_images, data.distractor_images)
    else:
        queries, images = folder / "queries", (folder / "database", folder / "distractors")
    truth, reason = _truth(
        groundtruth_file(study, name), [result for result in study.results if result.dataset == name]
    )
    return DatasetFiles(
        truth, _folder(queries), tuple(found for path in images if (found := _folder(path))), reason
    )


def _truth(pickle: Path | None, results: Iterable[Result]) -> tuple[GroundTruth | None, str]:
    if pickle is None or not pickle.is_file():
        return None, "its ground truth is not at hand" + (f" ({pickle.name})" if pickle else "")
    try:
        truth, digest = load_groundtruth(pickle), sha256_of(pickle)
    except UserError as error:
        return None, str(error)
    for result in results:
        recorded = result.record.protocol.get("groundtruth_sha256")
        if recorded not in (None, digest) or result.queries != len(truth.queries):
            return (
                None,
                f"the ground truth {pickle.name} is not the one that {result.source} was evaluated with",
            )
    return truth, ""


def _folder(path: Path | None) -> Path | None:
    return path if path is not None and path.is_dir() else None


def _picture(name: str, folders: Iterable[Path]) -> Path | None:
    # A name is one file's: it must not lead out of the folder.
    if not name or Path(name).name != name:
        return None
    return next(
        (path for folder in folders for suffix in SUFFIXES if (path := folder / f"{name}{suffix}").is_file()),
        None,
    )
