"""The frame of every extraction: shards one after the other, done ones kept, every bad image named."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

from superglobal_core.data.boxes import Box
from superglobal_core.data.images import ImageFile
from superglobal_core.errors import UserError, name_list, unknown_name
from superglobal_core.features.shards import ShardPlan
from superglobal_core.progress import Counter

OnError = Literal["stop", "skip"]
# An image that was left out: its `id` and the `reason`.
Bad = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Extraction:
    """What an extraction did: shards in all, those found done, images described, images left out.

    self_check: of the mode `fast`, see `features.self_check`. memory: of a network's batches, see `Adapting.as_dict`.
    """

    shards: int
    found_done: int
    described: int
    skipped: list[Bad]
    self_check: dict[str, Any] | None = dataclasses.field(default=None, compare=False)
    memory: dict[str, Any] = dataclasses.field(default_factory=dict, compare=False)


def check_request(
    files: Sequence[ImageFile], boxes: Mapping[str, Box] | None, shard_size: int, on_error: OnError
) -> None:
    """Refuse nonsense before any work.

    Raises:
        UserError: for an unknown `on_error`, an empty shard, or images without a box where boxes are given.
    """
    if on_error not in get_args(OnError):
        raise unknown_name("on-error", on_error, get_args(OnError))
    if shard_size < 1:
        raise UserError(f"shard-size is {shard_size}: put at least one image into a shard")
    if boxes is not None and (without := [file.id for file in files if file.id not in boxes]):
        raise UserError(f"{len(without)} of {len(files)} images have no box: {name_list(without)}")


def boxes_digest(files: Sequence[ImageFile], boxes: Mapping[str, Box] | None) -> str | None:
    """Return the SHA-256 of the images' boxes, for comparison on going on; None without boxes."""
    if boxes is None:
        return None
    return hashlib.sha256(repr([boxes[file.id] for file in files]).encode()).hexdigest()


def run_shards(
    plan: ShardPlan,
    make: Callable[[int, Counter, list[Bad]], int],
    *,
    what: str,
    on_error: OnError,
    replace: bool,
) -> Extraction:
    """Make every shard of a plan that is not done yet.

    make: makes the shard of a number, moves the counter, appends images that cannot be used to the
        list, and returns how many were described.
    what: the verb that the progress display shows.

    Raises:
        UserError: listing every image that cannot be used, when there is one and `on_error` is `stop`, or
            when none can be used at all; for other settings in the folder.
    """
    found = [shards_found(plan, on_error, replace)]

    def make_one(number: int, _: Sequence[int], counter: Counter, bads: Sequence[list[Bad]]) -> list[int]:
        return [make(number, counter, bads[0])]

    with Counter(what, len(plan.files)) as counter:
        return run_plans([plan], found, make_one, counter, on_error)[0]


def shards_found(plan: ShardPlan, on_error: OnError, replace: bool) -> list[Mapping[str, Any] | None]:
    """Clean a plan's folder and return the sidecar of each shard that is done, None for the others.

    Raises:
        UserError: for other settings in the folder.
    """
    plan.clean(replace)
    done = [plan.done(number, replace) for number in range(plan.count)]
    if on_error == "stop":
        # A shard that an earlier run with `skip` left images out of is looked at again.
        done = [None if sidecar is None or sidecar["skipped"] else sidecar for sidecar in done]
    return done


def run_plans(
    plans: Sequence[ShardPlan],
    found: Sequence[Sequence[Mapping[str, Any] | None]],
    make: Callable[[int, Sequence[int], Counter, Sequence[list[Bad]]], list[int]],
    counter: Counter,
    on_error: OnError,
) -> list[Extraction]:
    """Make every shard that is not done yet of plans that cut the same images alike.

    found: the sidecars of each plan's shards, see `shards_found`.
    make: makes a shard of the wanted plans (by index), moves the counter, appends images that cannot
        be used to the list of each plan, and returns how many were described for each wanted plan.

    Raises:
        UserError: listing every image that cannot be used, when there is one and `on_error` is `stop`, or
            when none can be used at all.
    """
    bads: list[list[Bad]] = [[] for _ in plans]
    described = [0] * len(plans)
    for number in range(plans[0].count):
        sidecars = [sidecars[number] for sidecars in found]
        for sidecar, bad in zip(sidecars, bads, strict=True):
            bad += sidecar["skipped"] if sidecar is not None else []
        wanted = [index for index, sidecar in enumerate(sidecars) if sidecar is None]
        if not wanted:
            counter.advance(len(plans[0].files_of(number)))
            continue
        for index, count in zip(wanted, make(number, wanted, counter, bads), strict=True):
            described[index] += count
    images = len(plans[0].files)
    if on_error == "stop" and (every := {entry["id"]: entry["reason"] for bad in bads for entry in bad}):
        listed = "; ".join(f"{name} {reason}" for name, reason in every.items())
        raise UserError(
            f"{len(every)} of {images} images cannot be used: {listed}. "
            "Mend or remove them, or leave them out with --on-error skip"
        )
    for plan, bad in zip(plans, bads, strict=True):
        if len(bad) == images:
            plan.remove()
            raise UserError(
                f"none of the {len(bad)} images can be used; the first: {bad[0]['id']} {bad[0]['reason']}"
            )
    return [
        Extraction(plan.count, sum(sidecar is not None for sidecar in sidecars), count, bad)
        for plan, sidecars, count, bad in zip(plans, found, described, bads, strict=True)
    ]
