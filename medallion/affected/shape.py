"""A gold query as joins, conditions and groups; `Whole` where it has a shape whose keys Assay does not follow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from medallion.affected.expressions import alias_of, conjuncts, is_plain, name_of, unsteady

#: Columns of a calendar that turn with the day, without a batch.
_FLAGS = frozenset(f"is_current_{period}" for period in ("day", "week", "month", "quarter", "year"))
_SYSTEM = frozenset(("ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"))


class Whole(ValueError):
    """The query is computed in full by each load; why, for people."""


@dataclass(eq=False)
class Leaf:
    """A table of the warehouse, at one place of the query. looked_up: only its standing members are seen."""

    table: str
    node: exp.Table
    looked_up: bool
    columns: set[str] = field(default_factory=set)

    def known(self) -> None:
        """The columns whose values are known: all."""


@dataclass(eq=False)
class Constant:
    """Rows that stand in the query itself."""

    names: list[str]
    node: exp.Values

    def known(self) -> set[str]:
        return set(self.names)


@dataclass(eq=False)
class Derived:
    """A subquery in FROM, or a common table expression where it is used."""

    body: Body

    def known(self) -> set[str]:
        """The columns whose values do not come from an aggregate."""
        return set(self.body.known_outputs())


Relation = Leaf | Constant | Derived


@dataclass(eq=False)
class Joined:
    """A relation as it is joined to those before it. side: "", "LEFT", "RIGHT" or "FULL"."""

    alias: str
    relation: Relation
    side: str
    on: list[exp.Expr]


@dataclass(eq=False)
class Select:
    """One SELECT. grouped: its GROUP BY, or None; chosen: whether HAVING or DISTINCT choose among its rows."""

    joined: list[Joined]
    where: list[exp.Expr]
    outputs: dict[str, exp.Expr]
    grouped: list[exp.Expr] | None
    chosen: bool

    def relation(self, alias: str) -> Relation:
        return next(j.relation for j in self.joined if j.alias == alias)

    def knows(self, expression: exp.Expr) -> bool:
        """Whether the value of an expression can be told without its aggregates, and is written as it was read."""
        if not is_plain(expression):
            return False
        for column in expression.find_all(exp.Column):
            known = self.relation(alias_of(column)).known()
            if known is not None and name_of(column) not in known:
                return False
        return True

    def known_outputs(self) -> list[str]:
        return [
            name for name, expression in self.outputs.items() if self.knows(expression) and self._is_group(expression)
        ]

    def _is_group(self, expression: exp.Expr) -> bool:
        """Whether an expression is one of the groups, or made of them."""
        if self.grouped is None or expression in self.grouped:
            return True
        if isinstance(expression, exp.Column):
            return False
        # Identifiers and names of types are no values.
        inner = [node for node in expression.iter_expressions() if not isinstance(node, exp.DataType | exp.Identifier)]
        return all(self._is_group(node) for node in inner)


@dataclass(eq=False)
class Union:
    """UNION ALL or UNION of two queries."""

    left: Body
    right: Body

    def known_outputs(self) -> list[str]:
        """The outputs known on both sides, by the names of the left."""
        names = dict(zip(output_names(self.left), output_names(self.right), strict=True))
        left, right = set(self.left.known_outputs()), set(self.right.known_outputs())
        return [mine for mine, other in names.items() if mine in left and other in right]


Body = Select | Union


def output_names(body: Body) -> list[str]:
    """The names of the columns that a query gives."""
    return output_names(body.left) if isinstance(body, Union) else list(body.outputs)


def leaves(body: Body) -> Iterator[Leaf]:
    """Every place of the query at which a table is read."""
    if isinstance(body, Union):
        yield from leaves(body.left)
        yield from leaves(body.right)
        return
    for joined in body.joined:
        if isinstance(joined.relation, Leaf):
            yield joined.relation
        elif isinstance(joined.relation, Derived):
            yield from leaves(joined.relation.body)


def read(tree: exp.Query, looked_up: Collection[exp.Table]) -> Body:
    """The shape of a query; `Whole` where it is not followed. looked_up: tables seen by their standing members only."""
    for node in tree.walk():
        for kind, said in _REFUSED.items():
            if isinstance(node, kind):
                raise Whole(said)
    body = _Reader(looked_up).body(tree, {})
    if (function := unsteady(tree)) is not None:
        raise Whole(f"it calls {function}, of which Assay does not know that it says the same of the same values")
    return body


_REFUSED: dict[type[exp.Expr], str] = {
    exp.Window: "it has a window function, which looks at other rows than those of its key",
    exp.Exists: "it has a subquery in an expression (EXISTS, IN or a value)",
    exp.Intersect: "it has INTERSECT",
    exp.Except: "it has EXCEPT",
    exp.Limit: "it has LIMIT",
    exp.Fetch: "it has FETCH",
    exp.Offset: "it has OFFSET",
    exp.Lateral: "it has a LATERAL join",
    exp.TableSample: "it reads a sample",
    exp.Unnest: "it reads a function in FROM",
    exp.Cube: "it has CUBE",
    exp.Rollup: "it has ROLLUP",
    exp.GroupingSets: "it has GROUPING SETS",
    exp.WithinGroup: "it has an ordered-set aggregate",
}


@dataclass(frozen=True)
class _Bound:
    """The query of a common table expression with those that it sees."""

    query: exp.Expr
    ctes: Ctes


Ctes = Mapping[str, tuple[_Bound, list[str]]]


class _Reader:
    def __init__(self, looked_up: Collection[exp.Table]) -> None:
        self._looked_up = {id(table) for table in looked_up}

    def body(self, tree: exp.Expr, ctes: Ctes) -> Body:
        if isinstance(tree, exp.Subquery) and not tree.alias:
            return self.body(tree.this, ctes)
        if not isinstance(tree, exp.Select | exp.Union):
            raise Whole(f"it has a {type(tree).__name__.upper()}")
        ctes = {**ctes, **self._ctes(tree, ctes)}
        if isinstance(tree, exp.Union):
            left, right = self.body(tree.left, ctes), self.body(tree.right, ctes)
            if len(output_names(left)) != len(output_names(right)):
                raise Whole("the sides of its UNION give different numbers of columns")
            return Union(left, right)
        return self._select(tree, ctes)

    def _ctes(self, tree: exp.Expr, outer: Ctes) -> dict[str, tuple[_Bound, list[str]]]:
        clause = tree.args.get("with_")
        found: dict[str, tuple[_Bound, list[str]]] = {}
        if clause is None:
            return found
        if clause.args.get("recursive"):
            raise Whole("it has WITH RECURSIVE")
        for cte in clause.expressions:
            columns = [name_of(column) for column in cte.args["alias"].args.get("columns") or ()]
            # A later one sees those before it.
            found[name_of(cte.args["alias"].this)] = (_Bound(cte.this, {**outer, **found}), columns)
        return found

    def _select(self, tree: exp.Select, ctes: Ctes) -> Select:
        distinct = tree.args.get("distinct")
        if distinct is not None and distinct.args.get("on"):
            raise Whole("it has DISTINCT ON")
        if tree.args.get("from_") is None:
            raise Whole("it has a SELECT without FROM")
        joined = [self._joined(tree.args["from_"].this, "", None, ctes)]
        for join in tree.args.get("joins") or ():
            joined.append(self._join(join, joined, ctes))
        aliases = [j.alias for j in joined]
        if len(set(aliases)) < len(aliases):
            raise Whole("it joins two tables under one name")
        having = tree.args.get("having")
        select = Select(joined, [], {}, None, having is not None or distinct is not None)
        for projection in tree.expressions:
            named = projection.args["alias"] if isinstance(projection, exp.Alias) else projection
            name = name_of(named) if isinstance(named, exp.Identifier | exp.Column) else ""
            if not name or name in select.outputs:  # only its place counts then, in a UNION
                name = f"column {len(select.outputs) + 1}"
            select.outputs[name] = self._resolved(projection.unalias(), select)
        for j in joined:
            j.on = [self._resolved(condition, select) for condition in j.on]
        where = tree.args.get("where")
        select.where = [self._resolved(c, select) for c in conjuncts(where.this if where else None)]
        select.grouped = self._grouped(tree, select)
        if having is not None:
            self._resolved(having.this, select)
        return select

    def _grouped(self, tree: exp.Select, select: Select) -> list[exp.Expr] | None:
        group = tree.args.get("group")
        if group is None:
            if any(e.find(exp.AggFunc) for e in select.outputs.values()) or tree.args.get("having") is not None:
                raise Whole("it has an aggregate without GROUP BY, which gives a row even of nothing")
            return None
        if any(group.args.get(kind) for kind in ("cube", "rollup", "grouping_sets", "all", "totals")):
            raise Whole("it has ROLLUP, CUBE or GROUPING SETS")
        found, outputs = [], list(select.outputs.values())
        for expression in group.expressions:
            if isinstance(expression, exp.Literal) and not expression.is_string:
                found.append(outputs[int(expression.name) - 1])
                continue
            name = name_of(expression) if isinstance(expression, exp.Column) and not alias_of(expression) else None
            if name in select.outputs and name_of(select.outputs[name]) != name:
                raise Whole(f"GROUP BY {name} may mean a column or an output: write the expression, or its number")
            found.append(self._resolved(expression, select))
        return found

    def _join(self, join: exp.Join, before: list[Joined], ctes: Ctes) -> Joined:
        side, kind, method = (str(join.args.get(name) or "").upper() for name in ("side", "kind", "method"))
        if method or kind not in ("", "INNER", "OUTER", "CROSS") or join.args.get("using"):
            raise Whole("it has a NATURAL join or one with USING: write ON" if kind in ("", "INNER", "OUTER") else
                        f"it has a {kind} join")  # fmt: skip
        on = join.args.get("on")
        if side in ("RIGHT", "FULL") and len(before) > 1 and any(not j.on and not j.side for j in before[1:]):
            raise Whole(f"it has a {side} join beside a join without a condition")
        if side and on is None:
            raise Whole(f"it has a {side} join without ON")
        return self._joined(join.this, side, on, ctes)

    def _joined(self, node: exp.Expr, side: str, on: exp.Expr | None, ctes: Ctes) -> Joined:
        if node.args.get("joins"):
            raise Whole("it has joins in parentheses")
        if node.args.get("sample") or node.args.get("pivots"):
            raise Whole("it reads a table otherwise than as it is")
        alias = node.args.get("alias")
        name = name_of(alias.this) if alias is not None and alias.this is not None else ""
        columns = [name_of(column) for column in (alias.args.get("columns") if alias is not None else None) or ()]
        relation: Relation
        if isinstance(node, exp.Table):
            if not isinstance(node.this, exp.Identifier):
                raise Whole("it reads a function in FROM")
            own = name_of(node.this)
            name = name or own
            if not node.db and own in ctes:
                bound, named = ctes[own]
                relation = self._derived(bound, columns or named, ctes)
            elif columns:
                raise Whole("it gives the columns of a table other names")
            else:
                relation = Leaf(f"{node.db}.{node.name}", node, id(node) in self._looked_up)
        elif isinstance(node, exp.Subquery):
            relation = self._derived(node.this, columns, ctes)
        elif isinstance(node, exp.Values) and columns:
            relation = Constant(columns, node)
        else:
            raise Whole("it reads something in FROM that is neither a table nor a subquery")
        if not name:
            raise Whole("it has a subquery without a name")
        return Joined(name, relation, side, list(conjuncts(on)))

    def _derived(self, tree: exp.Expr | _Bound, columns: list[str], ctes: Ctes) -> Derived:
        query, seen = (tree.query, tree.ctes) if isinstance(tree, _Bound) else (tree, ctes)
        body = self.body(query, seen)
        if columns:
            _rename(body, columns)
        return Derived(body)

    def _resolved(self, expression: exp.Expr, select: Select) -> exp.Expr:
        """The expression with the table before each column; what is read of a table is noted with it."""
        if expression.find(exp.Subquery, exp.Select):
            raise Whole("it has a subquery in an expression (EXISTS, IN or a value)")
        if isinstance(expression, exp.Star) or any(
            isinstance(column.this, exp.Star) for column in expression.find_all(exp.Column)
        ):
            raise Whole("it has a SELECT *")
        resolved = expression.copy()
        for column in list(resolved.find_all(exp.Column)):
            alias = self._owner(column, select)
            name = name_of(column)
            if name in _SYSTEM or column.args.get("db") is not None:
                raise Whole(f"it reads {column.sql(dialect='postgres')}")
            if name in _FLAGS and isinstance(select.relation(alias), Leaf):
                raise Whole(f"it reads {name}, which turns with the day")
            relation = select.relation(alias)
            if isinstance(relation, Leaf):
                relation.columns.add(name)
            column.set("table", exp.to_identifier(alias, quoted=True))
            column.set("this", exp.to_identifier(name, quoted=True))
        return resolved

    def _owner(self, column: exp.Column, select: Select) -> str:
        aliases = [j.alias for j in select.joined]
        alias, name = alias_of(column), name_of(column)
        if alias:
            if alias not in aliases:
                raise Whole(f"it reads {alias}.{name} from outside of a subquery")
            return alias
        if name in aliases:
            raise Whole(f"{name} may mean a column or a whole row: write its table before it")
        if len(aliases) == 1:
            return aliases[0]
        raise Whole(f"nobody can tell from the query whose column {name} is: write its table before it")


def _rename(body: Body, columns: list[str]) -> None:
    if isinstance(body, Union):
        _rename(body.left, columns)
        return
    names = list(body.outputs)
    names[: len(columns)] = columns
    body.outputs = dict(zip(names, body.outputs.values(), strict=True))
