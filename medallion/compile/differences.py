"""The load of a star's table: its query in full, its checks, and what differs written."""

from __future__ import annotations

from medallion.compile import checks, text
from medallion.compile.stars import has_versions, is_dimension, names
from medallion.compile.text import Contract
from medallion.naming import ident, literal
from medallion.query import Query


def load(contract: Contract) -> str:
    """`dwh_etl.load_gold_x`."""
    target = literal(text.target(contract))
    operation = "aggregate" if contract["kind"] == "aggregate" else "transform"
    return text.procedure(
        text.routine(contract, "load"),
        "in_batch_id uuid DEFAULT NULL",
        "l_load record;\nl_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());\nl_computed bigint;\n"
        "l_inserted bigint;\nl_updated bigint;\nl_deleted bigint;\n"
        f"l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = {target});",
        f"""\
SELECT * INTO l_load FROM dwh_lineage.begin_load({target}, l_batch_id, l_anew);
IF l_load.taken IS NULL THEN
    RETURN;
END IF;
{computed(contract)}GET DIAGNOSTICS l_computed = ROW_COUNT;
CALL dwh_etl.align_types({target});
ANALYZE pg_temp.computed;
{checks.ask(contract)}{_before(contract)}
{_delete(contract)}
GET DIAGNOSTICS l_deleted = ROW_COUNT;

{_update(contract)}
{_insert(contract)}
GET DIAGNOSTICS l_inserted = ROW_COUNT;
{_after(contract)}
UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = {target} AND needs_rebuild;
PERFORM dwh_lineage.finish_load(
    l_load.load_batch, {literal(operation)},
    jsonb_build_object({read(contract)}),
    l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated
);""",
        f"Computes {text.target(contract)} in full and writes what differs. Takes the run's id. Locks the table's row "
        "in dwh_lineage.targets.",
    )


def computed(contract: Contract) -> str:
    """The query's rows in pg_temp.computed; keys of dimensions that lead nowhere are those of the unknown member."""
    query = Query(contract["query"]).among_standing(contract.get("standing", {}))
    dimensions = contract.get("dimensions", {})
    if dimensions:
        values = [
            f"coalesce(q.{ident(name)}, -1) AS {ident(name)}" if name in dimensions else f"q.{ident(name)}"
            for name in names(contract)
        ]
        query = f"SELECT\n{text.lines(values)}\nFROM (\n{query}\n) AS q"
    return f"DROP TABLE IF EXISTS pg_temp.computed;\nCREATE TEMP TABLE computed ON COMMIT DROP AS\n{query};\n"


def read(contract: Contract) -> str:
    """Each source with its rows, as arguments of jsonb_build_object."""
    sources = Query(contract["query"]).tables()
    return ", ".join(f"{literal(name)}, (SELECT count(*) FROM {ident(*name.split('.'))})" for name in sources)


def _before(contract: Contract) -> str:
    """The unknown member; the partitions that the rows need."""
    target, made = literal(text.target(contract)), ""
    if is_dimension(contract):
        made += f"PERFORM dwh_etl.ensure_unknown_member({target});\n"
    if "partition" in contract:
        column = ident(contract["partition"]["column"])
        digits = {"year": 4, "month": 6}[contract["partition"]["every"]]
        period = f"left(replace(c.{column}::text, '-', ''), {digits})"
        made += (
            f"PERFORM dwh_etl.ensure_partitions({target}, ARRAY(\n"
            f"    SELECT DISTINCT {period} FROM pg_temp.computed AS c WHERE c.{column}::text NOT LIKE '-%'\n));\n"
        )
        if contract["partition"]["column"] not in contract["grain"]:
            made += f"PERFORM dwh_etl.refuse_doubles({target}, {literal(contract['grain'])});\n"
    return made


def _delete(contract: Contract) -> str:
    """Rows that the query does not give any more. A dimension's are retired; `_after` deletes what it may."""
    gone = f"NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE {text.equal(contract['grain'], 'c', 'g')})"
    if not is_dimension(contract):
        return f"DELETE FROM {text.relation(contract)} AS g\nWHERE {gone};"
    ended = "is_current = false, " if has_versions(contract) else ""
    return (
        f"UPDATE {text.relation(contract)} AS g\n"
        f"SET _retired_at = now(), {ended}_batch_id = l_batch_id, _loaded_at = now()\n"
        f"WHERE g._retired_at IS NULL AND g.{ident(contract['surrogate'])} > 0 AND {gone};"
    )


def _update(contract: Contract) -> str:
    grain = contract["grain"]
    values = [name for name in names(contract) if name not in grain]
    sets = [f"{ident(name)} = c.{ident(name)}" for name in values]
    differs = f"{text.row(values, 'g')} IS DISTINCT FROM {text.row(values, 'c')}" if values else "false"
    matches = text.equal(grain, "g", "c")
    if is_dimension(contract):
        sets.append("_retired_at = NULL")
        differs = f"({differs} OR g._retired_at IS NOT NULL)"
        matches += f" AND g.{ident(contract['surrogate'])} > 0"
    if not sets:
        return "l_updated := 0;\n"
    return f"""\
UPDATE {text.relation(contract)} AS g
SET {", ".join(sets)}, _batch_id = l_batch_id, _loaded_at = now()
FROM pg_temp.computed AS c
WHERE {matches} AND {differs};
GET DIAGNOSTICS l_updated = ROW_COUNT;
"""


def _insert(contract: Contract) -> str:
    members = f" AND g.{ident(contract['surrogate'])} > 0" if is_dimension(contract) else ""
    columns = names(contract)
    return f"""\
INSERT INTO {text.relation(contract)} ({text.names(columns)}, _batch_id)
SELECT {text.names(columns, "c")}, l_batch_id
FROM pg_temp.computed AS c
WHERE NOT EXISTS (
    SELECT 1 FROM {text.relation(contract)} AS g WHERE {text.equal(contract["grain"], "g", "c")}{members}
);"""


def _after(contract: Contract) -> str:
    """What a load owes the tables around it: constraints, and members that nothing refers to any more."""
    target = text.target(contract)
    dimensions = [target] if is_dimension(contract) else sorted(lookups(contract))
    purged = "".join(f"PERFORM dwh_etl.purge_retired({literal(dimension)});\n" for dimension in dimensions)
    held = contract.get("dimensions") or contract.get("required")
    return (f"CALL dwh_etl.ensure_constraints({literal(target)});\n" if held else "") + purged


def lookups(contract: Contract) -> set[str]:
    """The dimensions of a fact whose members can be retired."""
    return {dimension["table"] for dimension in contract.get("dimensions", {}).values() if dimension.get("members")}
