"""Explains a number: the rows that an aggregate's row was made of, and that they add up to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from lineage.code.cursor import Cursor
from lineage.inversion import Leaf, NotInvertible, aggregates, group_expressions, leaves, parsed
from lineage.parsing.expressions import text_of
from lineage.standing import among_standing
from lineage.tracing import loaded


@dataclass(frozen=True, slots=True)
class Figure:
    """A column of the row: its value, its formula, and what the formula gives over the rows below."""

    column: str
    formula: str
    stored: Any
    recomputed: Any
    agrees: bool


@dataclass(frozen=True, slots=True)
class Contribution:
    """One row that went into the row: the values that were aggregated, and the rows of the inputs it is joined from."""

    values: list[Any]
    origins: list[tuple[str, dict[str, Any]]]


@dataclass(slots=True)
class Explanation:
    """A row, its figures, and what they are made of. `arguments`: SQL of the aggregated values, the heads of
    `Contribution.values`; `rows`: how many contributions there are, of which `contributions` are the first."""

    table: str
    key: dict[str, Any]
    row: dict[str, Any]
    figures: list[Figure] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    contributions: list[Contribution] = field(default_factory=list)
    rows: int = 0
    reason: str = ""  # why there is no explanation

    @property
    def agrees(self) -> bool:
        """Whether all figures are what their rows add up to."""
        return all(figure.agrees for figure in self.figures)


def explain(cursor: Cursor, table: str, key: str, most: int = 100) -> Explanation:
    """Explains a row of a gold table. key: as dwh_lineage.find_row takes it. Locks nothing.

    DatabaseError (class AS) where there is no such row.
    """
    cursor.execute("SELECT dwh_lineage.find_row(%s, %s)::text", (table, key))
    ((text,),) = cursor.fetchall()
    row = loaded(text)
    cursor.execute(
        "SELECT dwh_lineage.key_of(t.target, %s::jsonb)::text, t.contract::text FROM dwh_lineage.targets AS t"
        " WHERE t.target = %s",
        (text, table),
    )
    ((identity, contract),) = [tuple(loaded(one) for one in found) for found in cursor.fetchall()]
    explanation = Explanation(table, identity, row)
    try:
        plan = _plan(contract)
    except NotInvertible as error:
        explanation.reason = str(error)
        return explanation
    _fill(cursor, explanation, contract, plan, most)
    return explanation


@dataclass(slots=True)
class _Plan:
    """The query without its aggregation (`rows`), its aggregated values (_value_0, …), the inputs' identities
    (_leaf_0, …), and each column's formula over those values."""

    rows: exp.Select
    arguments: list[str]
    leaves: list[Leaf]
    formulas: dict[str, tuple[str, exp.Expr]]


def _plan(contract: dict[str, Any]) -> _Plan:
    if "query" not in contract:
        raise NotInvertible("It is made by no query.")
    tree = among_standing(parsed(contract["query"]), contract.get("standing", {}))
    if not isinstance(tree, exp.Select):
        raise NotInvertible("A UNION is not one aggregation: trace the row instead.")
    if tree.args.get("group") is None and not any(list(aggregates(one)) for one in tree.expressions):
        raise NotInvertible("Its query aggregates nothing: trace the row instead.")
    group_expressions(tree)
    arguments: dict[str, exp.Expr] = {}
    formulas = {
        projection.alias_or_name: (text_of(projection.unalias()), _over_values(projection.unalias(), arguments))
        for projection in tree.expressions
        if list(aggregates(projection))
    }
    joined = _joined(tree)
    rows = tree.copy()
    for part in ("group", "having", "order", "limit", "offset", "distinct"):
        rows.set(part, None)
    grain = [one.copy() for one in tree.expressions if one.alias_or_name in contract["grain"]]
    if len(grain) < len(contract["grain"]) or any(list(aggregates(one)) for one in grain):
        raise NotInvertible("Its grain is not what its query groups by.")
    values = [exp.alias_(value.copy(), f"_value_{place}") for place, value in enumerate(arguments.values())]
    keys = [exp.alias_(_identity(leaf, contract), f"_leaf_{place}") for place, leaf in enumerate(joined)]
    rows.set("expressions", [*grain, *values, *keys])
    return _Plan(rows, list(arguments), joined, formulas)


def _joined(tree: exp.Select) -> list[Leaf]:
    """The tables that the aggregated query itself reads, also as the standing members of a dimension; what nested
    subqueries read has been aggregated before."""
    clause = tree.args.get("from_")
    sources = [clause.this] if clause is not None else []
    sources += [join.this for join in tree.args.get("joins") or ()]
    found: list[Leaf] = []
    for source in sources:
        inner = leaves(exp.select("*").from_(source.copy()))
        is_whole = isinstance(source, exp.Table) or (isinstance(source, exp.Subquery) and source.this.is_star)
        if is_whole and len(inner) == 1:
            found.append(Leaf(inner[0].table, source.alias_or_name, len(found)))
    return found


