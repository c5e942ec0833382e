"""Counts and sums that are kept by arithmetic: a group's change is what its changed rows add and take away.

The joined rows before the groups are a product of the tables. With signed multiplicities (+1 a row that came, −1 one
that went) their change is a sum over the tables: the changed rows of one, joined to the others, of which those before
it stand as they are now and those after it as they were. Rows as they were are those of now, less the change. An outer
join is no product of the table whose rows may lack, so that table must not have changed; of the other side's it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from medallion.affected.expressions import alias_of, is_plain, name_of
from medallion.affected.shape import Body, Constant, Leaf, Select
from medallion.naming import ident

#: What may be made of sums and counts: the same for equal numbers, however many zeros are written after their points.
_EXACT: tuple[type[exp.Expr], ...] = (
    exp.Abs, exp.Add, exp.Cast, exp.Coalesce, exp.Column, exp.DataType, exp.DataTypeParam, exp.Identifier, exp.Literal,
    exp.Mul, exp.Neg, exp.Nullif, exp.Null, exp.Paren, exp.Round, exp.Sub, exp.Var,
)  # fmt: skip
_NUMBERS = (exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT, exp.DType.DECIMAL)
#: What cannot fail, whichever rows meet.
_HARMLESS = (exp.Column, exp.Identifier, exp.Literal, exp.Coalesce, exp.Case, exp.If, exp.Is, exp.Null, exp.Not,
             exp.Paren, exp.And, exp.Or, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.Boolean,
             exp.NullSafeEQ, exp.NullSafeNEQ, exp.In)  # fmt: skip


@dataclass(frozen=True)
class Sums:
    """How a table's groups are kept. counted: how many values are counted, `_value_1` and so on of the rows; summed:
    which of them are added up as well. rows, narrowed: SELECTs of the grain and these values, of all rows and of the
    keys in pg_temp.touched. changed: the same with `_many`, of the rows that each delta (by its name) adds and takes
    away. still: deltas that must be empty. alone: only one may have rows. outputs: the columns of a group s."""

    counted: int
    summed: tuple[int, ...]
    rows: str
    narrowed: str
    changed: tuple[tuple[str, str], ...]
    still: tuple[str, ...]
    alone: bool
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Places:
    """How the tables of a query are read. delta: the name of each leaf's changed rows; standing: the condition of the
    rows that the query sees, or empty; narrowed: that of the rows of touched keys, where there is one."""

    delta: Mapping[Leaf, str]
    standing: Mapping[Leaf, str]
    narrowed: Mapping[Leaf, str]


def sums(body: Body, grain: list[str], places: Places) -> Sums | None:
    """How a query's groups are kept by arithmetic; None where they are not."""
    if not isinstance(body, Select) or not _is_simple(body) or not _has_groups(body, grain):
        return None
    values = _Values()
    outputs: dict[str, str] = {}
    for name, expression in body.outputs.items():
        output = f"s.{ident(name)}" if name in grain else values.read(expression)
        if output is None:
            return None
        outputs[name] = output
    if not all(map(is_plain, values.found)):
        return None
    expressions = [*(body.outputs[name] for name in grain), *values.found]
    rows = _Rows(body, dict(zip([*grain, *values.names()], expressions, strict=True)), places)
    return rows.sums(len(values.found), tuple(sorted(values.summed)), outputs, [*expressions, *_conditions(body)])


def _is_simple(select: Select) -> bool:
    """Tables joined by plain conditions, so that what is written again asks what the author's query asks."""
    relations = all(isinstance(joined.relation, Leaf | Constant) for joined in select.joined)
    sides = all(joined.side in ("", "LEFT") for joined in select.joined)
    return relations and sides and not select.chosen and all(map(is_plain, _conditions(select)))


def _conditions(select: Select) -> list[exp.Expr]:
    return [*select.where, *(condition for joined in select.joined for condition in joined.on)]


