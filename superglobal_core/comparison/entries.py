"""From methods' names to contestants: each with the networks, features and pictures it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from superglobal_core.comparison.describing import QueryDescriber
from superglobal_core.comparison.global_contestants import FirstStageContestant, RerankerContestant
from superglobal_core.comparison.inputs import Inputs, Pictures, pictures_of
from superglobal_core.comparison.local_contestant import LocalContestant
from superglobal_core.comparison.local_data import LocalData, extracted_data, stored_data
from superglobal_core.comparison.stand_ins import draw_pictures
from superglobal_core.comparison.works import Contestant, FailedContestant, reason_of
from superglobal_core.data.boxes import load_boxes
from superglobal_core.data.images import list_images
from superglobal_core.errors import MissingPackageError, TooFewFeaturesError, UserError
from superglobal_core.features.local_extraction import LocalExtractor
from superglobal_core.features.xfeat_stand_in import StandInXFeat
from superglobal_core.methods.conformance.lacking import lacking
from superglobal_core.methods.folder import MethodFolder
from superglobal_core.methods.python_method import make_python_reranker
from superglobal_core.networks.settings import preset
from superglobal_core.own_endings import endings_told
from superglobal_core.reranking.local_methods import KINDS, Means, make_extractor, make_scorer
from superglobal_core.reranking.methods import make_reranker
from superglobal_core.reranking.names import LOCAL_KINDS

NOT_TIMED = {
    "program": "runs as a program: not timed inside one process",
    "results": "results brought along: there is nothing to time",
}


class Chosen(Protocol):
    """A method as it was asked for: a suite's, or one of the known ones with its defaults."""

    label: str | None
    reranker: str
    neighbours: int | None
    beta: float | None
    parameters: dict[str, bool | int | float | str]
    weights: Path | None

    @property
    def folder(self) -> MethodFolder | None: ...


class Wanted(Protocol):
    """What a timing was asked for, as far as contestants need it."""

    @property
    def query_images(self) -> str | Path | None: ...
    @property
    def database_images(self) -> Sequence[str | Path]: ...
    @property
    def boxes(self) -> str | Path | None: ...
    @property
    def backbone(self) -> str | None: ...
    @property
    def checkpoint(self) -> Path | None: ...
    @property
    def descriptor(self) -> str: ...
    @property
    def weights(self) -> Mapping[str, Path | None]: ...
    @property
    def local(self) -> Sequence[str]: ...
    @property
    def precision(self) -> str: ...
    @property
    def seed(self) -> int: ...


