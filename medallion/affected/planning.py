"""A gold query as what a load by keys asks: what changed in its inputs, which keys that touches, what they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from medallion.affected.expressions import name_of
from medallion.affected.keys import Names, nothing, touched
from medallion.affected.pins import covers, pinned
from medallion.affected.shape import Leaf, Whole, leaves, read
from medallion.affected.sums import Places, Sums, sums
from medallion.naming import ident
from medallion.query import Query

NOT_NARROWED = "its keys lead to no table that could be narrowed to them"


@dataclass(frozen=True)
class Delta:
    """The changed rows of an input, netted: `name` is a temporary table with `columns` and `_change`, how many of the
    row came (positive) or went. where: the condition of the rows that the query sees, or empty."""

    name: str
    table: str
    columns: tuple[str, ...]
    where: str


@dataclass(frozen=True)
class Plan:
    """What a load by keys asks. touched: for each delta, in order, SELECTs that give the grain. narrowed: the query for
    the keys in pg_temp.touched, and some rows of other keys; narrows: whether it looks at less than all rows. behind:
    for each table that is narrowed, its name and, as what follows FROM, its rows of these keys. sums: how the groups
    are kept by arithmetic, where they can be."""

    deltas: tuple[Delta, ...]
    touched: tuple[tuple[str, ...], ...]
    narrowed: str
    narrows: bool
    behind: tuple[tuple[str, str], ...]
    sums: Sums | None


def plan(query: Query, grain: list[str], surrogates: Mapping[str, str]) -> Plan:
    """The plan of a query; `Whole` where its keys are not followed. surrogates: of dimensions, by their tables."""
    lookups = list(query.lookups(surrogates))
    body = read(query.tree, lookups)
    for name in grain:
        if name not in body.known_outputs():
            raise Whole(f"its key {name} is not made of columns alone")
    pins = pinned(body, grain)
    places = list(leaves(body))
    deltas = _deltas(query, places, surrogates)
    standing = {leaf: deltas[_kind(leaf)].where for leaf in places}
    narrowed = {leaf: _narrowed(standing[leaf], columns) for leaf, columns in pins.items()}
    kept = sums(body, grain, Places({leaf: deltas[_kind(leaf)].name for leaf in places}, standing, narrowed))
    narrows = covers(body, pins)
    if not narrows and kept is None:
        raise Whole(NOT_NARROWED)
    names = _names(deltas)
    asked = {
        delta: tuple(branch for leaf in places if _kind(leaf) == kind for branch in touched(body, grain, leaf, names))
        for kind, delta in deltas.items()
    }
    conditions = {id(leaf.node): condition for leaf, condition in {**standing, **narrowed}.items() if condition}
    return Plan(
        tuple(deltas.values()),
        tuple(asked[delta] for delta in deltas.values()),
        query.with_tables(conditions),
        narrows,
        tuple((leaf.table, _behind(leaf, condition)) for leaf, condition in narrowed.items()),
        kept,
    )


def _narrowed(standing: str, columns: Mapping[str, str]) -> str:
    """The condition of the rows of a table that have touched keys."""
    one, keys = ", ".join(columns.values()), ", ".join(ident(key) for key in columns)
    narrow = f"({one}) IN (SELECT {keys} FROM pg_temp.touched)"  # noqa: S608 - of quoted names
    return f"{standing} AND {narrow}" if standing else narrow


def _behind(leaf: Leaf, condition: str) -> str:
    alias = leaf.node.args.get("alias")
    called = name_of(alias.this) if alias is not None else name_of(leaf.node.this)
    return f"{ident(*leaf.table.split('.'))} AS {ident(called)} WHERE {condition}"


Kind = tuple[str, bool]


def _kind(leaf: Leaf) -> Kind:
    return leaf.table, leaf.looked_up


def _deltas(query: Query, places: list[Leaf], surrogates: Mapping[str, str]) -> dict[Kind, Delta]:
    columns: dict[Kind, set[str]] = {}
    where: dict[Kind, str] = {}
    for leaf in places:
        columns.setdefault(_kind(leaf), set()).update(leaf.columns)
        where[_kind(leaf)] = query.standing(leaf.node, surrogates) if leaf.looked_up else ""
        if not columns[_kind(leaf)]:
            raise Whole(f"it reads no column of {leaf.table}")
    return {
        kind: Delta(f"delta_{number}", kind[0], tuple(sorted(read)), where[kind])
        for number, (kind, read) in enumerate(columns.items(), 1)
    }


def _names(deltas: Mapping[Kind, Delta]) -> Names:
    def present(leaf: Leaf, columns: list[str]) -> str:
        delta, names = deltas[_kind(leaf)], ", ".join(map(ident, columns))
        table, where = ident(*delta.table.split(".")), f" WHERE {delta.where}" if delta.where else ""
        gone = f"SELECT {names} FROM pg_temp.{delta.name} WHERE _change < 0"  # noqa: S608 - of quoted names
        return f"(SELECT {names} FROM {table}{where} UNION ALL {gone})"  # noqa: S608 - of quoted names

    def none(leaf: Leaf, columns: list[str]) -> str:
        return nothing(f"{ident(*leaf.table.split('.'))} AS n", columns)

    return Names(lambda leaf, columns: f"pg_temp.{deltas[_kind(leaf)].name}", present, none)
