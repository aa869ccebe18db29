"""From methods' names to contestants: each with the networks, features and pictures it needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from superglobal_core.comparison.describing import QueryDescriber
from superglobal_core.comparison.global_contestants import FirstStageContestant, RerankerContestant
from superglobal_core.comparison.inputs import Inputs, Pictures, pictures_of
from superglobal_core.comparison.local_contestant import LocalContestant
from superglobal_core.comparison.local_data import LocalData, extracted_data, stored_data
from superglobal_core.comparison.stand_ins import StandInXFeat, draw_pictures
from superglobal_core.comparison.works import AbsentContestant, Contestant
from superglobal_core.data.boxes import load_boxes
from superglobal_core.data.images import list_images
from superglobal_core.errors import MissingPackageError, UserError
from superglobal_core.features.local_extraction import LocalExtractor
from superglobal_core.networks.settings import preset
from superglobal_core.reranking.local_methods import KINDS, Means, make_extractor, make_scorer
from superglobal_core.reranking.methods import make_reranker
from superglobal_core.reranking.names import LOCAL_KINDS


class Chosen(Protocol):
    """A method as it was asked for: a suite's, or one of the known ones with its defaults."""

    label: str | None
    reranker: str
    neighbours: int | None
    beta: float | None
    parameters: dict[str, bool | int | float | str]


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
    """

    def __init__(self, wanted: Wanted, inputs: Inputs, scratch: Path) -> None:
        self._wanted, self._inputs, self._scratch = wanted, inputs, scratch
        self._stored = _parse_local(wanted.local)
        self._pictures: Pictures | None = None
        self._describer: QueryDescriber | None = None
        self._data: dict[str, LocalData] = {}

    def contestants(self, methods: Mapping[str, Chosen]) -> list[Contestant]:
        """Return the contestants in the order of the methods.

        Raises:
            UserError: for parameters that a method does not have, and files that are not usable.
        """
        found = []
        for name, method in methods.items():
            label = method.label or name
            if method.reranker in LOCAL_KINDS:
                found.append(self._local(label, method))
            elif method.reranker == "none":
                found.append(FirstStageContestant(label, self._inputs, self._describe()))
            else:
                given = {"neighbours": method.neighbours, "beta": method.beta, **method.parameters}
                # The longest of the shortlists: a shorter one is cut by the contestant.
                reranker = make_reranker(method.reranker, shortlist=self._inputs.shortlist.shape[1], **given)
                found.append(RerankerContestant(label, reranker, self._inputs, self._describe()))
        notes = [self._describer.note] if self._describer is not None and self._describer.note else []
        for contestant in found:
            contestant.end_to_end_notes = notes
        return found

    def _local(self, label: str, method: Chosen) -> Contestant:
        means, kind = self._means(method.reranker), LOCAL_KINDS[method.reranker]
        extractor, missing = self._extractor(kind, means)
        data = self._local_data(kind, extractor)
        try:
            scorer = make_scorer(method.reranker, means, data.database, **method.parameters)
        except MissingPackageError as error:
            return AbsentContestant(method.reranker, label, str(error))
        contestant = LocalContestant(
            label,
            scorer,
            self._inputs,
            data,
            extractor=None if missing else extractor,
            pictures=self._all_pictures(),
            describe=self._describe(),
        )
        if missing:
            contestant.notes.append(missing)
        return contestant

    def _means(self, method: str) -> Means:
        wanted = self._wanted
        return Means(
            wanted.backbone or "resnet50",
            wanted.checkpoint,
            wanted.weights.get("xfeat" if LOCAL_KINDS[method] == "xfeat" else method),
            self._inputs.device,
            wanted.precision,
            wanted.seed,
        )

    def _extractor(self, kind: str, means: Means) -> tuple[LocalExtractor, str | None]:
        if kind == "xfeat" and means.weights is None:
            note = "accuracy not available: weights missing; timed on RootSIFT's points and projected descriptors"
            return StandInXFeat(), note
        return make_extractor(kind, dataclasses.replace(means, weights=means.weights)), None

    def _local_data(self, kind: str, extractor: LocalExtractor) -> LocalData:
        if kind not in self._data:
            if kind in self._stored:
                queries, *database = self._stored[kind]
                self._data[kind] = stored_data(self._inputs, [queries], database)
            else:
                folder = self._scratch / kind
                self._data[kind] = extracted_data(self._inputs, self._all_pictures(), extractor, folder)
        return self._data[kind]

    def _all_pictures(self) -> Pictures:
        wanted = self._wanted
        if self._pictures is None:
            if wanted.query_images is not None and wanted.database_images:
                queries = list_images(wanted.query_images)
                database = [file for source in wanted.database_images for file in list_images(source)]
                boxes = None
                if wanted.boxes is not None:
                    boxes = load_boxes(wanted.boxes, [file.id for file in queries])
                self._pictures = pictures_of(self._inputs, queries, database, boxes)
            else:
                self._pictures = draw_pictures(self._scratch / "pictures", seed=wanted.seed)
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


def _parse_local(given: Sequence[str]) -> dict[str, list[str]]:
    found = {}
    for text in given:
        kind, equals, folders = text.partition("=")
        parts = [part for part in folders.split(",") if part]
        if kind not in KINDS or not equals or len(parts) < 2:
            raise UserError(
                f"--local {text}: write KIND=QUERIES,DATABASE with two folders or more, KIND one of {', '.join(KINDS)}"
            )
        found[kind] = parts
    return found
