"""`dwh_etl.origins_gold_x`: which rows of its inputs each row of a gold table is made of, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence

from lineage.inversion import Leaf, NotInvertible, contributions, hidden, leaves, parsed
from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import ident, literal
from medallion.query import Query

ARGUMENTS = "jsonb, text, jsonb"


def routine(contract: Contract) -> str | None:
    """The function's name; None where the query cannot be turned around."""
    return text.routine(contract, "origins") if _branches(contract) else None


def create(contract: Contract) -> list[str]:
    """The function, if there is one."""
    branches = _branches(contract)
    if not branches:
        return []
    own = ident(contract["layer"], contract["name"])
    variables = [f"l_key {own}%ROWTYPE := jsonb_populate_record(NULL::{own}, in_key);"]
    variables += [
        f"{_variable(place)} {ident(*table.split('.'))}%ROWTYPE := jsonb_populate_record(\n"
        f"    NULL::{ident(*table.split('.'))}, CASE WHEN in_source = {literal(table)} THEN in_source_key END\n);"
        for place, table in enumerate(_inputs(branches))
    ]
    body = "\n".join(_branch(contract, leaf, query, _inputs(branches)) for leaf, query in branches)
    return [
        f"""\
-- Which rows of its inputs each row of {text.target(contract)} is made of: the query, turned around. in_key: one row by
-- its grain, NULL for all; in_source, in_source_key: what is made of one row of an input. Without an aggregate's rows
-- that conditions alone look at. No side effects.
CREATE OR REPLACE FUNCTION {text.routine(contract, "origins")}(
    in_key jsonb DEFAULT NULL, in_source text DEFAULT NULL, in_source_key jsonb DEFAULT NULL
)
RETURNS TABLE (key jsonb, source_table text, source_key jsonb)
LANGUAGE plpgsql
STABLE
{text.PINNED}
SET plan_cache_mode = force_custom_plan
AS $routine$
#variable_conflict use_column
DECLARE
{text.lines(variables, separator="")}
BEGIN
{text.indented(body.rstrip())}
END
$routine$;
"""
    ]


def drop(contract: Contract) -> str:
    """Takes the function away."""
    name = routine(contract)
    return f"DROP FUNCTION {name}({ARGUMENTS});\n" if name else ""


def _branches(contract: Contract) -> list[tuple[Leaf, str]]:
    """(input, query that gives grain and the input's identity) for each contributing occurrence of an input; none where
    the query cannot be turned around."""
    identities = contract.get("origins")
    if not identities or "query" not in contract:
        return []
    try:
        tree = parsed(Query(contract["query"]).among_standing(contract.get("standing", {})))
        return [
            (leaf, contributions(tree, leaf, contract["grain"], identities[leaf.table]).sql("postgres", pretty=True))
            for leaf in leaves(tree)
            if leaf.table in identities
        ]
    except NotInvertible:
        return []


def _inputs(branches: Sequence[tuple[Leaf, str]]) -> list[str]:
    return list(dict.fromkeys(leaf.table for leaf, _ in branches))


def _variable(place: int) -> str:
    return f"l_source_{place + 1}"


def _branch(contract: Contract, leaf: Leaf, query: str, inputs: list[str]) -> str:
    identity = contract["origins"][leaf.table]
    dimensions = contract.get("dimensions", {})
    grain = {
        name: f"coalesce(q.{ident(name)}, -1)" if name in dimensions else f"q.{ident(name)}"
        for name in contract["grain"]
    }
    given = dict(zip(identity, (f"q.{name}" for name in hidden(len(identity))), strict=True))
    source = _variable(inputs.index(leaf.table))
    is_key = " AND ".join(_is(name, is_looked_up=name in dimensions) for name in grain)
    is_source = " AND ".join(f"{value} = {source}.{ident(name)}" for name, value in given.items())
    return f"""\
IF in_source IS NULL OR in_source = {literal(leaf.table)} THEN
    RETURN QUERY
    SELECT DISTINCT
        {_object(grain)},
        {literal(leaf.table)},
        {_object(given)}
    FROM (
{text.indented(query, 2)}
    ) AS q
    WHERE {next(iter(given.values()))} IS NOT NULL
        AND (in_key IS NULL OR ({is_key}))
        AND (in_source_key IS NULL OR ({is_source}));
END IF;"""


def _is(name: str, *, is_looked_up: bool) -> str:
    """A column of the grain has the key's value; in a way that an index can serve."""
    equal = f"q.{ident(name)} = l_key.{ident(name)}"
    return f"({equal} OR (q.{ident(name)} IS NULL AND l_key.{ident(name)} = -1))" if is_looked_up else equal


def _object(values: dict[str, str]) -> str:
    return f"jsonb_build_object({', '.join(f'{literal(name)}, {value}' for name, value in values.items())})"
