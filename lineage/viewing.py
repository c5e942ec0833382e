"""What part of the graph is looked at, and how. The URL holds all of it, so a view can be kept and sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

from django.http import QueryDict

from lineage.facts import FRESHNESS, STATUSES

LAYERS = ("source", "bronze", "silver", "gold", "consumer")
DIRECTIONS = ("both", "upstream", "downstream")
SHAPES = ("picture", "groups", "list")
DEFAULT_DEPTH, MAX_DEPTH = 2, 999
MOST_NAMES = 200
"""So many tables can be expanded in one view; more make no URL."""


@dataclass(frozen=True, slots=True)
class View:
    """A view of the graph. Without a table: all of it.

    `more`: tables whose neighbours are shown as well; `opened`: groups whose tables are shown one by one where the rest
    is collapsed. `shape`: "" is the picture where it is small enough, else groups. `start`: the list's first row.
    """

    table: str = ""
    depth: int = DEFAULT_DEPTH
    direction: str = "both"
    more: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    layer: str = ""
    status: str = ""
    freshness: str = ""
    exceptions: bool = False
    shape: str = ""
    start: int = 0

    @classmethod
    def from_query(cls, query: QueryDict) -> View:
        """Read a URL's parameters; what makes no sense counts as absent, as a page should not fail over a typo."""
        return cls(
            table=_plain(query.get("table", "")),
            depth=min(max(_number(query.get("depth"), DEFAULT_DEPTH), 1), MAX_DEPTH),
            direction=_one_of(DIRECTIONS, query.get("direction"), "both"),
            more=_names(query.getlist("more")),
            opened=_names(query.getlist("open")),
            layer=_one_of(LAYERS, query.get("layer"), ""),
            status=_one_of(STATUSES, query.get("status"), ""),
            freshness=_one_of(FRESHNESS, query.get("freshness"), ""),
            exceptions=query.get("exceptions") == "open",
            shape=_one_of(SHAPES, query.get("view"), ""),
            start=_number(query.get("start"), 0),
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether filters leave tables out."""
        return bool(self.layer or self.status or self.freshness or self.exceptions)

    def query(self, **changes: object) -> str:
        """The URL's query string for this view, with some of it changed."""
        view = replace(self, **{"start": 0, **changes})  # type: ignore[arg-type]
        pairs = []
        for field in fields(View):
            value = getattr(view, field.name)
            if value == field.default or (field.name in ("depth", "direction") and not view.table):
                continue
            name = {"opened": "open", "shape": "view"}.get(field.name, field.name)
            values = value if isinstance(value, tuple) else ("open",) if value is True else (value,)
            pairs += [(name, one) for one in values]
        return urlencode(pairs)

    def expanded(self, name: str) -> str:
        """The query string of the view with the neighbours of one more table."""
        return self.query(more=tuple(dict.fromkeys((*self.more, name))))

    def with_group(self, group: str) -> str:
        """The query string of the view with one more group opened."""
        return self.query(opened=tuple(dict.fromkeys((*self.opened, group))), shape="groups")


def _plain(text: str) -> str:
    """PostgreSQL's text has no NUL; no table can be named so."""
    return text.strip().replace("\0", "")


def _names(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(plain for text in texts if (plain := _plain(text))))[:MOST_NAMES]


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 8 else otherwise


def _one_of(known: tuple[str, ...], value: str | None, otherwise: str) -> str:
    return value if value in known else otherwise
