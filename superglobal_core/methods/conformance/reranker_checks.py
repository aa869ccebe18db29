"""What every reranker keeps to, checked one by one on a bench."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from superglobal_core.errors import TooFewFeaturesError, UserError
from superglobal_core.methods.conformance.bench import Bench, Problem, Ranked, Ranker
from superglobal_core.methods.conformance.findings import BrokenError, LeftOutError, NotedError
from superglobal_core.methods.conformance.lacking import check_absent_packages
from superglobal_core.methods.conformance.values import bad_values, end_values
from superglobal_core.methods.python_method import NoPermutationError, WrongShapeError

Check = Callable[[Bench], None]


def check_runs(bench: Bench) -> None:
    """It runs with its defaults; what it returns is for the checks that follow."""
    with contextlib.suppress(WrongShapeError, NoPermutationError):
        bench.make()(bench.usual)


def check_shapes(bench: Bench) -> None:
    """Order int64 and scores, both of the shortlist's shape, finite, best first."""
    first = bench.usual.first
    try:
        order, scores = bench.make()(bench.usual)
    except NoPermutationError:
        return
    if order.shape != first.shape or scores.shape != first.shape:
        raise BrokenError(
            f"order {order.shape} and scores {scores.shape} should have the shape {first.shape}"
        )
    if order.dtype != np.int64 or scores.dtype not in (np.float32, np.float64):
        raise BrokenError(f"order and scores should be int64 and float, not {order.dtype} and {scores.dtype}")
    if not np.isfinite(scores).all():
        raise BrokenError("scores are not all finite")
    if (np.diff(scores, axis=1) > 0).any():
        raise BrokenError("scores should fall from the first place to the last")


def check_permutation(bench: Bench) -> None:
    """Each candidate once; places beyond the shortlist keep theirs."""
    images = bench.usual.first.shape[1]
    for head in (images, images // 2):
        _whole(bench.usual.first, *bench.make(head)(bench.usual), head)


def _whole(first: np.ndarray, order: np.ndarray, scores: np.ndarray, head: int) -> None:
    if not np.array_equal(np.sort(order[:, :head]), np.sort(first[:, :head])):
        raise BrokenError("the new order does not hold each candidate of the shortlist once")
    if not np.array_equal(order[:, head:], first[:, head:]):
        raise BrokenError("places beyond the shortlist were moved")
    if not np.isfinite(scores[first >= 0]).all():
        raise BrokenError("scores are not all finite")


def check_deterministic(bench: Bench) -> None:
    """The same again, from the same object and a new one, whatever the global random state."""
    with _random_state():
        _seed(0)
        ranker = bench.make()
        found = ranker(bench.usual)
        for how, again in (("again", ranker), ("made again", bench.make())):
            _seed(1)
            if not all(np.array_equal(*pair) for pair in zip(found, again(bench.usual), strict=True)):
                raise BrokenError(
                    f"run {how} it gives another result: draw from a generator of its own with a fixed seed"
                )


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


@contextlib.contextmanager
def _random_state() -> Iterator[None]:
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])


def check_one_as_many(bench: Bench) -> None:
    """A query's scores are the same alone and among others, in whatever order they come."""
    ranker = bench.make()
    rows = range(len(bench.usual.first))
    many = _by_image(ranker(bench.usual))
    limit = _limit(bench, ranker, many)
    backwards = _by_image(ranker(bench.usual, rows[::-1]))[::-1]
    alone = np.concatenate([_by_image(ranker(bench.usual, [row])) for row in rows])
    for found, how in ((alone, "alone"), (backwards, "in another order")):
        if np.abs(found - many).max() > limit:
            raise BrokenError(f"a query's result is another when queries come {how}: it depends on the batch")
    bench.alone()


def _by_image(ranked: Ranked) -> np.ndarray:
    order, scores = ranked
    found = np.empty_like(scores)
    np.put_along_axis(found, order, scores, axis=1)
    return found


def _limit(bench: Bench, ranker: Ranker, scores: np.ndarray) -> float:
    # By places two that are nearly equal may change theirs.
    return 1.0 if ranker.places else bench.tolerance * float(np.abs(scores).max())


def check_duplicates(bench: Bench) -> None:
    """Images that are there twice are kept twice, with finite scores; equal scores keep their order."""
    problem = bench.with_copies
    _whole(problem.first, *bench.make()(problem), problem.first.shape[1])
    ranker, given = bench.make(), bench.equal.first
    order, scores = ranker(bench.equal)
    _whole(given, order, scores, given.shape[1])
    places = np.argsort(given[0])[order[0]]
    if (np.diff(places)[np.diff(scores[0]) == 0] < 0).any():
        raise BrokenError("candidates of equal score do not keep the first stage's order")
    if ranker.places and not np.array_equal(order, given):
        raise NotedError("equal images do not keep the first stage's order: where it sorts, sort stably")