class Entries:
    """Makes the contestants; what several of them need is made once.

    scratch: a folder for pictures and features that were not given.

    Raises:
        UserError: for options that do not go together.
    """

    def __init__(self, wanted: Wanted, inputs: Inputs, scratch: Path) -> None:
        self._wanted, self._inputs, self._scratch = wanted, inputs, scratch
        self._stored = parse_local(wanted.local)
        self._pictures: Pictures | None = None
        self._describer: QueryDescriber | None = None
        self._data: dict[str, LocalData] = {}

    def contestants(self, methods: Mapping[str, Chosen]) -> list[Contestant]:
        """Return the contestants in the order of the methods.

        One whose features cannot be extracted becomes one that says why.

        Raises:
            UserError: for parameters that a method does not have, and files that are not usable.
        """
        labels = {name: method.label or name for name, method in methods.items()}
        counts = Counter(labels.values())
        found = []
        for name, method in methods.items():
            label = labels[name] if counts[labels[name]] == 1 else f"{labels[name]} ({name})"
            if method.folder is not None and method.folder.description.runs != "builtin":
                found.append(self._of_folder(label, method.folder, method))
            elif method.reranker in LOCAL_KINDS:
                found.append(self._local(label, method))
            elif method.reranker == "none":
                found.append(FirstStageContestant(label, self._inputs, self._describe()))
            else:
                given = {"neighbours": method.neighbours, "beta": method.beta, **method.parameters}
                # The longest of the shortlists: a shorter one is cut by the contestant.
                reranker = make_reranker(method.reranker, shortlist=self._inputs.shortlist.shape[1], **given)
                found.append(RerankerContestant(label, reranker, self._inputs, self._describe()))
        return found

    def _of_folder(self, label: str, folder: MethodFolder, method: Chosen) -> Contestant:
        reason = NOT_TIMED.get(folder.description.runs) or lacking(folder.description.needs)
        if reason is None and folder.description.needs.weights and method.weights is None:
            reason = "weights missing"
        if reason is not None:
            return FailedContestant(folder.name, label, reason)
        own = {"neighbours": method.neighbours, "beta": method.beta}
        given = {key: value for key, value in own.items() if value is not None} | method.parameters
        longest = self._inputs.shortlist.shape[1]
        try:
            with endings_told():
                reranker = make_python_reranker(folder, given, longest, method.weights)
        except Exception as error:  # somebody's class: the other methods are timed all the same
            return FailedContestant(folder.name, label, reason_of(error))
        return RerankerContestant(label, reranker, self._inputs, self._describe())

    def _local(self, label: str, method: Chosen) -> Contestant:
        means, kind = self._means(method), LOCAL_KINDS[method.reranker]
        stored = kind in self._stored
        try:
            extractor = self._extractor(kind, means)
        except MissingPackageError as error:
            return FailedContestant(method.reranker, label, reason_of(error))
        # Pictures that are wrong are no method's fault: they end the run.
        pictures = self._all_pictures()
        try:
            data = self._local_data(kind, extractor)
        except Exception as error:
            if stored:  # folders that were named are the caller's to mend
                raise
            return FailedContestant(method.reranker, label, reason_of(error))
        try:
            scorer = make_scorer(method.reranker, means, data.database, **method.parameters)
        except (MissingPackageError, TooFewFeaturesError) as error:
            return FailedContestant(method.reranker, label, reason_of(error))
        contestant = LocalContestant(
            label,
            scorer,
            self._inputs,
            data,
            extractor=None if isinstance(extractor, StandInXFeat) else extractor,
            pictures=pictures,
            describe=self._describe(),
        )
        if isinstance(extractor, StandInXFeat):
            contestant.notes.append(
                "accuracy not available: weights missing; timed on RootSIFT's points and projected descriptors"
            )
        return contestant

    def _extractor(self, kind: str, means: Means) -> LocalExtractor | None:
        if kind == "xfeat" and means.weights is None:
            return None if kind in self._stored else StandInXFeat()
        return make_extractor(kind, means)

    def _means(self, method: Chosen) -> Means:
        wanted, kind = self._wanted, LOCAL_KINDS[method.reranker]
        return Means(
            wanted.backbone or "resnet50",
            wanted.checkpoint,
            method.weights or wanted.weights.get("xfeat" if kind == "xfeat" else method.reranker),
            self._inputs.device,
            wanted.precision,
            wanted.seed,
        )

    def _local_data(self, kind: str, extractor: LocalExtractor | None) -> LocalData:
        if kind not in self._data:
            if kind in self._stored:
                queries, *database = self._stored[kind]
                self._data[kind] = stored_data(self._inputs, kind, [queries], database)
            else:
                assert extractor is not None
                folder = self._scratch / kind
                self._data[kind] = extracted_data(self._inputs, self._all_pictures(), extractor, folder)
        return self._data[kind]

    def _all_pictures(self) -> Pictures:
        wanted = self._wanted
        if self._pictures is None:
            if wanted.query_images is None:
                self._pictures = draw_pictures(self._scratch / "pictures", seed=wanted.seed)
            else:
                queries = list_images(wanted.query_images)
                database = [file for source in wanted.database_images for file in list_images(source)]
                boxes = None
                if wanted.boxes is not None:
                    boxes = load_boxes(wanted.boxes, [file.id for file in queries])
                self._pictures = pictures_of(self._inputs, queries, database, boxes)
        return self._pictures

    def _describe(self) -> QueryDescriber | None:
        wanted = self._wanted
        if self._describer is None and wanted.backbone is not None:
            self._describer = QueryDescriber(
                self._all_pictures(),
                wanted.backbone,
                preset(wanted.descriptor),
                wanted.checkpoint,
                self._inputs.device,
                wanted.seed,
            )
        return self._describer


def check_pictures(wanted: Wanted) -> None:
    """Refuse pictures of one side without the other, and boxes without pictures (UserError)."""
    if (wanted.query_images is None) != (not wanted.database_images):
        raise UserError("give both --query-images and --database-images, or neither: then pictures are drawn")
    if wanted.boxes is not None and wanted.query_images is None:
        raise UserError("--boxes belong to --query-images: give both")


def parse_local(given: Sequence[str]) -> dict[str, list[str]]:
    """Read KIND=QUERIES,DATABASE[,...] into folders by kind.

    >>> parse_local(["rootsift=a,b"])
    {'rootsift': ['a', 'b']}
    """
    found = {}
    for text in given:
        kind, equals, folders = text.partition("=")
        parts = [part for part in folders.split(",") if part]
        if kind not in KINDS or not equals or len(parts) < 2:
            raise UserError(
                f"--local {text}: write KIND=QUERIES,DATABASE with two folders or more, KIND one of {', '.join(KINDS)}"
            )
        if kind in found:
            raise UserError(f"--local {text}: {kind} was given twice; name all its folders at once")
        found[kind] = parts
    return found
