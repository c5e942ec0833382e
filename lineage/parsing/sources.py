"""What stands in FROM: tables, joins, subqueries, functions."""

from __future__ import annotations

from sqlglot import exp

from lineage.parsing.expressions import Expressions, aliases_of, name_of, output_name
from lineage.parsing.reading import Reading, Within, around, ctes_of
from lineage.parsing.scopes import Scope
from lineage.parsing.values import NOTHING, Influence, Relation, Value, union


class Sources(Reading):
    """Adds what stands in FROM to a scope."""

    def sources(self, node: exp.Expr, scope: Scope) -> frozenset[Influence]:
        """Adds the relations of FROM and JOIN to the scope, in order; what joins and filters them."""
        clause = node.args.get("from_")
        influence = self.source(clause.this, scope) if clause is not None else frozenset()
        for join in node.args.get("joins") or ():
            influence |= self._join(join, scope)
        for lateral in node.args.get("laterals") or ():
            influence |= self.source(lateral, scope)
        return influence

    def _join(self, join: exp.Join, scope: Scope) -> frozenset[Influence]:
        before = list(scope.relations)
        influence = self.source(join.this, scope)
        added = [alias for alias in scope.relations if alias not in before]
        if on := join.args.get("on"):
            influence |= Expressions(self, scope).condition(on, "join")
        names = [name_of(one) for one in join.args.get("using") or ()]
        if join.method == "NATURAL":
            names = _shared(scope, before, added)
        for name in names:
            left = scope.merged.get(name) or self._first(scope, before, name)
            right = self._first(scope, added, name)
            influence |= (left | right).decides("join")
            scope.merged[name] = {"RIGHT": right, "FULL": left | right}.get(join.side, left)
        return influence

    def _first(self, scope: Scope, aliases: list[str], name: str) -> Value:
        for alias in aliases:
            value = scope.relations[alias].get(name)
            if value is not None:
                return value
        self.gap(f"no table before USING has a column {name} that is known")
        return NOTHING

    def source(self, node: exp.Expr, scope: Scope) -> frozenset[Influence]:
        """Adds something in FROM to the scope; what decides on its rows."""
        influence: frozenset[Influence] = frozenset()
        if _is_join(node):
            return self._parenthesised(node, scope)
        if isinstance(node, exp.Table) and node.args.get("rows_from"):
            relation, alias = self._rows_from(node, scope), aliases_of(node)[0]
        elif isinstance(node, exp.Lateral):
            relation, alias = self._lateral(node, scope), aliases_of(node)[0]
        elif isinstance(node, exp.Table):
            alias = aliases_of(node)[0] or self._table_name(node)
            relation = self.table(node, scope)
        elif isinstance(node, exp.Subquery | exp.Values):
            relation, alias = self.query(node, around(scope)), aliases_of(node)[0]
        else:
            relation, alias = self._function(node, scope, node), aliases_of(node)[0] or output_name(node)
        scope.add(alias or f"_{len(scope.relations)}", relation)
        for join in node.args.get("joins") or ():
            influence |= self._join(join, scope)
        return influence | relation.influence

    def _parenthesised(self, node: exp.Expr, scope: Scope) -> frozenset[Influence]:
        """(a JOIN b ON …), perhaps with an alias that hides the names of both."""
        alias, columns = aliases_of(node)
        inner = Within(parent=scope, ctes=ctes_of(scope)) if alias else scope
        influence = self.source(node.this, inner)
        if alias:
            rows = union(Value(relation.rows) for relation in inner.relations.values()).direct
            scope.add(alias, Relation(tuple(self.star(inner)), rows=rows).renamed(columns))
        for join in node.args.get("joins") or ():
            influence |= self._join(join, scope)
        return influence

    def _table_name(self, node: exp.Table) -> str:
        return output_name(node.this) if isinstance(node.this, exp.Func) else name_of(node.this)

    def table(self, node: exp.Table, scope: Scope) -> Relation:
        if not isinstance(node.this, exp.Identifier):
            return self._function(node.this, scope, node)
        schema, name = name_of(node.args.get("db")), name_of(node.this)
        columns = aliases_of(node)[1]
        if not schema and (cte := ctes_of(scope).get(name)) is not None:
            return cte.renamed(columns)
        return self.stored(schema, name).renamed(columns)

    def stored(self, schema: str, name: str) -> Relation:
        """A temp table of the routine, or a stored table."""
        if schema in ("", "pg_temp") and name in self.temporary:
            return self.temporary[name]
        full = self.schema.named(schema, name)
        if schema == "pg_temp":
            self.gap(f"the temp table {name} is made by the caller, and followed there")
            return Relation(rest=NOTHING)
        self.findings.reads.add(full)
        return self.schema.relation(full)

    def _rows_from(self, node: exp.Table, scope: Scope) -> Relation:
        parts = [
            self._function(one.this if isinstance(one, exp.Table) else one, scope, one)
            for one in node.args["rows_from"]
        ]
        value = union(part.whole() for part in parts)
        influence = frozenset(one for part in parts for one in part.influence)
        return Relation(rest=value, influence=influence).renamed(aliases_of(node)[1])

    def _lateral(self, node: exp.Lateral, scope: Scope) -> Relation:
        if isinstance(node.this, exp.Subquery | exp.Select):
            return self.query(node.this, scope).renamed(aliases_of(node)[1])
        return self._function(node.this, scope, node)

    def _function(self, node: exp.Expr, scope: Scope, outer: exp.Expr) -> Relation:
        """A function in FROM: what it returns where it can be followed, else columns made of its arguments."""
        alias, columns = aliases_of(outer)
        expressions = Expressions(self, scope)
        schema = name_of(outer.args.get("db"))
        call = node
        if isinstance(node, exp.Dot):
            schema, call = name_of(node.this), node.expression
        if isinstance(call, exp.Anonymous):
            arguments = list(call.expressions)
            returned = self.called(schema, call.name.lower(), arguments, expressions)
            if returned is not None:
                return returned.renamed(columns)
        if isinstance(call, exp.JSONTable):
            value = expressions.value(call.this)
            names = [name_of(one.this) for one in call.find_all(exp.JSONColumnDef) if one.this is not None]
            return Relation(tuple((name, value) for name in names)).renamed(columns)
        if isinstance(call, exp.Unnest):
            value = union(expressions.value(one) for one in call.expressions)
            if isinstance(offset := call.args.get("offset"), exp.Identifier):
                columns = [*columns, name_of(offset)]
        else:
            value = union(expressions.value(child) for child in call.iter_expressions() if not _is_alias(child))
        if columns:
            return Relation(tuple((name, value) for name in columns))
        # generate_series(…) AS y: the column has the alias's name; of jsonb_each(…) AS e it has its own.
        return Relation(rest=value, columns=((alias, value),) if alias and not _has_columns(call) else None)


