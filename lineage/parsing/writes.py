"""What a statement writes: edges into stored tables; temp tables become relations that later statements read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from sqlglot import exp

from lineage.parsing.expressions import Expressions, aliases_of, name_of, text_of
from lineage.parsing.queries import Resolver
from lineage.parsing.reading import Columns, Within
from lineage.parsing.scopes import Scope
from lineage.parsing.values import NOTHING, ROWS, Influence, Relation, Source, Value


def write(resolver: Resolver, node: exp.Expr, ctes: Mapping[str, Relation] | None = None) -> Relation:
    """Draws the edges of INSERT, UPDATE, DELETE or MERGE; what its RETURNING gives."""
    scope = Within(parent=resolver.outermost(), ctes=dict(ctes or {}))
    scope.ctes = {**scope.ctes, **resolver.members(node, scope, scope.ctes)}
    writer = _Writer(resolver, node, scope)
    if isinstance(node, exp.Insert):
        return writer.insert(node)
    if isinstance(node, exp.Update):
        return writer.update(node)
    if isinstance(node, exp.Delete):
        return writer.delete(node)
    if isinstance(node, exp.Merge):
        return writer.merge(node)
    raise TypeError(f"A {type(node).__name__} writes nothing.")


def make(resolver: Resolver, table: exp.Table, query: Relation, names: list[str], *, is_temporary: bool) -> None:
    """CREATE TABLE AS, CREATE VIEW AS, SELECT INTO."""
    schema, name = name_of(table.args.get("db")), name_of(table.this)
    given = query.renamed(names)
    if is_temporary or schema == "pg_temp":
        resolver.temporary[name] = replace(given, table=None)
        return
    full = resolver.schema.named(schema, name)
    resolver.findings.draw(full, given.columns or (), given.influence)


class _Writer:
    """The target of one statement, and what it is written from."""

    def __init__(self, resolver: Resolver, node: exp.Expr, scope: Within) -> None:
        self.resolver, self.scope = resolver, scope
        table = node.this.this if isinstance(node.this, exp.Schema) else node.this
        self.schema, self.name = name_of(table.args.get("db")), name_of(table.this)
        if self.schema == "pg_temp" and self.name not in resolver.temporary:  # made by the caller
            resolver.temporary[self.name] = resolver.stored(self.schema, self.name)
        self.is_temporary = self.schema in ("", "pg_temp") and self.name in resolver.temporary
        self.full = resolver.schema.named(self.schema, self.name)
        self.alias = name_of(node.args.get("alias")) or aliases_of(table)[0] or self.name
        self.target = resolver.temporary[self.name] if self.is_temporary else resolver.schema.relation(self.full)

    def insert(self, node: exp.Insert) -> Relation:
        names = [name_of(one) for one in node.this.expressions] if isinstance(node.this, exp.Schema) else None
        given = Relation(columns=())
        if isinstance(node.expression, exp.Expr):
            given = self.resolver.query(node.expression, self.scope)
        columns = self._placed([value for _, value in given.columns or ()], names)
        self._draw(columns, given.influence)
        conflict = node.args.get("conflict")
        if conflict is not None and conflict.expressions:
            scope = self._scope({"excluded": Relation(tuple(columns)), self.alias: self.target})
            influence = Expressions(self.resolver, scope).condition(_inside(conflict.args.get("where")), "filter")
            self._draw(self._set(conflict.expressions, scope), influence)
        return self._returned(node, {})

    def update(self, node: exp.Update) -> Relation:
        scope = self._scope({self.alias: self.target})
        influence = self.resolver.sources(node, scope)
        influence |= self._where(node, scope)
        self._draw(self._set(node.expressions, scope), influence)
        return self._returned(node, scope.relations)

    def delete(self, node: exp.Delete) -> Relation:
        scope = self._scope({self.alias: self.target})
        influence: frozenset[Influence] = frozenset()
        for one in node.args.get("using") or ():
            influence |= self.resolver.source(one, scope)
        self._draw([], influence | self._where(node, scope))
        return self._returned(node, scope.relations)

    def merge(self, node: exp.Merge) -> Relation:
        scope = self._scope({self.alias: self.target})
        influence = self.resolver.source(node.args["using"], scope)
        expressions = Expressions(self.resolver, scope)
        influence |= expressions.condition(node.args["on"], "join")
        for when in node.args["whens"].expressions:
            influence |= expressions.condition(when.args.get("condition"), "condition")
            then = when.args["then"]
            if isinstance(then, exp.Update):
                self._draw(self._set(then.expressions, scope), ())
            elif isinstance(then, exp.Insert) and isinstance(then.expression, exp.Tuple):
                names = [name_of(one.this) for one in then.this.expressions] if then.this is not None else None
                values = [self._said(expressions.value(one), one) for one in then.expression.expressions]
                self._draw(self._placed(values, names), ())
        self._draw([], influence)
        return self._returned(node, scope.relations)

    # --- Pieces -------------------------------------------------------------------------------------------------------
    def _scope(self, relations: Mapping[str, Relation]) -> Scope:
        scope = Within(parent=self.scope, ctes=self.scope.ctes)
        for alias, relation in relations.items():
            scope.add(alias, relation)
        if self.alias != self.name and "excluded" in relations:
            scope.add(self.name, self.target)
        return scope

    def _where(self, node: exp.Expr, scope: Scope) -> frozenset[Influence]:
        return Expressions(self.resolver, scope).condition(_inside(node.args.get("where")), "filter")

    def _placed(self, values: list[Value], names: list[str] | None) -> Columns:
        """Values by position, into the columns that are named or into those of the table in order."""
        if names is None:
            names = [name for name, _ in self.target.columns or ()]
            if self.target.columns is None and self.target.rest is None and values:
                self.resolver.gap(f"the columns of {self.full} are not known")
        if len(values) > len(names) > 0:
            self.resolver.gap(f"{len(values)} values for {len(names)} columns of {self.full}")
        return list(zip(names, values, strict=False))

    def _set(self, assignments: Iterable[exp.Expr], scope: Scope) -> Columns:
        """SET a = …, (b, c) = (SELECT …), (d, e) = (…, …)."""
        expressions = Expressions(self.resolver, scope)
        found: Columns = []
        for one in assignments:
            if not isinstance(one, exp.EQ):
                self.resolver.gap(f"SET {one.sql(dialect='postgres')}")
                continue
            left, right = one.this, one.expression
            if not isinstance(left, exp.Tuple):
                found.append((_column(left), self._said(expressions.value(right), right)))
                continue
            names = [_column(column) for column in left.expressions]
            found += zip(names, self._several(right, expressions, len(names)), strict=False)
        return found

    def _several(self, right: exp.Expr, expressions: Expressions, count: int) -> list[Value]:
        while isinstance(right, exp.Paren) or (isinstance(right, exp.Anonymous) and right.name.lower() == "row"):
            if isinstance(right, exp.Anonymous):
                right = exp.Tuple(expressions=[one.copy() for one in right.expressions])
            else:
                right = right.this
        if isinstance(right, exp.Tuple):
            return [self._said(expressions.value(one), one) for one in right.expressions]
        if isinstance(right, exp.Query):
            relation = self.resolver.query(right, expressions.scope)
            around = Value(frozenset(), relation.influence)
            return [value | around for _, value in relation.columns or ()]
        return [self._said(expressions.value(right), right)] * count

    def _said(self, value: Value, node: exp.Expr) -> Value:
        if isinstance(node, exp.Column) and value.expression:
            return value
        return replace(value, expression=text_of(node))

    def _draw(self, columns: Columns, influence: Iterable[Influence]) -> None:
        if self.is_temporary:
            written = Relation(tuple(columns), influence=frozenset(influence))
            self.resolver.temporary[self.name] = self.resolver.temporary[self.name].merged(written)
            return
        self.resolver.findings.draw(self.full, columns, influence)

    def _returned(self, node: exp.Expr, relations: Mapping[str, Relation]) -> Relation:
        returning = node.args.get("returning")
        if returning is None:
            return Relation(columns=())
        target = self.resolver.temporary[self.name] if self.is_temporary else self.target
        scope = self._scope({self.alias: target, "old": target, "new": target, **relations})
        if any(isinstance(one, exp.Star) for one in returning.expressions):
            scope.relations = {self.alias: target, **relations}
        columns = self.resolver.projections(returning.expressions, Expressions(self.resolver, scope))
        rows = frozenset() if self.is_temporary else frozenset({Source(self.full, ROWS)})
        return Relation(tuple(columns), influence=frozenset(), rows=rows)


def _inside(where: exp.Expr | None) -> exp.Expr | None:
    return where.this if where is not None else None


def _column(node: exp.Expr) -> str:
    """The column that is set: of `a[1]` and `a.b` it is `a`."""
    if isinstance(node, exp.Bracket | exp.Dot):
        return _column(node.this)
    if isinstance(node, exp.Column) and node.args.get("table"):
        return name_of(node.args["table"])
    return name_of(node)


__all__ = ["NOTHING", "make", "write"]
