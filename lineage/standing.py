"""Which members of a dimension a query sees: those that stand, unless it joins the dimension by its surrogate key."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp


def looked_up(tree: exp.Expr, surrogates: Mapping[str, str]) -> list[exp.Table]:
    """The occurrences of dimensions (name → surrogate key) that are read otherwise than by their surrogate key."""
    found = []
    for table in tree.find_all(exp.Table):
        surrogate = surrogates.get(f"{table.db}.{table.name}")
        if surrogate is not None and not _joins(tree, table.alias_or_name, surrogate):
            found.append(table)
    return found


def _joins(tree: exp.Expr, alias: str, column: str) -> bool:
    """Whether a table's column is compared with another table's."""
    for equation in tree.find_all(exp.EQ):
        sides = [side for side in (equation.left, equation.right) if isinstance(side, exp.Column)]
        if len(sides) == 2 and any(s.name == column and s.table in (alias, "") for s in sides):
            return True
    using = [name for join in tree.find_all(exp.Join) for name in join.args.get("using") or ()]
    return any(name.name == column for name in using)


def among_standing(tree: exp.Query, surrogates: Mapping[str, str]) -> exp.Query:
    """The query with the standing members of the dimensions that it looks up: no unknown one, no retired ones."""
    tree = tree.copy()
    for table in looked_up(tree, surrogates):
        surrogate = exp.column(exp.to_identifier(surrogates[f"{table.db}.{table.name}"], quoted=True))
        known = exp.and_(exp.column("_retired_at").is_(exp.null()), surrogate > 0)
        alias, joins = table.alias_or_name, table.args.get("joins")
        plain = exp.Table(this=table.this.copy(), db=table.args["db"].copy())
        members = exp.select("*").from_(plain).where(known)
        inner = exp.Subquery(this=members, alias=exp.TableAlias(this=exp.to_identifier(alias)))
        if joins:
            inner.set("joins", joins)
        table.replace(inner)
    return tree
