"""The step `ablate`: one switch or module changed at a time, searched, reranked and evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from superglobal_core.ablation_plan import Base, Change, base_named, not_measured
from superglobal_core.ablation_record import AblationRecord, Fixed, LeftOut, Measured, Row, write_ablation
from superglobal_core.config import Extract, Suite, read_saved_suite
from superglobal_core.data.groundtruth import GroundTruth, load_groundtruth
from superglobal_core.descriptor_switches import settings_of
from superglobal_core.errors import UserError
from superglobal_core.evaluation.protocol import evaluate
from superglobal_core.features.store import FeatureStore
from superglobal_core.files import check_writable, sha256_of
from superglobal_core.progress import Counter
from superglobal_core.protocol_switches import FIXED, preset_values, reranking_values
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.results import Stopwatch
from superglobal_core.search.rankings import Ranking
from superglobal_core.steps.evaluate import ranking_inputs
from superglobal_core.steps.inputs import descriptor_inputs, given_files, variants_inputs
from superglobal_core.steps.rerank import GlobalOrders, load_first, rerank
from superglobal_core.steps.search import facts_of, query_rows, rank
from superglobal_core.steps.shortlists import most_labelled


def ablate_step(
    suite: str | Path,
    base: str,
    dataset: str,
    queries: str | Path,
    databases: Sequence[str | Path],
    groundtruth: str | Path,
    variants: str | Path,
    out: str | Path,
    *,
    search: str | Path | None = None,
    device: str = "auto",
) -> AblationRecord:
    """Measure a base and every change from it, and write them with their record as JSON.

    suite: the saved suite, whose `ablation` says what is changed. queries, databases: the base's
    descriptors; variants: the folder with those of the changes, `queries/<change>` and
    `database/<change>`, as `superglobal ablation-features` makes them. What a change does not touch
    is the base's own. search: the base's ranking, in place of searching again.
    """
    chosen = read_saved_suite(suite)
    start = base_named(chosen, base)
    check_writable(out, [suite, queries, *databases, groundtruth, *([search] if search else [])])
    watch = Stopwatch()
    run = _Run(chosen, start, groundtruth, device)
    own = FeatureStore.open(queries), FeatureStore.open(*databases)
    first = (
        run.search(*own)
        if search is None
        else load_first(search, *own, run.reranker({}).shortlist, groundtruth)
    )
    single, reranked = run.measure(first), run.reranked(first, own, {})
    rows: list[Row] = []
    variant_stores: dict[str, dict[str, FeatureStore]] = {"queries": {}, "database": {}}
    read = [
        *given_files(suite=suite, search=search),
        *descriptor_inputs("queries", [queries], own[0]),
        *descriptor_inputs("database", databases, own[1]),
    ]
    with Counter("ablate", len(start.changes), "changes") as counter:
        for change in start.changes:
            if change.extracted:
                for split, opened in variant_stores.items():
                    if change.touches_split(split):
                        opened[change.folder] = FeatureStore.open(Path(variants) / split / change.folder)
                stores = (
                    variant_stores["queries"][change.folder],
                    variant_stores["database"].get(change.folder, own[1]),
                )
                changed = start.extract.model_copy(update=change.settings)
                _check_variant(stores[0], changed, change.folder, cropped=changed.query_crop)
                if change.touches_split("database"):
                    _check_variant(stores[1], changed, change.folder)
                ranking = run.search(*stores)
                rows.append(_row(change, run.measure(ranking), run.reranked(ranking, stores, {})))
            else:
                rows.append(_row(change, None, run.reranked(first, own, change.settings)))
            counter.advance()
    for split, opened in variant_stores.items():
        read += variants_inputs(f"variants of the {split}", Path(variants) / split, opened)
    read += given_files(ground_truth=groundtruth)
    facts = facts_of(first) | {"method": SuperGlobalReranker.name}
    facts["parameters"] |= run.reranker({}).parameters | {"bootstrap": chosen.bootstrap}
    facts["protocol"] |= {"preset": start.preset, "groundtruth_sha256": sha256_of(groundtruth)}
    record = watch.record(
        "ablate", suite=chosen.suite, dataset=dataset, seed=chosen.seed, inputs=read, **facts
    )
    content = AblationRecord(
        dataset=dataset,
        descriptor=start.descriptor,
        backbone=start.backbone,
        preset=start.preset,
        distractors=first.about.get("distractors") or 0,
        single_stage=single,
        reranked=reranked,
        rows=rows,
        left_out=_left_out(chosen, start),
        fixed=[] if start.backbone else [Fixed(name=line.name, reason=line.reason) for line in FIXED],
        record=record.model_dump(mode="json"),
    )
    write_ablation(out, content)
    return content


def _check_variant(store: FeatureStore, extract: Extract, name: str, cropped: bool | None = None) -> None:
    """Refuse descriptors that say of themselves that they were made with other settings (UserError)."""
    settings, reading = settings_of(extract)
    known = store.descriptor or {}
    for key, value in {**settings.as_dict(), **reading.as_dict()}.items():
        if key in known and known[key] != value:
            raise UserError(
                f"{store.name} should be the variant {name}, with {key} {value!r}, but was made with {known[key]!r}: "
                "delete that folder and run `superglobal ablation-features` again"
            )
    if cropped is not None and store.cropped not in (None, cropped):
        raise UserError(
            f"{store.name} should be the variant {name}, with queries {'cropped' if cropped else 'whole'}, but is "
            "not: delete that folder and run `superglobal ablation-features` again"
        )


class _Run:
    """Searches, reranks and evaluates with one ground truth and the base's parameters."""

    def __init__(self, suite: Suite, base: Base, groundtruth: str | Path, device: str) -> None:
        assert suite.ablation is not None
        self._ablation, self._bootstrap, self._seed = suite.ablation, suite.bootstrap, suite.seed
        self._preset: str = base.preset
        self._groundtruth, self._device = groundtruth, device
        self._truth: GroundTruth = load_groundtruth(groundtruth)
        self._sha256 = sha256_of(groundtruth)

    def reranker(self, changed: Mapping[str, Any]) -> SuperGlobalReranker:
        """Return the preset's reranker, with some of its switches changed."""
        values = reranking_values(self._preset)
        values |= {name: value for name, value in changed.items() if name in values}
        ablation = self._ablation
        return SuperGlobalReranker(ablation.shortlist, ablation.neighbours, ablation.beta, **values)

    def search(self, queries: FeatureStore, database: FeatureStore) -> Ranking:
        """Search, with as many more places as junk can take."""
        places = self._ablation.shortlist + most_labelled(self._truth)
        return rank(queries, database, places, self._groundtruth, self._device)

    def reranked(
        self, first: Ranking, stores: tuple[FeatureStore, FeatureStore], changed: Mapping[str, Any]
    ) -> Measured:
        """Rerank and evaluate."""
        matrix = stores[0][query_rows(stores[0], self._truth)]
        orders = GlobalOrders(self.reranker(changed), matrix, stores[1], self._device)
        junk = changed.get("junk", preset_values(self._preset)["junk"])
        return self.measure(rerank(first, orders, self._truth if junk == "remove" else None, None))

    def measure(self, ranking: Ranking) -> Measured:
        """Evaluate."""
        results = evaluate(
            self._truth.queries,
            **ranking_inputs(ranking, self._truth, str(self._groundtruth), self._sha256),
            bootstrap=self._bootstrap,
            seed=self._seed,
        )
        return Measured.model_validate({name: result.as_dict() for name, result in results.items()})


def _row(change: Change, single: Measured | None, reranked: Measured) -> Row:
    return Row(
        table=change.table,
        name=change.name,
        preset_value=change.preset_value,
        changed_value=change.changed_value,
        who=change.who,
        touches=change.touches,
        single_stage=single,
        reranked=reranked,
        settings=change.settings,
    )


def _left_out(suite: Suite, base: Base) -> list[LeftOut]:
    assert suite.ablation is not None
    missing = [
        LeftOut(table=table, name=name, reason=reason)
        for table, name, reason in not_measured(suite.ablation, base.extract)
        if base.backbone is None or table == "modules"
    ]
    if base.backbone is not None:
        return missing
    return missing + [
        LeftOut(table="backbones", name=other.backbone, reason=other.missing)
        for other in suite.ablation.backbones
        if other.missing is not None
    ]
