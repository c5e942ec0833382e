"""The graph as a picture: where each box stands and each edge runs; a template turns it into SVG."""

from __future__ import annotations

from dataclasses import dataclass

from lineage.boxes import TITLES, BoxText, describe
from lineage.graph import Graph
from lineage.layout import Box, Node, lay_out
from lineage.viewing import LAYERS, View

HEAD = 26.0  # room for the layers' names above the boxes
PLAIN_FROM = 200  # from so many nodes on a box holds its name alone
MIN_WIDTH, MAX_WIDTH, PADDING = 112.0, 248.0, 26.0
LETTER, SMALL_LETTER = 7.2, 6.4  # widths of a letter of a name, and of a figure; wide fonts need so much
LINE = 16.0


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """A box with its text."""

    name: str
    box: Box
    text: BoxText
    layer: str

    @property
    def lines(self) -> list[tuple[float, object]]:
        """The lines below the name, with where they stand."""
        return [(18 + LINE * number, line) for number, line in enumerate(self.text.lines, 1)]


@dataclass(frozen=True, slots=True)
class DrawnEdge:
    path: str
    css: str


@dataclass(frozen=True, slots=True)
class DrawnColumn:
    layer: str
    title: str
    x: float
    width: float
    box_width: float = 0.0

    @property
    def strip_x(self) -> float:
        return round(self.x - 8, 1)

    @property
    def strip_width(self) -> float:
        return round(self.width + 16, 1)


@dataclass(frozen=True, slots=True)
class Drawing:
    """`links` are the edges by the numbers of their boxes, in the order of `nodes` and `edges`, for the script."""

    width: float
    height: float
    plain: bool
    columns: list[DrawnColumn]
    nodes: list[DrawnNode]
    edges: list[DrawnEdge]
    links: str


def draw(graph: Graph, view: View) -> Drawing:
    """Place a graph: columns by layer, edges around boxes. The same graph gives the same picture."""
    plain = len(graph.nodes) >= PLAIN_FROM
    texts = {name: describe(node, view, plain=plain) for name, node in graph.nodes.items()}
    widths = _widths(graph, texts)
    layout = lay_out(
        [
            Node(name, widths[node.layer], 10.0 + LINE * (1 + len(texts[name].lines)), LAYERS.index(node.layer))
            for name, node in graph.nodes.items()
        ],
        [(edge.upstream, edge.downstream) for edge in graph.edges],
    )
    kinds = {(edge.upstream, edge.downstream): edge.kind for edge in graph.edges}
    numbers = {name: number for number, name in enumerate(graph.nodes)}
    return Drawing(
        width=layout.width,
        height=layout.height + HEAD,
        plain=plain,
        columns=[
            DrawnColumn(layer, TITLES[layer], column.x, column.width, widths[layer])
            for column in layout.columns
            for layer in [LAYERS[column.group]]
        ],
        nodes=[DrawnNode(name, layout.boxes[name], text, graph.nodes[name].layer) for name, text in texts.items()],
        edges=[
            DrawnEdge(route.path, _edge_css(kinds[route.source, route.target], route.source, route.target, view))
            for route in layout.routes
        ],
        links=" ".join(f"{numbers[route.source]}-{numbers[route.target]}" for route in layout.routes),
    )


def _widths(graph: Graph, texts: dict[str, BoxText]) -> dict[str, float]:
    """All boxes of a layer are as wide as its longest line needs, within bounds."""
    widths = dict.fromkeys(LAYERS, MIN_WIDTH)
    for name, node in graph.nodes.items():
        text = texts[name]
        more = sum(len(part.text) + 2 for part in text.more) * SMALL_LETTER
        needed = max(len(text.title) * LETTER + more, text.longest * SMALL_LETTER) + PADDING
        widths[node.layer] = min(max(widths[node.layer], needed), MAX_WIDTH)
    return {layer: round(width) for layer, width in widths.items()}


def _edge_css(kind: str, source: str, target: str, view: View) -> str:
    touches = view.table in (source, target)
    return " ".join([*([kind] if kind != "data" else []), *(["near"] if touches else [])])
