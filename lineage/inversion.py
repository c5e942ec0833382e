"""Turns a query around: from a row that it gives to the rows of its inputs that the row is made of.

Pure functions on sqlglot trees. A row of an input *contributes* where it is joined in FROM, or aggregated, or read by a
subquery of the SELECT list; rows that conditions alone look at (EXISTS, IN, bounds) decide, but are no part of the row.
GROUP BY columns become predicates: the query without its aggregation gives each group's rows. Nested aggregations are
joined to their own rows. Everything else of the query (outer joins, DISTINCT ON, LIMIT) stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

HIDDEN = "_origin"


class NotInvertible(ValueError):
    """The query cannot be turned around; the message says why."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One occurrence of a table in FROM: its name with schema, what it is called there, and which occurrence it is."""

    table: str
    alias: str
    number: int


def parsed(text: str) -> exp.Query:
    """A query with its WITH clauses written where they are used; NotInvertible where it cannot be read."""
    try:
        tree = sqlglot.parse_one(text, read="postgres")
    except sqlglot.errors.SqlglotError as error:
        raise NotInvertible(f"The query cannot be read: {error}") from error
    if not isinstance(tree, exp.Query):
        raise NotInvertible("It is no query.")
    return _without_ctes(tree)


def _without_ctes(tree: exp.Query) -> exp.Query:
    tree = tree.copy()
    for clause in list(tree.find_all(exp.With)):
        if clause.args.get("recursive"):
            raise NotInvertible("WITH RECURSIVE cannot be turned around.")
        bodies: dict[str, exp.Expr] = {}
        for cte in clause.expressions:
            body = cte.this.copy()
            _replace_names(body, bodies)
            bodies[cte.alias_or_name] = _renamed(
                body, [one.name for one in cte.args["alias"].args.get("columns") or ()]
            )
        owner = clause.parent
        if owner is None:
            raise NotInvertible("A WITH clause of nothing.")
        clause.pop()
        _replace_names(owner, bodies)
    return tree


def _replace_names(tree: exp.Expr, bodies: Mapping[str, exp.Expr]) -> None:
    for table in list(tree.find_all(exp.Table)):
        if not table.db and table.name in bodies:
            inner = exp.Subquery(
                this=bodies[table.name].copy(), alias=exp.TableAlias(this=exp.to_identifier(table.alias_or_name))
            )
            if joins := table.args.get("joins"):
                inner.set("joins", joins)
            table.replace(inner)


def _renamed(body: exp.Expr, names: Sequence[str]) -> exp.Expr:
    """A query whose columns have the names of `WITH a (b, c)`."""
    first = body
    while isinstance(first, exp.SetOperation):
        first = first.this
    if names and isinstance(first, exp.Select):
        first.set("expressions", [
            exp.alias_(one.unalias(), name, quoted=True) for one, name in zip(first.expressions, names, strict=True)
        ])  # fmt: skip
    return body


# --- Leaves -----------------------------------------------------------------------------------------------------------
def leaves(tree: exp.Query) -> list[Leaf]:
    """The occurrences of tables whose rows contribute, in the order of the query."""
    return [
        Leaf(f"{table.db}.{table.name}", table.alias_or_name, number)
        for number, table in enumerate(_contributing(tree))
    ]


def _contributing(tree: exp.Expr) -> Iterator[exp.Table]:
    if isinstance(tree, exp.Subquery):
        yield from _contributing(tree.this)
        for join in tree.args.get("joins") or ():
            yield from _contributing(join.this)
    elif isinstance(tree, exp.SetOperation):
        yield from _contributing(tree.this)
        if not isinstance(tree, exp.Except):
            yield from _contributing(tree.expression)
    elif isinstance(tree, exp.Select):
        for source in _sources(tree):
            yield from _contributing(source)
        for subquery in _selected_subqueries(tree):
            yield from _contributing(subquery)
    elif isinstance(tree, exp.Lateral):
        yield from _contributing(tree.this)
    elif isinstance(tree, exp.Table) and isinstance(tree.this, exp.Identifier):
        yield tree
        for join in tree.args.get("joins") or ():
            yield from _contributing(join.this)