def _has_groups(select: Select, grain: list[str]) -> bool:
    """Whether its groups are its grain, and nothing else."""
    if select.grouped is None:
        return False
    keys = [select.outputs[name] for name in grain]
    constant = [key for key in keys if isinstance(key, exp.Literal)]
    return all(map(is_plain, keys)) and all(group in keys for group in select.grouped) and all(
        key in select.grouped or key in constant for key in keys
    )  # fmt: skip


class _Values:
    """The values that a query counts and sums."""

    def __init__(self) -> None:
        self.found: list[exp.Expr] = []
        self.summed: set[int] = set()

    def names(self) -> list[str]:
        return [f"_value_{number}" for number, _ in enumerate(self.found, 1)]

    def read(self, output: exp.Expr) -> str | None:
        """An output as SQL over a group s of the kept numbers; None where it is no exact number made of them."""
        made, kept = exp.Paren(this=output.copy()), []
        for aggregate in list(made.find_all(exp.AggFunc)):
            whole = aggregate.parent if isinstance(aggregate.parent, exp.Filter) else aggregate
            name = self._kept(aggregate, whole)
            if name is None:
                return None
            kept.append(exp.column(name, "s"))
            whole.replace(kept[-1])
        for node in made.walk():
            if not isinstance(node, _EXACT) or (isinstance(node, exp.Cast) and node.to.this not in _NUMBERS):
                return None
            if isinstance(node, exp.Column) and not any(node is column for column in kept):
                return None
        for column in kept:
            if column.name.startswith("_sum_"):
                column.replace(_or_null(column))
        return str(made.this.sql(dialect="postgres"))

    def _kept(self, aggregate: exp.AggFunc, whole: exp.Expr) -> str | None:
        """The name of the number that is kept for an aggregate."""
        value = aggregate.this
        if not isinstance(aggregate, exp.Count | exp.Sum) or aggregate.find(exp.Distinct, exp.Order):
            return None
        if isinstance(whole, exp.Filter):
            one = exp.Literal.number(1) if isinstance(value, exp.Star) else value
            value = exp.Case(ifs=[exp.If(this=whole.expression.this.copy(), true=one.copy())])
        elif isinstance(value, exp.Star):
            return "_rows"
        if value not in self.found:
            self.found.append(value.copy())
        number = self.found.index(value) + 1
        if isinstance(aggregate, exp.Count):
            return f"_filled_{number}"
        self.summed.add(number)
        return f"_sum_{number}"


def _or_null(column: exp.Column) -> exp.Case:
    """A kept sum; of no values it is NULL."""
    filled = exp.column(column.name.replace("_sum_", "_filled_"), "s")
    some = exp.GT(this=filled, expression=exp.Literal.number(0))
    return exp.Case(ifs=[exp.If(this=some, true=column.copy())])


