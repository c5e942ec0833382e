"""What a SELECT gives: each column's sources, and what decides on its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from lineage.parsing.expressions import Expressions, aliases_of, name_of, output_name, text_of
from lineage.parsing.reading import Columns, Within, ctes_of
from lineage.parsing.scopes import Scope
from lineage.parsing.sources import Sources
from lineage.parsing.values import NOTHING, Influence, Relation, Value, union


class Resolver(Sources):
    """Resolves queries."""

    def query(self, node: exp.Expr, parent: Scope, ctes: Mapping[str, Relation] | None = None) -> Relation:
        """What a query gives; `parent`: what it may refer to from outside, `ctes`: the WITH queries in sight."""
        known = {**(ctes if ctes is not None else ctes_of(parent)), **self.members(node, parent, ctes)}
        scope = Within(parent=parent, ctes=known)
        if isinstance(node, exp.Subquery):
            return self._subquery(node, scope)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, scope)
        if isinstance(node, exp.Select):
            return self._select(node, scope)
        if isinstance(node, exp.Values):
            return self._values(node, scope)
        if isinstance(node, exp.Table):
            return self.table(node, scope)
        self.gap(f"{type(node).__name__} in the place of a query")
        return Relation(columns=())

    def members(self, node: exp.Expr, parent: Scope, ctes: Mapping[str, Relation] | None) -> dict[str, Relation]:
        """The queries of WITH, in order."""
        clause = node.args.get("with_")
        known = dict(ctes if ctes is not None else ctes_of(parent))
        mine: dict[str, Relation] = {}
        if clause is None:
            return mine
        for cte in clause.expressions:
            name, columns = aliases_of(cte)
            if clause.args.get("recursive") and isinstance(cte.this, exp.SetOperation):
                mine[name] = self._recursive(cte.this, name, columns, parent, {**known, **mine})
            else:
                mine[name] = self.member(cte.this, parent, {**known, **mine}).renamed(columns)
        return mine

    def member(self, node: exp.Expr, parent: Scope, ctes: Mapping[str, Relation]) -> Relation:
        """A WITH query; those that write are read by `writes`."""
        if isinstance(node, exp.Insert | exp.Update | exp.Delete | exp.Merge):
            from lineage.parsing.writes import write

            return write(self, node, ctes)
        return self.query(node, parent, ctes)

    def _recursive(
        self, node: exp.SetOperation, name: str, columns: list[str], parent: Scope, ctes: Mapping[str, Relation]
    ) -> Relation:
        found = self.query(node.this, parent, ctes).renamed(columns)
        for _ in range(len(found.columns or ()) + 1):
            again = self.query(node, parent, {**ctes, name: found}).renamed(columns)
            if again == found:
                break
            found = again
        return found

    def _subquery(self, node: exp.Subquery, scope: Scope) -> Relation:
        found = self.query(node.this, scope)
        _, columns = aliases_of(node)
        return found.renamed(columns)

    def _set_operation(self, node: exp.SetOperation, scope: Scope) -> Relation:
        left, right = self.query(node.this, scope), self.query(node.expression, scope)
        influence = left.influence | right.influence
        mine, theirs = list(left.columns or ()), [value for _, value in right.columns or ()]
        if isinstance(node, exp.Union):
            if len(mine) != len(theirs):
                self.gap("the two sides of a UNION have not the same number of known columns")
            theirs += [NOTHING] * (len(mine) - len(theirs))
            columns = [(name, value | other) for (name, value), other in zip(mine, theirs, strict=False)]
            rows = left.rows | right.rows
        else:
            columns, rows = mine, left.rows
            influence |= union(theirs).decides("filter")
        found = Relation(tuple(columns), influence=influence, rows=rows)
        influence |= self._sorted(node, found, Expressions(self, scope))
        return replace(found, influence=influence)

    def _values(self, node: exp.Values, scope: Scope) -> Relation:
        expressions = Expressions(self, scope)
        rows = [
            [expressions.value(cell) for cell in (row.expressions if isinstance(row, exp.Tuple) else [row])]
            for row in node.expressions
        ]
        width = max((len(row) for row in rows), default=0)
        columns = [
            (f"column{place + 1}", union(row[place] for row in rows if place < len(row))) for place in range(width)
        ]
        return Relation(tuple(columns)).renamed(aliases_of(node)[1])

    def _select(self, node: exp.Select, scope: Scope) -> Relation:
        influence = self.sources(node, scope)
        windows = {name_of(window.this): window for window in node.args.get("windows") or ()}
        expressions = Expressions(self, scope, windows)
        if where := node.args.get("where"):
            influence |= expressions.condition(where.this, "filter")
        columns = self.projections(node.expressions, expressions)
        influence |= self._grouped(node, columns, expressions)
        if having := node.args.get("having"):
            influence |= expressions.condition(having.this, "having")
        influence |= self._distinct(node, columns, expressions)
        rows = union(Value(relation.rows) for relation in scope.relations.values()).direct
        # Of columns that are not known nothing is known; that has been said once.
        is_open = any(_is_star(one) for one in node.expressions) and self._is_open(scope)
        found = Relation(tuple(columns), rest=NOTHING if is_open else None, influence=influence, rows=rows)
        return replace(found, influence=influence | self._sorted(node, found, expressions))

    def _is_open(self, scope: Scope) -> bool:
        return any(one.columns is None or one.rest is not None for one in scope.relations.values())

    def projections(self, nodes: Sequence[exp.Expr], expressions: Expressions) -> Columns:
        """The columns of a SELECT list, or of RETURNING."""
        found: Columns = []
        for projection in nodes:
            if _is_star(projection):
                table = name_of(projection.args.get("table")) if isinstance(projection, exp.Column) else ""
                found += self.star(expressions.scope, table)
                continue
            inner = projection.unalias()
            if isinstance(inner, exp.Dot) and isinstance(inner.expression, exp.Star):
                found += self._expanded(inner, expressions)
                continue
            value = expressions.value(inner)
            if not (isinstance(inner, exp.Column) and value.expression):
                value = replace(value, expression=text_of(inner))
            found.append((output_name(projection), value))
        return found

    def _expanded(self, node: exp.Dot, expressions: Expressions) -> Columns:
        """(f(x)).* gives the columns of what f returns."""
        inner = node.this.this if isinstance(node.this, exp.Paren) else node.this
        call, schema = (inner.expression, name_of(inner.this)) if isinstance(inner, exp.Dot) else (inner, "")
        if isinstance(call, exp.Anonymous):
            returned = self.called(schema, call.name.lower(), list(call.expressions), expressions)
            if returned is not None and returned.columns is not None:
                return list(returned.columns)
        self.gap(f"the columns of {node.sql(dialect='postgres')} are not known")
        return []

    def _grouped(self, node: exp.Select, columns: Columns, expressions: Expressions) -> frozenset[Influence]:
        group = node.args.get("group")
        if group is None:
            return frozenset()
        if group.args.get("all"):
            self.gap("GROUP BY ALL")
        parts = [part for key in ("expressions", "grouping_sets", "cube", "rollup") for part in _listed(group, key)]
        return union(self._output_or(one, columns, expressions, input_first=True) for one in parts).decides("group by")

    def _distinct(self, node: exp.Select, columns: Columns, expressions: Expressions) -> frozenset[Influence]:
        distinct = node.args.get("distinct")
        if distinct is None:
            return frozenset()
        on = distinct.args.get("on")
        if on is None:
            return union(value for _, value in columns).decides("distinct")
        chosen = on.expressions if isinstance(on, exp.Tuple) else [on]
        return union(self._output_or(one, columns, expressions) for one in chosen).decides("distinct")

    def _sorted(self, node: exp.Expr, found: Relation, expressions: Expressions) -> frozenset[Influence]:
        order, columns = node.args.get("order"), list(found.columns or ())
        ordered = (
            union(self._output_or(one.this, columns, expressions) for one in order.expressions) if order else NOTHING
        )
        cut = [node.args.get(key) for key in ("limit", "offset")]
        limited = union(expressions.value(one.expression) for one in cut if isinstance(one, exp.Limit | exp.Offset))
        return ordered.decides("sort") | limited.decides("filter")

    def _output_or(
        self, node: exp.Expr, columns: Columns, expressions: Expressions, *, input_first: bool = False
    ) -> Value:
        """GROUP BY 1, ORDER BY alias: an output column; else an expression over the inputs."""
        if isinstance(node, exp.Literal) and not node.is_string:
            place = int(node.name) - 1 if node.name.isdigit() else -1
            return columns[place][1] if 0 <= place < len(columns) else NOTHING
        if isinstance(node, exp.Tuple | exp.Paren | exp.Cube | exp.Rollup | exp.GroupingSets):
            inner = node.expressions or ([node.this] if node.this is not None else [])
            return union(self._output_or(one, columns, expressions, input_first=input_first) for one in inner)
        if isinstance(node, exp.Column) and not node.args.get("table"):
            name = name_of(node.this)
            if input_first:
                inputs = [r for r in expressions.scope.relations.values() if r.get(name) is not None]
                if inputs or name in expressions.scope.merged:
                    return expressions.value(node)
            for column, value in columns:
                if column == name:
                    return value
        return expressions.value(node)


def _is_star(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star))


def _listed(node: exp.Expr, key: str) -> list[exp.Expr]:
    found = node.args.get(key)
    return [one for one in (found if isinstance(found, list) else [found]) if isinstance(one, exp.Expr)]