def _sources(select: exp.Select) -> list[exp.Expr]:
    clause = select.args.get("from_")
    found = [clause.this] if clause is not None else []
    return [*found, *(join.this for join in select.args.get("joins") or ())]


def _selected_subqueries(select: exp.Select) -> list[exp.Subquery]:
    """Scalar subqueries of the SELECT list; those in conditions of CASE decide only."""
    return [
        subquery
        for projection in select.expressions
        for subquery in projection.find_all(exp.Subquery)
        if subquery.find_ancestor(exp.Select) is select and not _is_asked(subquery, projection)
    ]


def _is_asked(node: exp.Expr, within: exp.Expr) -> bool:
    while node is not within and node.parent is not None:
        if isinstance(node.parent, exp.Exists | exp.In) or (isinstance(node.parent, exp.If) and node.arg_key == "this"):
            return True
        node = node.parent
    return False


# --- Turning around ---------------------------------------------------------------------------------------------------
def contributions(tree: exp.Query, leaf: Leaf, outputs: Sequence[str], identity: Sequence[str]) -> exp.Query:
    """A query that gives, for each row of `tree` and each row of `leaf` that it is made of, the columns `outputs` of
    the one and `identity` of the other, called _origin_0, _origin_1, …; NULL where an outer join found none."""
    copy = tree.copy()
    table = list(_contributing(copy))[leaf.number]
    return _expose(copy, table, list(outputs), list(identity))


def hidden(count: int) -> list[str]:
    """The names of the identity's columns."""
    return [f"{HIDDEN}_{place}" for place in range(count)]


def _expose(tree: exp.Expr, table: exp.Table, outputs: list[str] | None, identity: list[str]) -> exp.Query:
    """The query with the identity of one table's rows as further columns. outputs: those that are needed; None: all."""
    if isinstance(tree, exp.Subquery):
        return _expose(tree.this, table, outputs, identity)
    if isinstance(tree, exp.SetOperation):
        return _branch(tree, table, outputs, identity)
    if not isinstance(tree, exp.Select):
        raise NotInvertible(f"{type(tree).__name__} cannot be turned around.")
    needed = [one for one in tree.expressions if outputs is None or one.is_star or one.alias_or_name in outputs]
    selected = _selected_subqueries(tree)
    if _is_aggregated(tree):
        return _aggregated(tree, table, needed, outputs, identity)
    if tree.args.get("limit") is None and tree.args.get("distinct") is None:
        tree.set("expressions", needed)
        tree.set("order", None)
    elif tree.args.get("distinct") is not None and tree.args["distinct"].args.get("on") is None:
        tree.set("distinct", None)
        tree.set("expressions", needed)
    keys, multiplies = _keys(tree, table, identity, selected)
    if multiplies and (
        _has_windows(tree) or tree.args.get("limit") is not None or tree.args.get("distinct") is not None
    ):
        raise NotInvertible("A window function, LIMIT or DISTINCT ON over rows that a subquery aggregates.")
    tree.set("expressions", [*tree.expressions, *keys])
    return tree


def _branch(tree: exp.SetOperation, table: exp.Table, outputs: list[str] | None, identity: list[str]) -> exp.Query:
    """The side of a UNION in which the table is, with the names of the first side."""
    names = tree.named_selects
    side = tree.this if _holds(tree.this, table) else tree.expression
    inner = side
    while isinstance(inner, exp.Subquery):
        inner = inner.this
    if isinstance(inner, exp.SetOperation):
        return _expose(inner, table, outputs, identity)
    if inner.is_star:
        raise NotInvertible("SELECT * in a UNION.")
    inner.set("expressions", [
        exp.alias_(one.unalias(), name, quoted=True) for one, name in zip(inner.expressions, names, strict=True)
    ])  # fmt: skip
    return _expose(inner, table, outputs, identity)


