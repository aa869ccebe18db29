"""The layout of small graphs: layers, bends, cycles."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from superglobal_core.reporting.graph_layout import layered

edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


@given(edges)
def test_every_hop_leads_one_layer_on(pairs: list[tuple[int, int]]) -> None:
    found = layered(8, pairs)
    layer = {item: number for number, items in enumerate(found.layers) for item in items}
    assert set(range(8)) <= set(layer)
    assert len(layer) == sum(map(len, found.layers))
    for one, other in found.hops:
        assert layer[other] == layer[one] + 1
    # Every bend is on the way from one node to another.
    bends = set(layer) - set(range(8))
    assert bends == {one for one, _ in found.hops} - set(range(8))
    assert bends == {other for _, other in found.hops} - set(range(8))


@given(edges)
def test_the_same_graph_has_the_same_layout(pairs: list[tuple[int, int]]) -> None:
    assert layered(8, pairs) == layered(8, list(pairs))


def test_edges_without_cycles_all_stay() -> None:
    found = layered(4, [(0, 1), (1, 2), (2, 3), (0, 3)])
    after: dict[int, set[int]] = {}
    for one, other in found.hops:
        after.setdefault(one, set()).add(other)

    def ends(item: int) -> set[int]:
        return {item} if item < 4 else set().union(*(ends(other) for other in after[item]))

    assert {node: set().union(*map(ends, after.get(node, set()))) for node in range(4)} == {
        0: {1, 3},
        1: {2},
        2: {3},
        3: set(),
    }


def test_lines_that_need_not_cross_do_not() -> None:
    # Two chains, told in an order in which they cross.
    found = layered(6, [(0, 3), (1, 2), (2, 5), (3, 4)])
    places = {item: place for layer in found.layers for place, item in enumerate(layer)}
    assert len({places[item] for item in (0, 3, 4)}) == 1


def test_what_is_made_of_nothing_stands_before_its_first_use() -> None:
    found = layered(4, [(0, 1), (1, 2), (3, 2)])
    assert {*found.layers[1]} == {1, 3}


def test_no_graph_is_none() -> None:
    assert layered(0, []).layers == ()
