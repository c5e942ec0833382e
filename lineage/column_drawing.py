"""The way of one column as a picture: a box for each column, the expressions on the edges."""

from __future__ import annotations

from dataclasses import dataclass

from lineage.boxes import TITLES
from lineage.column_paths import ROWS, ColumnEdge, Path, Place
from lineage.drawing import HEAD, LETTER, PADDING, SMALL_LETTER, DrawnColumn
from lineage.graph import layer_of
from lineage.layout import Box, Node, lay_out
from lineage.viewing import LAYERS

MIN_WIDTH, MAX_WIDTH, HEIGHT = 120.0, 260.0, 44.0
GAP = 216.0  # room for an expression
LONGEST_NAME, LONGEST_EXPRESSION, MOST_EXPRESSIONS = 32, 30, 3
LINE = 14.0


@dataclass(frozen=True, slots=True)
class DrawnColumnBox:
    """A column's box. `label` is what a screen reader says."""

    table: str
    column: str
    box: Box
    css: str
    label: str

    @property
    def shown_table(self) -> str:
        return _cut(self.table, LONGEST_NAME)

    @property
    def shown_column(self) -> str:
        return _cut(self.column, LONGEST_NAME)


@dataclass(frozen=True, slots=True)
class Expression:
    """What stands on the edges into a box, and where; `whole` is all of it."""

    x: float
    y: float
    text: str
    whole: str


@dataclass(frozen=True, slots=True)
class DrawnPath:
    path: str
    css: str


@dataclass(frozen=True, slots=True)
class ColumnDrawing:
    width: float
    height: float
    columns: list[DrawnColumn]
    boxes: list[DrawnColumnBox]
    edges: list[DrawnPath]
    expressions: list[Expression]


def draw_path(path: Path) -> ColumnDrawing:
    """Place the columns before and behind one, by layer. Tables whose rows alone are touched stand in the list only."""
    edges = [edge for edge in path.edges if ROWS not in (edge.source[1], edge.target[1])]
    edges = [edge for edge in edges if edge.source != edge.target]
    places = sorted({path.place, *(place for edge in edges for place in (edge.source, edge.target))})
    fed = {edge.target for edge in edges}
    layers = {place: layer_of(place[0], fed=place in fed) for place in places}
    layout = lay_out(
        [Node(_id(place), _width(place), HEIGHT, LAYERS.index(layers[place])) for place in places],
        [(_id(edge.source), _id(edge.target)) for edge in edges],
        gap=GAP,
    )
    kinds = {
        (_id(edge.source), _id(edge.target)): edge.kind for edge in sorted(edges, key=lambda e: e.kind, reverse=True)
    }
    return ColumnDrawing(
        width=layout.width,
        height=layout.height + HEAD,
        columns=[DrawnColumn(LAYERS[c.group], TITLES[LAYERS[c.group]], c.x, c.width) for c in layout.columns],
        boxes=[_box(place, layout.boxes[_id(place)], layers[place], path) for place in places],
        edges=[DrawnPath(r.path, "" if kinds[r.source, r.target] == "DIRECT" else "indirect") for r in layout.routes],
        expressions=[one for place in places for one in _expressions(place, edges, layout.boxes[_id(place)])],
    )


def _box(place: Place, box: Box, layer: str, path: Path) -> DrawnColumnBox:
    here = place == path.place
    return DrawnColumnBox(*place, box, f"{layer}{' here' if here else ''}", f"{place[0]}, column {place[1]}")


def _expressions(place: Place, edges: list[ColumnEdge], box: Box) -> list[Expression]:
    """The expressions that make a column, above the end of the edges that lead to it."""
    into = [edge for edge in edges if edge.target == place]
    values = {edge.source for edge in into if edge.kind == "DIRECT"}
    into = [edge for edge in into if edge.kind == "DIRECT" or edge.source not in values]
    plain = {edge.source[1] for edge in into} | {""}
    said = list(dict.fromkeys(_said(edge) for edge in into if edge.expression not in plain or edge.kind != "DIRECT"))
    middle = box.y + box.height / 2
    return [
        Expression(box.x - 12, middle - 6 - LINE * number, _cut(text, LONGEST_EXPRESSION), text)
        for number, text in enumerate(said[:MOST_EXPRESSIONS])
    ]


def _said(edge: ColumnEdge) -> str:
    return edge.expression if edge.kind == "DIRECT" else f"{edge.roles or 'condition'}: {edge.expression}"


def _id(place: Place) -> str:
    return "\0".join(place)


def _width(place: Place) -> float:
    longest = max(min(len(place[0]), LONGEST_NAME) * SMALL_LETTER, min(len(place[1]), LONGEST_NAME) * LETTER)
    return round(min(max(longest + PADDING + 8, MIN_WIDTH), MAX_WIDTH))


def _cut(text: str, length: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= length else flat[: length - 1] + "…"
