"""The step `scale`: times, memory and accuracy at one size of a database, to one record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from superglobal_core.data.groundtruth import load_groundtruth
from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError
from superglobal_core.evaluation.protocol import ProtocolResult
from superglobal_core.features.store import FeatureStore
from superglobal_core.files import check_writable, make_folder, write_npz
from superglobal_core.reranking.superglobal import SuperGlobalReranker
from superglobal_core.results import Stopwatch
from superglobal_core.scale_record import COLD_REPEATS, REMEMBERED, Maps, ScaleRecord, write_scale
from superglobal_core.scratch import scratch_folder
from superglobal_core.steps.inputs import descriptor_inputs, given_files
from superglobal_core.steps.scale_memory import memory_of
from superglobal_core.steps.scale_works import (
    Asked,
    Opened,
    evaluate_first,
    evaluate_order,
    open_inputs,
    rerank,
    search_ranked,
    shard_files,
    whole,
    works,
)
from superglobal_core.steps.search import query_rows
from superglobal_core.timing.alone import alone
from superglobal_core.timing.clocks import describe_clocks
from superglobal_core.timing.others import watch_others
from superglobal_core.timing.stopwatch import measure
from superglobal_core.timing.storage import drop_from_page_cache


def scale_step(asked: Asked, out: str | Path, repeats: int = 5, suite: str | None = None) -> Iterator[str]:
    """Measure and write the record (JSON), whole or not at all; yield lines for people.

    Each stage is timed in turn, and run once more in a fresh process for its memory; nothing else is
    timed on the machine meanwhile.

    Raises:
        UserError: for files that are absent or do not fit, and nonsense.
    """
    out = Path(out)
    _check(asked, out, repeats)
    watch = Stopwatch()
    arrays = [path for folder in asked.databases for path in shard_files(folder)]
    with alone(), watch_others() as others:
        # First, while no file is mapped by this process: mapped ones stay in the page cache.
        open_inputs(asked)
        dropped: list[bool] = []
        samples = measure(
            {"cold": lambda: whole(asked)},
            repeats=COLD_REPEATS,
            prepare={"cold": lambda: dropped.append(drop_from_page_cache(arrays))},
            fewest=1,
        )
        opened = open_inputs(asked)
        found = search_ranked(asked, opened)
        order = rerank(asked, opened, found)
        samples |= measure(works(asked, opened, found, order), repeats=repeats, fewest=1)
    single, reranked = evaluate_first(opened, found), evaluate_order(opened, found, order)
    make_folder(out.parent)
    with alone(), scratch_folder(out.parent, "scale") as scratch:
        state = scratch / "found.npz"
        ranks = found.labelled_ranks
        assert ranks is not None
        write_npz(state, {"indices": found.indices, "scores": found.scores, "ranks": ranks, "order": order})
        memory = {stage: memory_of(stage, asked, state) for stage in REMEMBERED}
    database = opened.database
    record = ScaleRecord(
        size=len(database),
        queries=len(opened.matrix),
        dimension=int(database.shape[1]),
        dtype=str(database.dtype),
        array_bytes=sum(path.stat().st_size for path in arrays),
        sidecar_bytes=sum(
            side.stat().st_size for path in arrays if (side := path.with_suffix(".json")).is_file()
        ),
        labelled=len(opened.rows),
        k=asked.k,
        shortlist=asked.shortlist,
        repeats=repeats,
        samples_s=samples,
        memory=memory,
        cache_dropped=all(dropped),
        single_stage=_maps(single),
        reranked=_maps(reranked),
        machine=describe_clocks(),
        others=others,
        record=_record(watch, asked, opened, repeats, suite),
    )
    write_scale(out, record)
    yield from _lines(record)


def _check(asked: Asked, out: Path, repeats: int) -> None:
    """Refuse what cannot be measured, before the wait for other timings."""
    if repeats < 1:
        raise UserError(f"--repeats is {repeats}: take one sample or more")
    if asked.k < 1:
        raise UserError(f"--k is {asked.k}: ask for at least one place")
    SuperGlobalReranker(asked.shortlist, asked.neighbours, asked.beta)
    if asked.shortlist > asked.k:
        raise UserError(
            f"--shortlist is {asked.shortlist}, more than the {asked.k} places of the search (--k)"
        )
    choose_device(asked.device)
    check_writable(out, [asked.queries, asked.groundtruth, *asked.databases])
    for folder in asked.databases:
        if not folder.exists():
            raise UserError(f"there are no descriptors {folder}: name a folder of shards with --database")
    query_rows(FeatureStore.open(asked.queries), load_groundtruth(asked.groundtruth))


def _record(
    watch: Stopwatch, asked: Asked, opened: Opened, repeats: int, suite: str | None
) -> dict[str, object]:
    return watch.record(
        "scale",
        suite=suite,
        descriptor=opened.database.descriptor,
        distractors=len(opened.database) - len(opened.truth.image_names),
        parameters={
            "k": asked.k,
            "shortlist": asked.shortlist,
            "neighbours": asked.neighbours,
            "beta": asked.beta,
            "repeats": repeats,
            "database": len(opened.database),
        },
        protocol={"shortlist": "raw", "ties": "ascending index"},
        inputs=[
            *given_files(ground_truth=asked.groundtruth),
            *descriptor_inputs("queries", [asked.queries], FeatureStore.open(asked.queries)),
            *descriptor_inputs("database", asked.databases, opened.database),
        ],
    ).model_dump()


def _maps(results: Mapping[str, ProtocolResult]) -> Maps:
    return Maps(**{name: result.map for name, result in results.items()})


def _lines(record: ScaleRecord) -> Iterator[str]:
    yield f"{record.size:,} vectors"
    for stage, taken in record.samples_s.items():
        use = record.memory.get(stage)
        peak = (
            "" if use is None or use.process_peak_bytes is None else f"{use.process_peak_bytes / 1e6:8.0f} MB"
        )
        middle = sorted(taken)[len(taken) // 2]
        yield f"{stage:9} {1000 * middle:10.1f} ms {peak}"
    for name, maps in (("search", record.single_stage), ("reranked", record.reranked)):
        shown = ", ".join(
            f"{key} {'-' if value is None else f'{100 * value:.2f}'}"
            for key, value in maps.model_dump().items()
        )
        yield f"mAP, {name}: {shown}"
    if record.others is not None and record.others.sentence is not None:
        yield record.others.sentence