def _identity(leaf: Leaf, contract: dict[str, Any]) -> exp.Expr:
    """The identity of an input's row as JSON; NULL where an outer join found none."""
    names = contract.get("origins", {}).get(leaf.table, [])
    if not names:
        raise NotInvertible(f"Rows of {leaf.table} have no names.")
    columns = [exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(leaf.alias)) for name in names]
    pairs = [part for name, column in zip(names, columns, strict=True) for part in (exp.Literal.string(name), column)]
    built = exp.func("jsonb_build_object", *pairs)
    return exp.case().when(columns[0].copy().is_(exp.null()), exp.null()).else_(built)


def _over_values(node: exp.Expr, arguments: dict[str, exp.Expr]) -> exp.Expr:
    """A column's expression over the values of the rows: sum(f.quantity) becomes sum(e._value_0)."""
    node = node.copy()
    for call in list(aggregates(node)):
        for argument in list(_arguments(call)):
            text = text_of(argument)
            arguments.setdefault(text, argument.copy())
            place = list(arguments).index(text)
            argument.replace(exp.column(f"_value_{place}", table="e"))
    return node


def _arguments(call: exp.Expr) -> list[exp.Expr]:
    """The expressions over columns that a call of an aggregate has: arguments, FILTER, ORDER BY."""
    found: list[exp.Expr] = []

    def walk(node: exp.Expr) -> None:
        for child in node.iter_expressions():
            if isinstance(child, exp.Distinct | exp.Order | exp.Ordered | exp.Where | exp.AggFunc | exp.Filter) or (
                isinstance(child, exp.Tuple) and isinstance(node, exp.Distinct)
            ):
                walk(child)
            elif child.find(exp.Column) is not None and not isinstance(child, exp.DataType):
                found.append(child)

    walk(call)
    return found


# --- Asking -----------------------------------------------------------------------------------------------------------
def _fill(cursor: Cursor, explanation: Explanation, contract: dict[str, Any], plan: _Plan, most: int) -> None:
    table = f"{_quoted(contract['layer'])}.{_quoted(contract['name'])}"
    is_key = " AND ".join(_is(name, is_looked_up=name in contract.get("dimensions", {})) for name in contract["grain"])
    rows = plan.rows.sql("postgres").replace("%", "%%")
    row = f"jsonb_populate_record(NULL::{table}, %(key)s::jsonb) AS k"
    chosen = f"WITH e AS MATERIALIZED (SELECT q.* FROM ({rows}) AS q, {row} WHERE {is_key})"  # noqa: S608 - installed
    parameters = {
        "key": json.dumps({name: explanation.row[name] for name in contract["grain"]}, default=str),
        "most": most,
    }
    formulas = ", ".join(
        f"{formula.sql('postgres')} AS {_quoted(name)}".replace("%", "%%")
        for name, (_, formula) in plan.formulas.items()
    )
    # Cast to the types of the table, as a load does.
    cast = f"to_jsonb(jsonb_populate_record(NULL::{table}, to_jsonb(f)))::text"
    counted = f"{chosen} SELECT (SELECT count(*) FROM e), {cast} FROM (SELECT {formulas} FROM e) AS f"  # noqa: S608
    cursor.execute(counted, parameters)
    ((explanation.rows, recomputed),) = cursor.fetchall()
    now = loaded(recomputed)
    explanation.figures = [
        Figure(name, said, explanation.row[name], now[name], explanation.row[name] == now[name])
        for name, (said, _) in plan.formulas.items()
    ]
    explanation.arguments = plan.arguments
    first = f"{chosen} SELECT to_jsonb(e)::text FROM e ORDER BY e._leaf_0, e::text LIMIT %(most)s"  # noqa: S608
    cursor.execute(first, parameters)
    for (text,) in cursor.fetchall():
        found = loaded(text)
        values = [found[f"_value_{place}"] for place in range(len(plan.arguments))]
        keys = [(leaf.table, found[f"_leaf_{place}"]) for place, leaf in enumerate(plan.leaves)]
        explanation.contributions.append(Contribution(values, [(name, key) for name, key in keys if key is not None]))


def _is(name: str, *, is_looked_up: bool) -> str:
    """A column of the grain has the key's value; nobody's key is the unknown member."""
    equal = f"q.{_quoted(name)} = k.{_quoted(name)}"
    return f"({equal} OR (q.{_quoted(name)} IS NULL AND k.{_quoted(name)} = -1))" if is_looked_up else equal


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql("postgres")