def check_few(bench: Bench) -> None:
    """One, two and three candidates, fewer than asked for."""
    for count in (1, 2, 3):
        first = bench.usual.first[:, :count]
        try:
            _whole(first, *bench.make()(bench.usual, first=first), count)
        except Exception as error:
            text = " ".join(str(error).split())
            kind = "" if isinstance(error, UserError | BrokenError) else f"{type(error).__name__}: "
            raise BrokenError(f"with {count} candidate{'s' * (count > 1)}: {kind}{text}") from error


def check_empty(bench: Bench) -> None:
    """Empty places stay at the end; a query's result does not depend on the others' lengths."""
    first = bench.usual.first.copy()
    full = first.shape[1]
    lengths = [full, 0, 1, full // 2, full] if len(first) > 2 else [full // 2, 0]
    for row, length in zip(first, lengths, strict=True):
        row[length:] = -1
    ranker = bench.make()
    order, scores = ranker(bench.usual, first=first)
    if not (np.array_equal(order < 0, first < 0) and np.isneginf(scores[first < 0]).all()):
        raise BrokenError("empty places do not stay at the end, with the score -inf")
    for query, length in enumerate(lengths):
        if length:
            cut = first[query : query + 1, :length]
            alone = ranker(bench.usual, [query], cut)
            _whole(cut, *alone, length)
            found = scores[query, :length]
            if np.abs(np.sort(alone[1][0]) - np.sort(found)).max() > _limit(bench, ranker, found):
                raise BrokenError("a query's result changes with the number of other queries' candidates")


def check_not_finite(bench: Bench) -> None:
    """NaN and infinity in a descriptor are refused in a sentence."""
    row = int(bench.usual.first[0, 1])
    for value in (np.nan, np.inf):
        problem = bench.spoiled(0, row, value)
        try:
            bench.make()(problem)
        except UserError:
            continue
        raise BrokenError(f"{value} in a descriptor is taken for a number: refuse it with a UserError")


def check_copy(bench: Bench) -> None:
    """A query's exact copy comes near the top (a note where not: it may be the method's way)."""
    if bench.meaningless:
        raise LeftOutError(bench.meaningless)
    order, _ = bench.make()(bench.with_copies)
    for query, row in bench.copies_of().items():
        place = int(np.flatnonzero(order[query] == row)[0]) + 1
        if place > 3:
            raise NotedError(f"a query's exact copy comes at place {place} of {order.shape[1]}")


def check_inputs(bench: Bench) -> None:
    """It leaves its inputs as they are."""
    changed = bench.touched()
    if changed:
        raise BrokenError(f"it changes its inputs ({', '.join(changed)}): work on a copy")


def check_ends(bench: Bench) -> None:
    """It runs at each end of each parameter's range."""
    problem = _near(bench)
    for name, parameter in bench.method.description.parameters.items():
        for value in end_values(parameter):
            try:
                order, scores = bench.make(**_only(name, value))(problem)
                _whole(problem.first, order, scores, problem.first.shape[1])
            except TooFewFeaturesError:
                continue  # the value is allowed; it asks for more data than there is here
            except Exception as error:
                text = " ".join(str(error).split())
                raise BrokenError(f"{name} = {value}, an end of its range: {text}") from error


def _near(bench: Bench) -> Problem:
    # A query and images much like it: what tries until it succeeds ends soon.
    problem, copies = bench.with_copies, bench.copies_of()
    query, row = next(iter(copies.items()))
    others = [image for image in problem.first[query].tolist() if image != row][:20]
    first = np.array([[row, *others]]) if isinstance(problem.images, np.ndarray) else np.array([[row]])
    return Problem(
        problem.queries[query : query + 1], problem.images, first, problem.similarities[query : query + 1]
    )


def _only(name: str, value: object) -> dict[str, Any]:
    return {name: value}


def check_beyond(bench: Bench) -> None:
    """Values just beyond a parameter's range, or of another kind, are refused."""
    for name, parameter in bench.method.description.parameters.items():
        for value in bad_values(parameter):
            for make in (bench.make, bench.make_unguarded):
                try:
                    made = make(**_only(name, value))
                except UserError:
                    continue
                if made is not None:
                    raise BrokenError(f"{name} = {value!r} is beyond its range, and is taken")


def check_needs(bench: Bench) -> None:
    """What it says it needs is what it needs."""
    bench.needs()
    check_absent_packages(bench.method.description.needs, bench.once)


#: without these there is nothing to check
FIRST: dict[str, Check] = {
    "runs with its defaults": check_runs,
    "shapes and types": check_shapes,
    "a permutation of the shortlist": check_permutation,
}
THEN: dict[str, Check] = {
    "deterministic": check_deterministic,
    "one query as many": check_one_as_many,
    "duplicates and ties": check_duplicates,
    "few candidates": check_few,
    "empty places": check_empty,
    "no numbers refused": check_not_finite,
    "a query's copy near the top": check_copy,
    "inputs unchanged": check_inputs,
    "ends of the parameters' ranges": check_ends,
    "values beyond refused": check_beyond,
    "honest about its needs": check_needs,
}
