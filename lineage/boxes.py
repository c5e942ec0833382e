"""What stands in a box of the graph: a name, figures, what is wrong; each a link to where one learns more of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from lineage.facts import TableFacts
from lineage.graph import GraphNode
from lineage.templatetags.assay import ago, count, duration, percent
from lineage.viewing import View

TITLES = {"source": "Sources", "bronze": "Bronze", "silver": "Silver", "gold": "Gold", "consumer": "Consumers"}
TONES = {"failed": "bad", "running": "busy"}
LONGEST_NAME = 30


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line. `label`: what a screen reader says instead; `url`: where it leads, "" if nowhere."""

    text: str
    url: str = ""
    label: str = ""
    css: str = ""


@dataclass(slots=True)
class BoxText:
    """What a box says. `label` is all of it for a screen reader; `url` leads to the view of its click."""

    title: str
    label: str
    css: str
    url: str
    lines: list[list[Part]] = field(default_factory=list)
    more: list[Part] = field(default_factory=list)

    @property
    def longest(self) -> int:
        """The letters of its longest line but the first."""
        return max((sum(len(part.text) + 3 for part in line) - 3 for line in self.lines), default=0)


def describe(node: GraphNode, view: View, *, plain: bool) -> BoxText:
    """The text of a node's box; of a plain one the name alone."""
    if node.members:
        box = _group(node, view)
        box.lines = [] if plain else box.lines
        return box
    facts = node.facts
    css = [node.layer]
    css += ["bad"] if facts and facts.trouble else []
    css += ["behind"] if node.upstream_trouble else []
    css += ["here"] if node.name == view.table else []
    said = _said_briefly(node) if plain else _said(node)
    url = view.query(table=node.name, depth=1 if node.name != view.table else view.depth, more=(), opened=(), shape="")
    box = BoxText(_cut(node.label), ", ".join(said), " ".join(css), url)
    if not plain:
        box.lines = [line for line in _lines(node) if line]
        box.more = list(_more(node, view))
    return box


def _said_briefly(node: GraphNode) -> list[str]:
    """Of one box among hundreds: what is wrong. The page of all of them would be twice as large with the rest."""
    said = [node.name]
    said += [node.facts.trouble] if node.facts and node.facts.trouble else []
    return said + (["trouble upstream"] if node.upstream_trouble else [])


def _said(node: GraphNode) -> list[str]:
    said = [node.name, node.facts.kind if node.facts else TITLES[node.layer].rstrip("s").lower()]
    said += _figures(node.facts) if node.facts else []
    if node.upstream_trouble:
        said.append(f"trouble upstream: {node.upstream_trouble.table}, {node.upstream_trouble.what}")
    return said


def _figures(facts: TableFacts) -> list[str]:
    if facts.last_load is None and facts.state is None:
        return ["never loaded"]
    said = [f"{_rows(facts.rows)}, {ago(facts.last_load)}"] if facts.last_load else ["never loaded"]
    said.append(f"last run {facts.status}" if facts.took is None else f"{facts.status} in {duration(facts.took)}")
    said += [f"{facts.waiting_batches:,} batches waiting"] if facts.waiting_batches else []
    said += [facts.trouble] if facts.trouble else []
    return said


def _lines(node: GraphNode) -> list[list[Part]]:
    facts, name = node.facts, node.name
    if facts is None:
        return [_upstream(node)]
    table = _page("table", name)
    loaded = [Part(_rows(facts.rows), table, f"{_rows(facts.rows)} in {name}"),
              Part(ago(facts.last_load), f"{table}#loads", f"{name} was loaded {ago(facts.last_load)}")]  # fmt: skip
    run = _page("run", facts.last_run) if facts.last_run else ""
    took = f"{facts.status}, {duration(facts.took)}" if facts.took is not None else facts.status
    ran = [Part(took, run, f"Last run of {name}: {took}", TONES.get(facts.status, ""))] if facts.state else []
    if not facts.state and facts.last_run:
        ran = [Part(duration(facts.took), run, f"Last run of {name}: {duration(facts.took)}")]
    if facts.accepted is not None:
        good = percent(facts.accepted)
        ran.append(Part(f"{good} good", _page("gate", name), f"{good} of the rows of the last load of {name} are good"))
    return [loaded if facts.last_load else [Part("never loaded", table)], ran, _marks(facts), _upstream(node)]


