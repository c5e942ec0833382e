"""The graph as a picture: what stands in each box and where; a template turns it into SVG."""

from __future__ import annotations

from dataclasses import dataclass

from lineage.graph import LAYERS, Graph, GraphNode, View
from lineage.layout import Box, Node, lay_out
from lineage.templatetags.assay import ago, count

HEAD = 26.0  # room for the layers' names above the boxes
PLAIN_FROM = 200  # from so many nodes on a box holds its name alone
MIN_WIDTH, MAX_WIDTH, PADDING = 112.0, 248.0, 26.0
LETTER, SMALL_LETTER = 7.2, 6.4  # widths of a letter of a name, and of a figure; wide fonts need so much
LINE = 16.0

TITLES = {"source": "Sources", "bronze": "Bronze", "silver": "Silver", "gold": "Gold", "consumer": "Consumers"}


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """A box with its text. `label` is what a screen reader says."""

    name: str
    box: Box
    css: str
    title: str
    label: str
    figures: str
    exceptions: str
    waiting: str
    url: str


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

    @property
    def strip_x(self) -> float:
        return round(self.x - 8, 1)

    @property
    def strip_width(self) -> float:
        return round(self.width + 16, 1)


@dataclass(frozen=True, slots=True)
class Drawing:
    width: float
    height: float
    plain: bool
    columns: list[DrawnColumn]
    nodes: list[DrawnNode]
    edges: list[DrawnEdge]


def draw(graph: Graph, view: View) -> Drawing:
    """Place a graph: columns by layer, edges around boxes. The same graph gives the same picture."""
    plain = len(graph.nodes) >= PLAIN_FROM
    nodes = {name: _drawn_text(node, view, plain=plain) for name, node in graph.nodes.items()}
    widths = _widths(graph, nodes)
    layout = lay_out(
        [
            Node(name, widths[node.layer], _height(nodes[name]), LAYERS.index(node.layer))
            for name, node in graph.nodes.items()
        ],
        [(edge.upstream, edge.downstream) for edge in graph.edges],
    )
    kinds = {(edge.upstream, edge.downstream): edge.kind for edge in graph.edges}
    return Drawing(
        width=layout.width,
        height=layout.height + HEAD,
        plain=plain,
        columns=[
            DrawnColumn(LAYERS[column.group], TITLES[LAYERS[column.group]], column.x, column.width)
            for column in layout.columns
        ],
        nodes=[DrawnNode(box=layout.boxes[name], **texts) for name, texts in nodes.items()],
        edges=[
            DrawnEdge(route.path, _edge_css(kinds[route.source, route.target], route.source, route.target, view))
            for route in layout.routes
        ],
    )


def _widths(graph: Graph, texts: dict[str, dict[str, str]]) -> dict[str, float]:
    """All boxes of a layer are as wide as its longest line needs, within bounds."""
    widths = dict.fromkeys(LAYERS, MIN_WIDTH)
    for name, node in graph.nodes.items():
        text = texts[name]
        marks = len(text["exceptions"]) + len(text["waiting"]) + 4 * (bool(text["exceptions"]) + bool(text["waiting"]))
        needed = max(len(text["title"]) * LETTER, max(len(text["figures"]), marks) * SMALL_LETTER) + PADDING
        widths[node.layer] = min(max(widths[node.layer], needed), MAX_WIDTH)
    return {layer: round(width) for layer, width in widths.items()}


def _drawn_text(node: GraphNode, view: View, *, plain: bool) -> dict[str, str]:
    facts = node.facts
    exceptions = f"{count(facts.open_exceptions)} open" if facts and facts.open_exceptions else ""
    waiting = f"{count(facts.waiting_batches)} waiting" if facts and facts.waiting_batches else ""
    figures = ""
    if facts:
        figures = f"{_rows(facts.rows)} · {ago(facts.last_load)}" if facts.last_load else "never loaded"
    css = [node.layer, *(["bad"] if exceptions else []), *(["here"] if node.name == view.table else [])]
    said = [node.name, TITLES[node.layer].rstrip("s") if not facts else facts.kind]
    said += [figures] if figures else []
    said += [f"{count(facts.open_exceptions)} open exceptions"] if facts and exceptions else []
    said += [f"{count(facts.waiting_batches)} batches waiting"] if facts and waiting else []
    return {
        "name": node.name,
        "css": " ".join(css),
        "title": _cut(node.label, int((MAX_WIDTH - PADDING) / LETTER)),
        "label": ", ".join(said),
        "figures": "" if plain else figures,
        "exceptions": "" if plain else exceptions,
        "waiting": "" if plain else waiting,
        "url": View(node.name, 1 if node.name != view.table else view.depth, view.direction).query(),
    }


def _rows(rows: int | None) -> str:
    return f"{count(rows)} row" if rows == 1 else f"{count(rows)} rows"


def _height(texts: dict[str, str]) -> float:
    lines = 1 + bool(texts["figures"]) + bool(texts["exceptions"] or texts["waiting"])
    return 10.0 + lines * LINE


def _edge_css(kind: str, source: str, target: str, view: View) -> str:
    touches = view.table in (source, target)
    return " ".join([*([kind] if kind != "data" else []), *(["near"] if touches else [])])


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
