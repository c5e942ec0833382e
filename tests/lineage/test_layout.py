"""Whatever the graph, the drawing is sound: boxes apart, edges from box to box and around all others."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineage.layout import Box, Layout, Node, Route, lay_out
from lineage.layout.layering import assign_layers, orient

Graph = tuple[list[Node], list[tuple[str, str]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(0, 24))
    nodes = [
        Node(
            f"t{number}",
            draw(st.sampled_from((20.0, 90.5, 200.0))),
            draw(st.sampled_from((10.0, 33.3, 120.0))),
            draw(st.integers(0, 3)),
        )
        for number in range(count)
    ]
    names = st.integers(0, max(count - 1, 0)).map(lambda number: f"t{number}")
    edges = draw(st.lists(st.tuples(names, names), max_size=60)) if count else []
    return nodes, edges


def _samples(route: Route) -> list[tuple[float, float]]:
    """Points along the drawn line: level stretches and Bézier curves with level ends."""
    found = []
    for (x, y), (to_x, to_y) in zip(route.points, route.points[1:], strict=False):
        bend = (x + to_x) / 2
        for step in range(25):
            t = step / 24
            across = (1 - t) ** 3 * x + 3 * (1 - t) ** 2 * t * bend + 3 * (1 - t) * t**2 * bend + t**3 * to_x
            found.append((across, y + (to_y - y) * (3 * t**2 - 2 * t**3)))
    return found


def _inside(box: Box, x: float, y: float) -> bool:
    return box.x + 0.2 < x < box.x + box.width - 0.2 and box.y + 0.2 < y < box.y + box.height - 0.2


def _apart(one: Box, other: Box) -> bool:
    return (
        one.x + one.width <= other.x
        or other.x + other.width <= one.x
        or one.y + one.height <= other.y
        or other.y + other.height <= one.y
    )


@given(graphs())
def test_no_two_boxes_overlap_and_all_lie_on_the_sheet(graph: Graph) -> None:
    drawing = lay_out(*graph)
    boxes = list(drawing.boxes.values())
    assert {box.id for box in boxes} == {node.id for node in graph[0]}
    for place, box in enumerate(boxes):
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height
        assert all(_apart(box, other) for other in boxes[place + 1 :])


@given(graphs())
def test_every_edge_starts_and_ends_at_the_side_of_its_boxes(graph: Graph) -> None:
    drawing = lay_out(*graph)
    assert sorted((route.source, route.target) for route in drawing.routes) == sorted(set(graph[1]))
    for route in drawing.routes:
        for name, (x, y) in ((route.source, route.points[0]), (route.target, route.points[-1])):
            box = drawing.boxes[name]
            assert x in (box.x, box.x + box.width) or x == pytest.approx(box.x + box.width)
            assert box.y <= y <= box.y + box.height


@given(graphs())
def test_edges_run_through_no_box(graph: Graph) -> None:
    drawing = lay_out(*graph)
    for route in drawing.routes:
        for x, y in _samples(route):
            assert not any(_inside(box, x, y) for box in drawing.boxes.values()), route


@given(graphs(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(graph: Graph, shuffler: random.Random) -> None:
    nodes, edges = list(graph[0]), list(graph[1])
    shuffler.shuffle(nodes)
    shuffler.shuffle(edges)
    assert lay_out(nodes, edges) == lay_out(*graph)


@given(graphs())
def test_columns_of_groups_stand_in_their_order_and_hold_their_boxes(graph: Graph) -> None:
    drawing = lay_out(*graph)
    columns = {column.group: column for column in drawing.columns}
    ordered = [columns[group] for group in sorted(columns)]
    assert all(one.x + one.width < other.x for one, other in pairwise(ordered))
    for node in graph[0]:
        box, column = drawing.boxes[node.id], columns[node.group]
        assert column.x <= box.x
        assert box.x + box.width <= column.x + column.width + 0.1


@given(graphs())
def test_oriented_edges_always_lead_to_a_higher_layer(graph: Graph) -> None:
    groups = [node.group for node in graph[0]]
    pairs = [(int(a[1:]), int(b[1:])) for a, b in graph[1] if a != b]
    edges = orient(groups, sorted(set(pairs)))
    layers = assign_layers(groups, edges)
    assert all(layers[edge.left] < layers[edge.right] for edge in edges)


def test_a_cycle_keeps_all_its_edges_and_only_one_runs_back() -> None:
    names = ["a", "b", "c", "d"]
    drawing = lay_out([Node(name, 100, 40) for name in names], zip(names, [*names[1:], "a"], strict=True))
    back = [route for route in drawing.routes if route.points[0][0] > route.points[-1][0]]
    assert [(route.source, route.target) for route in back] == [("d", "a")]


def test_a_long_edge_runs_straight_past_the_layers_between() -> None:
    nodes = [Node(name, 100, 40, group) for group, name in enumerate(("a", "b", "c", "d"))]
    drawing = lay_out(nodes, [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")])
    long = next(route for route in drawing.routes if (route.source, route.target) == ("a", "d"))
    assert len({y for _, y in long.points[1:-1]}) == 1


def test_a_graph_that_needs_no_crossing_has_none() -> None:
    nodes = [Node(f"{layer}{number:02}", 80, 30, layer) for layer in range(3) for number in range(20)]
    pairs = [(f"{layer}{number:02}", f"{layer + 1}{19 - number:02}") for layer in range(2) for number in range(20)]
    drawing = lay_out(nodes, pairs)
    assert all(route.points[0][1] == route.points[-1][1] for route in drawing.routes)


def test_a_self_loop_begins_and_ends_at_its_box() -> None:
    (route,) = lay_out([Node("a", 100, 30)], [("a", "a")]).routes
    assert route.path == "M116 26C136 26 136 36 116 36"


def test_nothing_gives_an_empty_drawing() -> None:
    assert lay_out([], []) == Layout(0.0, 0.0)


def test_an_edge_to_an_unknown_node_is_refused() -> None:
    with pytest.raises(ValueError, match="names 'b'"):
        lay_out([Node("a", 1, 1)], [("a", "b")])


def test_two_nodes_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="same id"):
        lay_out([Node("a", 1, 1), Node("a", 2, 2)], [])


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32))
def test_two_thousand_tables_are_placed_apart(seed: int) -> None:
    source = random.Random(seed)
    nodes = [Node(f"t{number:04}", 200, 52, number % 5) for number in range(2000)]
    edges = [(f"t{source.randrange(2000):04}", f"t{source.randrange(2000):04}") for _ in range(3300)]
    drawing = lay_out(nodes, edges)
    layers: dict[int, list[Box]] = {}
    for box in drawing.boxes.values():
        layers.setdefault(box.layer, []).append(box)
    for boxes in layers.values():
        boxes.sort(key=lambda box: box.y)
        assert all(one.y + one.height <= other.y for one, other in pairwise(boxes))