@dataclass(frozen=True)
class _Rows:
    """The rows before their groups. wanted: what is selected of them."""

    select: Select
    wanted: Mapping[str, exp.Expr]
    places: Places

    def sums(
        self, counted: int, summed: tuple[int, ...], outputs: Mapping[str, str], used: list[exp.Expr]
    ) -> Sums | None:
        tables = [joined for joined in self.select.joined if isinstance(joined.relation, Leaf)]
        still = {self._delta(joined.relation) for joined in tables if joined.side == "LEFT"}
        moving = [number for number, joined in enumerate(self.select.joined)
                  if isinstance(joined.relation, Leaf) and joined.side == ""]  # fmt: skip
        named = [self._delta(self.select.joined[number].relation) for number in moving]
        alone = any(_may_fail(expression) for expression in used)
        if alone and len(set(named)) < len(named):
            return None
        changed = tuple(
            (delta, self._text(self._changed(number)))
            for number, delta in zip(moving, named, strict=True)
            if delta not in still
        )
        return Sums(
            counted, summed, self._text(self._present()), self._text(self._narrowed()), changed, tuple(sorted(still)),
            alone, outputs,
        )  # fmt: skip

    def _delta(self, relation: object) -> str:
        return self.places.delta[relation]  # type: ignore[index]

    def _text(self, sources: list[tuple[str, bool]]) -> str:
        """A SELECT of what is wanted. sources: of each relation, its rows and whether they have a `_many`."""
        columns = [f"{_sql(expression)} AS {ident(name)}" for name, expression in self.wanted.items()]
        many = [f"{ident(j.alias)}._many" for j, (_, has) in zip(self.select.joined, sources, strict=True) if has]
        columns += [f"{' * '.join(many)} AS _many"] if many else []
        text = f"SELECT {', '.join(columns)}\nFROM {sources[0][0]}"
        for joined, (source, _) in list(zip(self.select.joined, sources, strict=True))[1:]:
            on = " AND ".join(f"({_sql(condition)})" for condition in joined.on)
            text += f"\n{f'{joined.side} JOIN'.strip()} {source} ON {on}" if on else f"\nCROSS JOIN {source}"
        where = " AND ".join(f"({_sql(condition)})" for condition in self.select.where)
        return f"{text}\nWHERE {where}" if where else text

    def _present(self) -> list[tuple[str, bool]]:
        return [(self._now(number), False) for number, _ in enumerate(self.select.joined)]

    def _narrowed(self) -> list[tuple[str, bool]]:
        return [(self._of_touched(j.relation, number, j.alias), False) for number, j in enumerate(self.select.joined)]

    def _of_touched(self, relation: object, number: int, alias: str) -> str:
        condition = self.places.narrowed.get(relation) if isinstance(relation, Leaf) else None
        if condition is None or not isinstance(relation, Leaf):
            return self._now(number)
        called = ident(alias)
        return f"(SELECT * FROM {_table(relation)} AS {called} WHERE {condition}) AS {called}"  # noqa: S608 - quoted

    def _changed(self, focus: int) -> list[tuple[str, bool]]:
        """The changed rows of one table, with those before it as they are and those after it as they were."""
        sources = []
        for number, joined in enumerate(self.select.joined):
            relation, called = joined.relation, ident(joined.alias)
            if not isinstance(relation, Leaf) or number < focus or joined.side == "LEFT":
                sources.append((self._now(number), False))
                continue
            names = ", ".join(map(ident, sorted(relation.columns)))
            delta = f"pg_temp.{self._delta(relation)}"
            if number == focus:
                rows = f"SELECT {names}, _change::numeric AS _many FROM {delta}"  # noqa: S608 - of quoted names
            else:
                where = self.places.standing[relation]
                rows = (
                    f"SELECT {names}, 1::numeric AS _many FROM {_table(relation)}"  # noqa: S608 - of quoted names
                    f"{f' WHERE {where}' if where else ''} UNION ALL SELECT {names}, -_change FROM {delta}"
                )
            sources.append((f"({rows}) AS {called}", True))
        return sources

    def _now(self, number: int) -> str:
        joined = self.select.joined[number]
        relation, called = joined.relation, ident(joined.alias)
        if isinstance(relation, Leaf):
            where = self.places.standing[relation]
            rows = f"(SELECT * FROM {_table(relation)} WHERE {where})" if where else _table(relation)  # noqa: S608
            return f"{rows} AS {called}"
        if isinstance(relation, Constant):
            names = ", ".join(map(ident, relation.names))
            return f"({', '.join(_values(relation))}) AS {called} ({names})"
        raise TypeError(f"{joined.alias} is no table.")


def _values(relation: Constant) -> Iterator[str]:
    for number, row in enumerate(relation.node.expressions):
        yield ("VALUES " if number == 0 else "") + row.sql(dialect="postgres")


def _table(leaf: Leaf) -> str:
    return ident(*leaf.table.split("."))


def _may_fail(expression: exp.Expr) -> bool:
    """Whether rows of two tables that never met could make an expression fail: a division, a cast, a large product."""
    aliases = {alias_of(column) for column in expression.find_all(exp.Column)}
    return len(aliases) > 1 and not all(isinstance(node, _HARMLESS) for node in expression.walk())


def _sql(expression: exp.Expr) -> str:
    written = expression.copy()
    for column in written.find_all(exp.Column):
        column.set("table", exp.to_identifier(alias_of(column), quoted=True))
        column.set("this", exp.to_identifier(name_of(column), quoted=True))
    return written.sql(dialect="postgres")
