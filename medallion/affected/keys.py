"""The rows that a change of one input may touch, as SELECTs that give the query's grain.

A row of the query before its groups is made of one row of each input, or of NULLs where an outer join finds none. It is
there now and was not before, or the other way round, only if one of its rows changed. So with one input replaced by its
changed rows, old and new, and every other by what it has now and had before, the joins give the key of every row that
may differ, and of some that do not. Where an outer join is involved, the row without a partner comes or goes as well:
it has the same rows of the other side, joined to the changed ones, but NULLs in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from medallion.affected.expressions import alias_of, name_of
from medallion.affected.shape import (
    Body,
    Constant,
    Derived,
    Joined,
    Leaf,
    Relation,
    Select,
    Union,
    Whole,
    leaves,
    output_names,
)
from medallion.naming import ident

#: More would be planned longer than they save.
MOST_BRANCHES = 64


#: The columns that are asked for of each relation of a SELECT.
Columns = dict[str, list[str]]
Rows = Callable[[Leaf, list[str]], str]


@dataclass(frozen=True)
class Names:
    """What the inputs are called, as items of FROM without an alias: their changed rows; some columns of what they have
    and had; and of one row of NULLs."""

    changed: Rows
    present: Rows
    none: Rows


@dataclass(frozen=True)
class _Way:
    """One way in which the rows of a SELECT come about. called: what each relation is called from here on."""

    sources: tuple[str, ...]
    conditions: tuple[str, ...]
    called: Mapping[str, str]
    focused: bool


def touched(body: Body, grain: Collection[str], focus: Leaf, names: Names) -> list[str]:
    """The SELECTs whose rows are the keys that a change of `focus` may touch."""
    branches = _Candidates(names, focus).of(body, {name: name for name in grain})
    if len(branches) > MOST_BRANCHES:
        raise Whole("it has too many outer joins to ask each way in which a row comes about")
    return branches


class _Candidates:
    def __init__(self, names: Names, focus: Leaf | None) -> None:
        self._names, self.focus = names, focus

    def of(self, body: Body, wanted: Mapping[str, str]) -> list[str]:
        """SELECTs of the wanted columns (name to give → output) of rows that may differ; of all rows without a
        focus."""
        if isinstance(body, Union):
            sides = dict(zip(output_names(body.left), output_names(body.right), strict=True))
            right = {name: sides[output] for name, output in wanted.items()}
            return [
                *(self.of(body.left, wanted) if self._is_in(body.left) else ()),
                *(self.of(body.right, right) if self._is_in(body.right) else ()),
            ]
        return list(self._select(body, wanted))

    def _is_in(self, body: Body) -> bool:
        return self.focus is None or any(leaf is self.focus for leaf in leaves(body))

    def _select(self, select: Select, wanted: Mapping[str, str]) -> Iterator[str]:
        outputs = [select.outputs[output] for output in wanted.values()]
        where = [condition for condition in select.where if select.knows(condition)]
        ways = self._ways(select, [*outputs, *where])
        for way in ways:
            if not way.focused:
                continue
            columns = [
                f"{_sql(expression, way.called)} AS {ident(name)}"
                for name, expression in zip(wanted, outputs, strict=True)
            ]
            conditions = [*way.conditions, *(f"({_sql(condition, way.called)})" for condition in where)]
            kept = f" WHERE {' AND '.join(conditions)}" if conditions else ""
            yield f"SELECT {', '.join(columns)} FROM {', '.join(way.sources)}{kept}"  # noqa: S608 - of quoted names

    def _ways(self, select: Select, used: list[exp.Expr]) -> list[_Way]:
        chain = self._needed(select, used)
        columns = _columns([*used, *(condition for _, on in chain for condition in on)])
        ways = [self.start()]
        for place, (joined, on) in enumerate(chain):
            read = _columns([*used, *(condition for _, later in chain[place + 1 :] for condition in later)])
            if place == 0:
                ways = [self.with_relation(ways[0], joined, columns)]
            else:
                before = [j for j, _ in chain[:place]]
                ways = list(_Join(self, joined, on, before, set(read), columns).of(ways))
            if len(ways) > MOST_BRANCHES:
                raise Whole("it has too many outer joins to ask each way in which a row comes about")
        return ways

    def _needed(self, select: Select, used: list[exp.Expr]) -> list[tuple[Joined, list[exp.Expr]]]:
        """The relations with their conditions, without those that a LEFT JOIN only adds to the values: no row comes or
        goes with them."""
        read, chain = set(_columns(used)), []
        for joined in reversed(select.joined):
            if joined.side == "LEFT" and joined.alias not in read and not self.has_focus(joined.relation):
                continue
            on = [condition for condition in joined.on if select.knows(condition)]
            read |= set(_columns(on))
            chain.append((joined, on))
        return chain[::-1]

    def with_relation(self, way: _Way, joined: Joined, columns: Columns) -> _Way:
        """A way with one more relation, not yet joined."""
        source = f"{self._source(joined, columns)} AS {ident(joined.alias)}"
        called = {**way.called, joined.alias: joined.alias}
        return _Way((*way.sources, source), way.conditions, called, way.focused or self.has_focus(joined.relation))

    def start(self) -> _Way:
        """A way without rows yet."""
        return _Way((), (), {}, self.focus is None)

    def has_focus(self, relation: Relation) -> bool:
        """Whether a relation is made of the changed rows."""
        if isinstance(relation, Derived):
            return self.focus is not None and self._is_in(relation.body)
        return relation is self.focus

    def _source(self, joined: Joined, columns: Columns) -> str:
        relation = joined.relation
        if isinstance(relation, Leaf):
            rows = self._names.changed if relation is self.focus else self._names.present
            return rows(relation, columns.get(joined.alias, sorted(relation.columns)))
        if isinstance(relation, Constant):
            return _constant(relation)
        candidates = self if self.has_focus(relation) else _Candidates(self._names, None)
        branches = candidates.of(relation.body, {name: name for name in relation.body.known_outputs()})
        return f"({' UNION ALL '.join(branches)})"

    def nothing(self, joined: Joined, columns: Columns) -> str:
        """One row of NULLs in the place of a relation."""
        relation = joined.relation
        if isinstance(relation, Leaf):
            return self._names.none(relation, columns[joined.alias])
        rows = _Candidates(self._names, None)._source(joined, columns)
        return nothing(f"{rows} AS n", columns[joined.alias])


@dataclass(frozen=True)
class _Join:
    """One more relation for the ways of a SELECT. read: the tables that what follows asks for."""

    candidates: _Candidates
    joined: Joined
    on: list[exp.Expr]
    before: list[Joined]
    read: set[str]
    columns: Columns

    def of(self, ways: list[_Way]) -> Iterator[_Way]:
        """The ways with the relation, and those without a partner in it or for it."""
        here = self.candidates.has_focus(self.joined.relation)
        in_left = any(self.candidates.has_focus(joined.relation) for joined in self.before)
        right_may_lack, left_may_lack = self.joined.side in ("LEFT", "FULL"), self.joined.side in ("RIGHT", "FULL")
        for way in ways:
            both = self.candidates.with_relation(way, self.joined, self.columns)
            conditions = (*both.conditions, *(f"({_sql(condition, both.called)})" for condition in self.on))
            met = replace(both, conditions=conditions)
            yield met
            if right_may_lack:
                yield from self._lost(met, [self.joined]) if here else [self._lacking(way, [self.joined])]
            if left_may_lack and in_left:
                yield from self._lost(met, self.before)
        if left_may_lack and not in_left:
            alone = self.candidates.with_relation(self.candidates.start(), self.joined, self.columns)
            yield self._lacking(alone, self.before)

    def _lost(self, way: _Way, lacking: list[Joined]) -> Iterator[_Way]:
        """The rows that came or went because others found, or lost, their partner."""
        lost = self._lacking(way, lacking)
        if lost != way:
            yield lost

    def _lacking(self, way: _Way, lacking: list[Joined]) -> _Way:
        """The same rows with NULLs in the place of some relations, where anybody asks for these."""
        for joined in lacking:
            name = joined.alias + " lacking"
            if joined.alias not in self.read or way.called.get(joined.alias) == name:
                continue
            source = f"{self.candidates.nothing(joined, self.columns)} AS {ident(name)}"
            way = replace(way, sources=(*way.sources, source), called={**way.called, joined.alias: name})
        return way


def nothing(rows: str, columns: Collection[str]) -> str:
    """One row of NULLs with the types of some rows (with alias n)."""
    names = ", ".join(f"n.{ident(column)}" for column in columns)
    return f"(SELECT {names} FROM (VALUES (1)) AS one (one) LEFT JOIN {rows} ON false)"  # noqa: S608 - of quoted names


def _columns(expressions: list[exp.Expr]) -> Columns:
    """The columns that are asked for, by the names of their tables."""
    found: dict[str, set[str]] = {}
    for expression in expressions:
        for column in expression.find_all(exp.Column):
            found.setdefault(alias_of(column), set()).add(name_of(column))
    return {alias: sorted(names) for alias, names in found.items()}


def _constant(relation: Constant) -> str:
    rows = ", ".join(row.sql(dialect="postgres") for row in relation.node.expressions)
    columns = ", ".join(ident(name) for name in relation.names)
    return f"(SELECT * FROM (VALUES {rows}) AS v ({columns}))"  # noqa: S608 - of quoted names


def _sql(expression: exp.Expr, called: Mapping[str, str]) -> str:
    """An expression with the relations as they are called there."""
    renamed = expression.copy()
    for column in renamed.find_all(exp.Column):
        column.set("table", exp.to_identifier(called[alias_of(column)], quoted=True))
        column.set("this", exp.to_identifier(name_of(column), quoted=True))
    return renamed.sql(dialect="postgres")