def _aggregated(
    tree: exp.Select, table: exp.Table, needed: list[exp.Expr], outputs: list[str] | None, identity: list[str]
) -> exp.Query:
    groups = group_expressions(tree)
    if outputs is not None and tree.args.get("limit") is None and all(not _aggregates(one) for one in needed):
        return _stripped(tree, needed, table, identity)
    # The aggregated rows, joined to the rows of their groups.
    rows = tree.copy()
    place = list(_contributing(tree)).index(table)
    grouped = [exp.alias_(one.copy(), f"_group_{number}") for number, one in enumerate(groups)]
    stripped = _stripped(rows, grouped, list(_contributing(rows))[place], identity)
    tree.set("expressions", [*tree.expressions, *(one.copy() for one in grouped)])
    equal = [
        exp.NullSafeEQ(this=_column("_rows", f"_group_{n}"), expression=_column("_groups", f"_group_{n}"))
        for n in range(len(groups))
    ]
    on = exp.and_(*equal) if equal else exp.true()
    names = [exp.alias_(_column("_rows", name), name) for name in hidden(len(identity))]
    return (
        exp.select(exp.Column(this=exp.Star(), table=exp.to_identifier("_groups")), *names)
        .from_(exp.Subquery(this=tree, alias=exp.TableAlias(this=exp.to_identifier("_groups"))))
        .join(exp.Subquery(this=stripped, alias=exp.TableAlias(this=exp.to_identifier("_rows"))), on=on)
    )


def _stripped(tree: exp.Select, expressions: list[exp.Expr], table: exp.Table, identity: list[str]) -> exp.Select:
    """The rows that a query aggregates."""
    selected = _selected_subqueries(tree)
    for part in ("group", "having", "order", "limit", "offset", "distinct"):
        tree.set(part, None)
    tree.set("expressions", expressions)
    keys, _ = _keys(tree, table, identity, selected)
    tree.set("expressions", [*tree.expressions, *keys])
    return tree


def _keys(
    tree: exp.Select, table: exp.Table, identity: list[str], selected: list[exp.Subquery]
) -> tuple[list[exp.Expr], bool]:
    """The columns with the identity, and whether a row may come several times for them. Changes what is in FROM."""
    for source in _sources(tree):
        if not _holds(source, table):
            continue
        if source is table or isinstance(source, exp.Table):  # joined inside of the parentheses of another
            return _named([_column(table.alias_or_name, name) for name in identity]), False
        return _through(source, table, identity, tree)
    for subquery in selected:
        if _holds(subquery, table):
            return _beside(tree, subquery, table, identity), True
    raise NotInvertible("The table is not read here.")


def _through(source: exp.Expr, table: exp.Table, identity: list[str], tree: exp.Select) -> tuple[list[exp.Expr], bool]:
    """Through a subquery in FROM, LATERAL or not, or parentheses around a join."""
    subquery = source.this if isinstance(source, exp.Lateral) else source
    if not isinstance(subquery, exp.Subquery):
        raise NotInvertible(f"{type(subquery).__name__} in FROM cannot be turned around.")
    for join in subquery.args.get("joins") or ():
        if _holds(join.this, table):
            if join.this is table:
                return _named([_column(table.alias_or_name, name) for name in identity]), False
            return _through(join.this, table, identity, tree)
    inner = subquery.this
    if isinstance(inner, exp.Table) or (isinstance(inner, exp.Subquery) and (inner.alias or inner.args.get("joins"))):
        if isinstance(inner, exp.Table):
            return _named([_column(table.alias_or_name, name) for name in identity]), False
        return _through(inner, table, identity, tree)
    alias = source.alias or subquery.alias
    aliases = source.args.get("alias")
    if not alias or (isinstance(aliases, exp.TableAlias) and aliases.args.get("columns")):
        raise NotInvertible("A subquery in FROM without an alias, or with names for its columns.")
    multiplies = any(_is_aggregated(one) for one in inner.find_all(exp.Select) if _holds(one, table))
    subquery.set("this", _expose(inner, table, _used(tree, alias, inner), identity))
    return _named([_column(alias, name) for name in hidden(len(identity))]), multiplies


