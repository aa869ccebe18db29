"""The step `time`: methods timed in turn on the same shortlists, alone on the machine, to one record."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import get_args

from superglobal_core.comparison.entries import Entries, check_pictures, parse_local
from superglobal_core.comparison.inputs import Inputs, open_inputs
from superglobal_core.comparison.run import Plan, compare
from superglobal_core.comparison.stand_ins import draw_descriptors
from superglobal_core.comparison.works import SCOPES
from superglobal_core.config import Method, read_saved_suite
from superglobal_core.devices import choose_device
from superglobal_core.errors import UserError, unknown_name
from superglobal_core.features.modes import Precision
from superglobal_core.features.store import FeatureStore
from superglobal_core.files import check_writable
from superglobal_core.invocation import from_here
from superglobal_core.networks.backbone import architecture
from superglobal_core.networks.settings import preset as make_settings
from superglobal_core.reasons import reason_in
from superglobal_core.reranking.names import METHOD_NAMES
from superglobal_core.results import Input, Stopwatch
from superglobal_core.scratch import scratch_folder
from superglobal_core.steps.inputs import descriptor_inputs, given_files, shard_inputs
from superglobal_core.timing.alone import alone
from superglobal_core.timing.clocks import describe_clocks
from superglobal_core.timing.others import watch_others
from superglobal_core.timing.record import MethodTiming, Scope, TimingRecord, write_timings

# What the paper's size is: RParis without distractors, R50 and R101.
PAPER_BACKBONES = ("resnet50", "resnet101")
PAPER_QUERIES, PAPER_DATABASE, PAPER_DIMENSION = 70, 6322, 2048
PAPER_SIZES = (50, 100, 200, 400, 800, 1600)


@dataclasses.dataclass(frozen=True)
class Request:
    """What `superglobal time` was asked for; see its help."""

    methods: Sequence[str] | None = None
    queries: str | Path | None = None
    databases: Sequence[str | Path] = ()
    shortlist: int = 400
    sizes: Sequence[int] = ()
    scopes: Sequence[str] = SCOPES
    repeats: int = 20
    timed_queries: int = 10
    budget_s: float = 30.0
    query_images: str | Path | None = None
    database_images: Sequence[str | Path] = ()
    boxes: str | Path | None = None
    backbone: str | None = None
    checkpoint: Path | None = None
    descriptor: str = "superglobal"
    weights: Mapping[str, Path | None] = dataclasses.field(default_factory=dict)
    local: Sequence[str] = ()
    suite: Path | None = None
    dataset: str | None = None
    precision: str = "float16"
    seed: int = 0
    device: str = "auto"

    @property
    def inputs(self) -> list[str | Path]:
        """The descriptors that were named."""
        return [path for path in (self.queries, *self.databases) if path is not None]

    @property
    def drawn(self) -> bool:
        """Whether descriptors are to be drawn."""
        return not self.inputs

    def named_methods(self) -> dict[str, Method]:
        """Return the methods to time by their names: a suite's, or those known everywhere.

        Raises:
            UserError: for an unknown name, or none.
        """
        known = (
            read_saved_suite(self.suite).methods
            if self.suite is not None
            else {name: Method(reranker=name) for name in METHOD_NAMES}
        )
        wanted = list(dict.fromkeys(self.methods if self.methods is not None else known))
        for name in wanted:
            if name not in known:
                raise unknown_name("method", name, known)
        if not wanted:
            raise UserError("no method was named: give --methods, for example superglobal,rootsift-magsac")
        return {name: known[name] for name in wanted}

    def plan(self) -> Plan:
        """Return how to time (UserError for nonsense)."""
        for value, name in (
            (self.shortlist, "shortlist"),
            (self.repeats, "repeats"),
            (self.timed_queries, "timed-queries"),
            *((size, "sizes") for size in self.sizes),
        ):
            if value < 1:
                raise UserError(f"--{name} is {value}: at least 1 is needed")
        if not (self.budget_s > 0 and math.isfinite(self.budget_s)):
            raise UserError(f"--budget is {self.budget_s}: give seconds, more than 0")
        for scope in self.scopes:
            if scope not in SCOPES:
                raise unknown_name("scope", scope, SCOPES)
        if not self.scopes:
            raise UserError(f"no scope was named: give --scopes, of {', '.join(SCOPES)}")
        if self.seed < 0:
            raise UserError(f"--seed is {self.seed}: use zero or more")
        if self.precision not in get_args(Precision):
            raise unknown_name("precision", self.precision, get_args(Precision))
        make_settings(self.descriptor)
        if self.backbone is not None:
            architecture(self.backbone)
        check_pictures(self)
        if (self.queries is None) != (not self.databases):
            raise UserError("give both --queries and --database")
        scopes: list[Scope] = [scope for scope in SCOPES if scope in self.scopes]
        return Plan(
            scopes,
            self.shortlist,
            self.sizes,
            self.repeats,
            budget_s=self.budget_s,
            device=choose_device(self.device).type,
            seed=self.seed,
        )


def time_step(request: Request, out: str | Path, preset: str | None = None) -> Iterator[str]:
    """Time the methods and write the record (JSON), whole or not at all; yield lines for people.

    With the preset `paper` every method is timed at the paper's size, once for each network: the
    records are then named `<out>-resnet50.json` and `<out>-resnet101.json`.

    Raises:
        UserError: for files that are absent or do not fit, unknown names, and nonsense.
    """
    if preset not in (None, "paper"):
        raise unknown_name("preset", str(preset), ["paper"])
    out = Path(out)
    request.plan()
    if preset is None:
        if request.drawn:
            raise UserError("give --queries and --database, or --preset paper, which draws them")
        yield from _timed(request, out)
        return
    if request.checkpoint is not None and request.backbone is None:
        raise UserError("--checkpoint holds one network's weights: name it with --backbone")
    sizes = request.sizes or PAPER_SIZES
    for backbone in PAPER_BACKBONES if request.backbone is None else (request.backbone,):
        path = out.with_name(f"{out.stem}-{backbone}{out.suffix}")
        yield f"{backbone}: {path}"
        yield from _timed(dataclasses.replace(request, backbone=backbone, sizes=sizes), path)


def _timed(request: Request, out: Path) -> Iterator[str]:
    methods, plan = request.named_methods(), request.plan()
    check_writable(out, request.inputs)
    watch = Stopwatch()
    reason = next((found for path in request.inputs if (found := reason_in(path))), None)
    if reason is not None:
        yield from _untimed(request, out, watch, reason)
        return
    with scratch_folder(_on_disk(out), "time") as scratch, alone():
        given = request
        if request.drawn:
            drawn = draw_descriptors(scratch, PAPER_QUERIES, PAPER_DATABASE, PAPER_DIMENSION, plan.seed)
            request = dataclasses.replace(request, **drawn)
        assert request.queries is not None
        longest = max([plan.shortlist, *plan.sizes])
        inputs = open_inputs(request.queries, request.databases, longest, request.timed_queries, plan.device)
        plan = plan.within(len(inputs.database))
        contestants = Entries(request, inputs, scratch).contestants(methods)
        with watch_others() as others:
            outcome = compare(contestants, plan, inputs.count)
    record = watch.record(
        "time",
        dataset=request.dataset,
        suite=read_saved_suite(request.suite).suite if request.suite is not None else None,
        descriptor=inputs.database.descriptor,
        parameters={
            "shortlist": plan.shortlist,
            "sizes": list(plan.sizes),
            "repeats": plan.repeats,
            "budget_s": plan.budget_s,
            "timed_queries": inputs.count,
            "database": len(inputs.database),
            "dimension": int(inputs.database.shape[1]),
            "descriptors": "drawn" if given.drawn else "given",
            "pictures": "drawn" if given.query_images is None else "given",
            "backbone": request.backbone,
            "methods": {
                name: method.model_dump(mode="json", exclude={"found"}) for name, method in methods.items()
            },
        },
        protocol={"shortlist": "raw"},
        seed=plan.seed,
        inputs=_read(given, inputs),
    )
    timings = TimingRecord(
        record=record,
        timings=outcome.timings,
        noise=outcome.noise,
        machine=describe_clocks(),
        others=others,
        began=outcome.began,
        ended=outcome.ended,
        seed=plan.seed,
    )
    write_timings(out, timings)
    yield from _lines(timings, plan.shortlist)
    yield f"every sample is in {out}"


def _untimed(request: Request, out: Path, watch: Stopwatch, reason: str) -> Iterator[str]:
    """Write why nothing could be timed: the descriptors could not be made."""
    methods, plan = request.named_methods(), request.plan()
    record = watch.record(
        "time",
        dataset=request.dataset,
        suite=read_saved_suite(request.suite).suite if request.suite is not None else None,
        parameters={"shortlist": plan.shortlist},
    )
    timings = [
        MethodTiming(
            method=method.reranker,
            label=method.label or name,
            scope=scope,
            shortlist=plan.shortlist,
            reason=reason,
        )
        for scope in plan.scopes
        for name, method in methods.items()
    ]
    write_timings(out, TimingRecord(record=record, timings=timings, seed=plan.seed))
    yield f"nothing to time: {reason}"


def _read(request: Request, inputs: Inputs) -> list[Input]:
    """What was read; of pictures a few are, so that their folders are named alone."""
    found = given_files(
        suite=request.suite, checkpoint=request.checkpoint, boxes=request.boxes, **request.weights
    )
    if request.queries is not None:
        found += descriptor_inputs("queries", [request.queries], FeatureStore.open(request.queries))
        found += descriptor_inputs("database", request.databases, inputs.database)
    folders = [folder for named in parse_local(request.local).values() for folder in named]
    found += shard_inputs("local features", folders)
    images = [path for path in (request.query_images, *request.database_images) if path is not None]
    return found + [Input(role="images", path=from_here(path)) for path in images]


def _lines(record: TimingRecord, shortlist: int) -> Iterator[str]:
    for timing in record.timings:
        if timing.shortlist == shortlist:
            yield f"{timing.scope:12} {timing.label:28} {_figure(timing)}"
    for noise in record.noise:
        yield f"{noise.scope:12} {noise.sentence}"
    if record.others is not None and record.others.sentence is not None:
        yield record.others.sentence


def _figure(timing: MethodTiming) -> str:
    summary = timing.summary()
    if summary is None:
        return f"not timed: {timing.reason}"
    bounds = ""
    if summary.interval is not None:
        bounds = f" ({1000 * summary.interval.low:.3g} to {1000 * summary.interval.high:.3g})"
    part = f", {timing.part.sentence}" if timing.part and timing.part.sentence else ""
    return f"{1000 * summary.median:10.3f} ms a query{bounds}{part}"


def _on_disk(out: Path) -> Path:
    """Return the folder for what is drawn and extracted: beside the record, which is on a disk.

    The system's temporary folder may be in memory, and reading from storage would then read none.
    """
    folder = out.absolute().parent
    while not folder.is_dir():
        folder = folder.parent
    return folder