def _shared(scope: Scope, before: list[str], added: list[str]) -> list[str]:
    def names(aliases: list[str]) -> list[str]:
        return [name for alias in aliases for name, _ in scope.relations[alias].columns or ()]

    return [name for name in dict.fromkeys(names(before)) if name in names(added)]


def _is_alias(node: exp.Expr) -> bool:
    return isinstance(node, exp.TableAlias | exp.Identifier)


def _is_join(node: exp.Expr) -> bool:
    """Parentheses around joined tables, not around a query."""
    if not isinstance(node, exp.Subquery | exp.Paren):
        return False
    inner = node.this
    return isinstance(inner, exp.Table) or (
        isinstance(inner, exp.Subquery) and (_is_join(inner) or bool(aliases_of(inner)[0] or inner.args.get("joins")))
    )


#: Functions that name their columns themselves.
_OWN_COLUMNS = frozenset(
    ("jsonb_each", "jsonb_each_text", "json_each", "json_each_text", "jsonb_to_record", "jsonb_to_recordset",
     "jsonb_populate_record", "jsonb_populate_recordset", "json_populate_record", "json_populate_recordset",
     "json_to_record", "json_to_recordset", "aclexplode", "pg_get_keywords", "pg_options_to_table", "xmltable")
)  # fmt: skip


def _has_columns(call: exp.Expr) -> bool:
    return isinstance(call, exp.Anonymous) and call.name.lower() in _OWN_COLUMNS
