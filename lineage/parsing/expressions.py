"""What the value of an SQL expression is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from lineage.parsing.scopes import Scope, Unknown
from lineage.parsing.values import NOTHING, Influence, Relation, Value, union

if TYPE_CHECKING:
    from lineage.parsing.reading import Reading


class Expressions:
    """Follows expressions within one scope. What cannot be followed is reported, and counts as made of nothing."""

    def __init__(self, resolver: Reading, scope: Scope, windows: dict[str, exp.Window] | None = None) -> None:
        self.resolver = resolver
        self.scope = scope
        self.windows = windows or {}
        self._special: dict[type[exp.Expr], Callable[..., Value]] = {
            exp.Column: self._column,
            exp.Window: self._window,
            exp.Filter: self._filter,
            exp.Case: self._case,
            exp.If: self._if,
            exp.Count: self._count,
            exp.Exists: self._exists,
            exp.In: self._in,
            exp.Order: self._order,
            exp.Dot: self._dot,
            exp.Kwarg: lambda node: self.value(node.expression),
            exp.PropertyEQ: lambda node: self.value(node.expression),
            exp.Cast: lambda node: self.value(node.this),
            exp.DataType: lambda node: NOTHING,
            exp.Identifier: lambda node: NOTHING,
            exp.Anonymous: self._anonymous,
        }

    def value(self, node: exp.Expr | None) -> Value:
        """What a node of an expression is made of."""
        if node is None:
            return NOTHING
        special = self._special.get(type(node))
        if special is not None:
            return special(node)
        if isinstance(node, exp.Query):
            return self._query(node)
        return union(self.value(child) for child in node.iter_expressions())

    def condition(self, node: exp.Expr | None, role: str) -> frozenset[Influence]:
        """What a condition decides with."""
        return self.value(node).decides(role)

    def _column(self, node: exp.Column) -> Value:
        if isinstance(node.this, exp.Star):
            return union(value for _, value in self.resolver.star(self.scope, name_of(node.args.get("table"))))
        table = name_of(node.args.get("table"))
        db = name_of(node.args.get("db"))
        try:
            if db and self.scope.relation(table) is None:  # record.row.field
                return self.scope.column(table, db)
            value = self.scope.column(name_of(node.this), table)
            self.resolver.findings.touched |= value.direct
            return value
        except Unknown as unknown:
            self.resolver.gap(str(unknown))
            return NOTHING

    def _window(self, node: exp.Window) -> Value:
        found = self.value(node.this)
        named = node.args.get("alias")
        window = self.windows.get(name_of(named)) if named is not None else None
        for part in (node, window):
            if part is not None:
                found = found | self._frame(part)
        return found

    def _frame(self, window: exp.Window) -> Value:
        by = union(self.value(one) for one in window.args.get("partition_by") or ())
        order = window.args.get("order")
        ordered = union(self.value(one.this) for one in order.expressions) if order is not None else NOTHING
        # WINDOW a AS (b ORDER BY …) builds on another.
        base = self.windows.get(name_of(window.args.get("first") or window.this)) if window.this is not None else None
        inherited = self._frame(base) if base is not None and base is not window else NOTHING
        return (by | ordered).as_condition("window") | inherited

    def _filter(self, node: exp.Filter) -> Value:
        return self.value(node.this) | self.value(node.expression.this).as_condition("filter")

    def _case(self, node: exp.Case) -> Value:
        asked = self.value(node.this).as_condition("condition")
        return asked | union(self.value(one) for one in node.args["ifs"]) | self.value(node.args.get("default"))

    def _if(self, node: exp.If) -> Value:
        asked = self.value(node.this).as_condition("condition")
        return asked | self.value(node.args.get("true")) | self.value(node.args.get("false"))

    def _count(self, node: exp.Count) -> Value:
        if isinstance(node.this, exp.Star) or node.this is None:
            return self.scope.rows()
        return union(self.value(child) for child in node.iter_expressions())

    def _order(self, node: exp.Order) -> Value:
        """ORDER BY inside an aggregate; of WITHIN GROUP it is the value itself."""
        ordered = union(self.value(one.this) for one in node.expressions)
        if isinstance(node.parent, exp.WithinGroup):
            return ordered
        return self.value(node.this) | ordered.as_condition("sort")

    def _exists(self, node: exp.Exists) -> Value:
        relation = self.resolver.query(node.this, self.scope)
        return Value(relation.rows, relation.influence)

    def _in(self, node: exp.In) -> Value:
        parts = [self.value(node.this), *(self.value(one) for one in node.expressions)]
        return union(parts) | self.value(node.args.get("query")) | self.value(node.args.get("unnest"))

    def _query(self, node: exp.Query) -> Value:
        relation = self.resolver.query(node, self.scope)
        return relation.whole() | Value(frozenset(), relation.influence)

    def _dot(self, node: exp.Dot) -> Value:
        """schema.function(…), (row).field, (row).*"""
        if isinstance(node.expression, exp.Anonymous | exp.Func):
            return self._call(node.expression, name_of(node.this))
        return self.value(node.this)

    def _anonymous(self, node: exp.Anonymous) -> Value:
        return self._call(node, "")

    def _call(self, node: exp.Expr, schema: str) -> Value:
        arguments = union(self.value(child) for child in node.iter_expressions())
        if isinstance(node, exp.Anonymous):
            returned = self.resolver.called(schema, node.name.lower(), list(node.expressions), self)
            if returned is not None:
                return arguments | returned.whole() | Value(frozenset(), returned.influence)
        return arguments


def name_of(node: object) -> str:
    """An identifier as PostgreSQL folds it: lower case, unless it is quoted."""
    if node is None:
        return ""
    if isinstance(node, exp.Column | exp.Table | exp.TableAlias):
        return name_of(node.this)
    if isinstance(node, exp.Identifier):
        return str(node.this) if node.args.get("quoted") else str(node.this).lower()
    if isinstance(node, exp.ColumnDef):
        return name_of(node.this)
    return str(getattr(node, "name", node)).lower()


def text_of(node: exp.Expr) -> str:
    """An expression as SQL, for people."""
    if "text" not in node.meta:
        node.meta["text"] = node.sql(dialect="postgres", normalize_functions="lower", copy=False)
    return str(node.meta["text"])


def output_name(node: exp.Expr) -> str:
    """What PostgreSQL calls a column of a SELECT."""
    if isinstance(node, exp.Alias):
        return name_of(node.args["alias"])
    if isinstance(node, exp.Column):
        return name_of(node.this)
    if isinstance(node, exp.Cast | exp.Paren | exp.Window | exp.Filter | exp.Order | exp.WithinGroup | exp.Collate):
        return output_name(node.this)
    if isinstance(node, exp.Dot):
        if isinstance(node.expression, exp.Identifier):
            return name_of(node.expression)
        return output_name(node.expression)
    if isinstance(node, exp.Subquery | exp.Select):
        selects = node.selects
        return output_name(selects[0]) if selects else "?column?"
    if isinstance(node, exp.Case):
        return "case"
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    if isinstance(node, exp.Func) and not isinstance(node, exp.Connector | exp.Binary):
        return _FUNCTION_NAMES.get(type(node), node.sql_name().lower())
    return "?column?"


_FUNCTION_NAMES: dict[type[exp.Expr], str] = {exp.TimestampTrunc: "date_trunc", exp.CurrentTimestamp: "now"}


def aliases_of(node: exp.Expr) -> tuple[str, list[str]]:
    """The alias of something in FROM, and the names it gives to columns."""
    alias = node.args.get("alias")
    if isinstance(alias, exp.TableAlias):
        return name_of(alias.this), [name_of(column) for column in alias.args.get("columns") or ()]
    return name_of(alias), []


__all__ = ["Expressions", "Relation", "aliases_of", "name_of", "output_name", "text_of"]
