"""Where the nodes of a small graph without cycles stand: layers from left to right, few crossings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

ROUNDS = 8  # of putting each node near the middle of its neighbours
Edge = tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Layout:
    """layers: each from top to bottom; numbers from `nodes` on are bends of edges that pass a layer.

    hops: the edges, cut at the bends; those from one node share their bends.
    """

    nodes: int
    layers: tuple[tuple[int, ...], ...]
    hops: tuple[Edge, ...]


def layered(nodes: int, edges: Sequence[Edge]) -> Layout:
    """Return a layout; the same graph has the same one. Edges that close a cycle are left out.

    >>> found = layered(3, [(0, 1), (1, 2), (0, 2)])
    >>> found.layers, found.hops
    (((0,), (1, 3), (2,)), ((0, 1), (0, 3), (1, 2), (3, 2)))
    """
    edges = _without_cycles(nodes, edges)
    depth = _depths(nodes, edges)
    layers: list[list[int]] = [[] for _ in range(max(depth, default=-1) + 1)]
    for node in range(nodes):
        layers[depth[node]].append(node)
    bends: dict[Edge, int] = {}
    hops: set[Edge] = set()
    for source, target in edges:
        before = source
        for layer in range(depth[source] + 1, depth[target]):
            if (source, layer) not in bends:
                bends[source, layer] = nodes + len(bends)
                layers[layer].append(bends[source, layer])
            hops.add((before, bends[source, layer]))
            before = bends[source, layer]
        hops.add((before, target))
    found = tuple(sorted(hops))
    _untangle(layers, found)
    return Layout(nodes, tuple(map(tuple, layers)), found)


def _without_cycles(nodes: int, edges: Sequence[Edge]) -> list[Edge]:
    kept: list[Edge] = []
    after: dict[int, list[int]] = {node: [] for node in range(nodes)}

    def reaches(start: int, goal: int) -> bool:
        seen, waiting = {start}, [start]
        while waiting:
            node = waiting.pop()
            if node == goal:
                return True
            fresh = [other for other in after[node] if other not in seen]
            seen.update(fresh)
            waiting += fresh
        return False

    for source, target in dict.fromkeys(edges):
        if not reaches(target, source):
            after[source].append(target)
            kept.append((source, target))
    return kept


def _depths(nodes: int, edges: Sequence[Edge]) -> list[int]:
    """Return each node's layer: behind all it is made of; what is made of nothing stands just before its first use."""
    depth = [0] * nodes
    for _ in range(nodes):
        for source, target in edges:
            depth[target] = max(depth[target], depth[source] + 1)
    targets = {target for _, target in edges}
    for node in range(nodes):
        used = [depth[target] for source, target in edges if source == node]
        if node not in targets and used:
            depth[node] = min(used) - 1
    return depth


def _untangle(layers: list[list[int]], hops: Sequence[Edge]) -> None:
    left: dict[int, list[int]] = {}
    right: dict[int, list[int]] = {}
    for one, other in hops:
        right.setdefault(one, []).append(other)
        left.setdefault(other, []).append(one)
    for turn in range(ROUNDS):
        forward = turn % 2 == 0
        order = range(1, len(layers)) if forward else range(len(layers) - 2, -1, -1)
        for number in order:
            beside = layers[number - 1 if forward else number + 1]
            place = {node: (at + 0.5) / len(beside) for at, node in enumerate(beside)}
            near = left if forward else right
            own = {node: (at + 0.5) / len(layers[number]) for at, node in enumerate(layers[number])}

            def middle(
                node: int,
                near: Mapping[int, list[int]] = near,
                place: Mapping[int, float] = place,
                own: Mapping[int, float] = own,
            ) -> float:
                found = [place[other] for other in near.get(node, ())]
                return sum(found) / len(found) if found else own[node]

            layers[number].sort(key=middle)