def _used(tree: exp.Select, alias: str, inner: exp.Expr) -> list[str] | None:
    """The columns of a subquery that the query around it looks at; None: perhaps all."""
    if not isinstance(inner, exp.Query) or any(one.is_star for one in tree.expressions):
        return None
    names = set(inner.named_selects)
    columns = (one for one in tree.find_all(exp.Column) if one.table == alias or (not one.table and one.name in names))
    using = (name.name for join in tree.args.get("joins") or () for name in join.args.get("using") or ())
    return sorted({*(one.name for one in columns), *using})


def _beside(tree: exp.Select, subquery: exp.Subquery, table: exp.Table, identity: list[str]) -> list[exp.Expr]:
    """A subquery of the SELECT list is joined for the rows that it reads."""
    inner = subquery.this.copy()
    if not isinstance(inner, exp.Select):
        raise NotInvertible("A UNION in the SELECT list.")
    copied = list(_contributing(inner))[list(_contributing(subquery.this)).index(table)]
    rows = (
        _stripped(inner, [], copied, identity)
        if inner.args.get("limit") is None
        else _expose(inner, copied, None, identity)
    )
    alias = exp.TableAlias(this=exp.to_identifier("_selected"))
    lateral = exp.Lateral(this=exp.Subquery(this=rows), alias=alias)
    tree.append("joins", exp.Join(this=lateral, kind="LEFT", on=exp.true()))
    return _named([_column("_selected", name) for name in hidden(len(identity))])


# --- Pieces -----------------------------------------------------------------------------------------------------------
def group_expressions(tree: exp.Select) -> list[exp.Expr]:
    """What a query groups by: places and names of its columns are replaced by what they stand for."""
    group = tree.args.get("group")
    if group is None:
        return []
    if any(group.args.get(key) for key in ("grouping_sets", "cube", "rollup", "all", "totals")) or any(
        isinstance(one, exp.GroupingSets | exp.Cube | exp.Rollup) for one in group.expressions
    ):
        raise NotInvertible("GROUPING SETS, ROLLUP and CUBE cannot be turned around.")
    by_name = {one.alias: one.unalias() for one in tree.expressions if one.alias}
    found = []
    for one in group.expressions:
        if isinstance(one, exp.Literal) and one.name.isdigit():
            found.append(tree.expressions[int(one.name) - 1].unalias())
        elif isinstance(one, exp.Column) and not one.table and one.name in by_name:
            # An input column of the same name goes first; then both are the same, or the query is not this one.
            found.append(by_name[one.name] if not isinstance(by_name[one.name], exp.Column) else one)
        else:
            found.append(one)
    return found


def _is_aggregated(tree: exp.Select) -> bool:
    return tree.args.get("group") is not None or any(_aggregates(one) for one in tree.expressions)


def _aggregates(node: exp.Expr) -> list[exp.Expr]:
    return list(aggregates(node))


def aggregates(node: exp.Expr) -> Iterator[exp.Expr]:
    """The aggregate calls of an expression, with their FILTER; none of those that are windows or in subqueries."""
    if isinstance(node, exp.Window | exp.Query):
        return
    if isinstance(node, exp.Filter | exp.WithinGroup) or _is_aggregate(node):
        yield node
        return
    for child in node.iter_expressions():
        yield from aggregates(child)


#: Aggregates that sqlglot takes for any function.
_MORE = frozenset(
    ("string_agg", "jsonb_object_agg", "json_object_agg", "bool_and", "bool_or", "every", "bit_and", "bit_or",
     "jsonb_agg", "json_agg", "xmlagg", "range_agg", "regr_slope", "regr_intercept")
)  # fmt: skip


def _is_aggregate(node: exp.Expr) -> bool:
    return isinstance(node, exp.AggFunc) or (isinstance(node, exp.Anonymous) and node.name.lower() in _MORE)


def _has_windows(tree: exp.Select) -> bool:
    return any(one.find(exp.Window) for one in tree.expressions)


def _holds(tree: exp.Expr, table: exp.Table) -> bool:
    return any(one is table for one in _contributing(tree))


def _column(table: str, name: str) -> exp.Column:
    return exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(table, quoted=True))


def _named(columns: Sequence[exp.Expr]) -> list[exp.Expr]:
    return [exp.alias_(column, name) for column, name in zip(columns, hidden(len(columns)), strict=True)]