def _marks(facts: TableFacts) -> list[Part]:
    name, marks = facts.target, []
    if facts.open_exceptions:
        rows = _page("exception_rows", target=name)
        said = f"{count(facts.open_exceptions)} open"
        marks.append(Part(f"◆ {said}", rows, f"{said} exceptions of {name}", "bad"))
    if checks := facts.failing_checks:
        said = f"{checks} check{'s' if checks > 1 else ''}"
        marks.append(Part(f"✕ {said}", _page("gate", name), f"{said} of {name} do not hold", "bad"))
    if facts.is_overdue:
        marks.append(Part("overdue", f"{_page('table', name)}#loads", f"{name} is overdue", "bad"))
    if facts.waiting_batches:
        said = f"{count(facts.waiting_batches)} waiting"
        marks.append(Part(f"○ {said}", _page("watermarks"), f"{said} batches for {name}", "wait"))
    if facts.needs_rebuild:
        marks.append(Part("rebuild", _page("table", name), f"{name} needs a rebuild", "wait"))
    return marks


def _upstream(node: GraphNode) -> list[Part]:
    trouble = node.upstream_trouble
    if trouble is None:
        return []
    address = f"?{View(table=trouble.table, depth=1).query()}"
    label = f"Trouble upstream of {node.name}: {trouble.table}, {trouble.what}"
    return [Part(f"▲ {_cut(trouble.table)}", address, label, "wait")]


def _more(node: GraphNode, view: View) -> list[Part]:
    """Links that bring the neighbours in that are not shown."""
    if not view.table:
        return []
    url = f"?{view.expanded(node.name)}"
    found = []
    if node.hidden_up:
        found.append(Part(f"‹ {count(node.hidden_up)}", url, f"Show {node.hidden_up:,} more that feed {node.name}"))
    if node.hidden_down:
        found.append(
            Part(f"{count(node.hidden_down)} ›", url, f"Show {node.hidden_down:,} more that {node.name} feeds")
        )
    return found


def _group(node: GraphNode, view: View) -> BoxText:
    facts = [member.facts for member in node.members if member.facts]
    number = f"{len(node.members):,} {'tables' if facts else TITLES[node.layer].lower()}"
    title = _cut(facts[0].warehouse) if facts else number
    rows = [row.rows for row in facts if row.rows is not None]
    lines = [[Part(number), Part(_rows(sum(rows)))] if rows else [Part(number)]] if facts else []
    failed, behind = (sum(row.status == "failed" for row in facts), sum(row.freshness == "behind" for row in facts))
    overdue, opened = (sum(row.is_overdue for row in facts), sum(row.open_exceptions for row in facts))
    wrong = [Part(f"{failed} failed", css="bad")] if failed else []
    wrong += [Part(f"{overdue} overdue", css="bad")] if overdue else []
    wrong += [Part(f"{behind} behind", css="wait")] if behind else []
    lines += [wrong] if wrong else []
    lines += [[Part(f"◆ {count(opened)} open", css="bad")]] if opened else []
    said = ", ".join([f"{TITLES[node.layer]}, {title}", *(part.text for line in lines for part in line)])
    css = f"group {node.layer}{' bad' if failed or overdue or opened else ''}"
    return BoxText(title, f"{said}: show them", css, view.with_group(node.name), lines)


def _page(name: str, *args: object, **query: str) -> str:
    """The address of a page; "" where none of that name is mounted."""
    try:
        address = reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""
    return f"{address}?{urlencode(query)}" if query else address


def _rows(rows: int | None) -> str:
    return f"{count(rows)} row" if rows == 1 else f"{count(rows)} rows"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"
