"""The load of a star's table: its query for the keys that changes touch or in full, its checks, and what differs
written."""

from __future__ import annotations

from medallion.affected import Plan
from medallion.compile import by_keys, by_sums, checks, text
from medallion.compile.stars import has_versions, is_dimension, names
from medallion.compile.text import Contract
from medallion.naming import ident, literal
from medallion.query import Query


def load(contract: Contract) -> str:
    """`dwh_etl.load_gold_x`."""
    target, found = literal(text.target(contract)), by_keys.of(contract)
    operation = "aggregate" if contract["kind"] == "aggregate" else "transform"
    writing = f"{_delete(contract)}\nGET DIAGNOSTICS l_deleted = ROW_COUNT;\n"
    if isinstance(found, Plan):
        variables, computing, way = _either(contract, found)
        touched = _delete(contract, by_keys.is_touched(contract, "g"))
        writing = by_keys.either(f"{touched}\nGET DIAGNOSTICS l_deleted = ROW_COUNT;", writing)
        said = "Computes {} for the keys that changes of its inputs touch, or in full where these are many"
    else:
        variables, way = "", f"dwh_etl.way_of_load({literal(str(found))}, NULL)"
        computing = computed(contract)
        said = f"Computes {{}} in full, because {found},"
    counted = "l_read" if variables else f"jsonb_build_object({by_keys.read(contract)})"
    return text.procedure(
        text.routine(contract, "load"),
        "in_batch_id uuid DEFAULT NULL",
        "l_load record;\nl_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());\nl_computed bigint;\n"
        "l_inserted bigint;\nl_updated bigint;\nl_deleted bigint;\n"
        f"l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = {target});\n"
        + variables,
        f"""\
SELECT * INTO l_load FROM dwh_lineage.begin_load({target}, l_batch_id, l_anew);
IF l_load.taken IS NULL THEN
    RETURN;
END IF;
{computing}RAISE NOTICE '%', {target} || ': ' || {way};
SELECT count(*) INTO l_computed FROM pg_temp.computed;
CALL dwh_etl.align_types({target});
ANALYZE pg_temp.computed;
{checks.ask(contract, isinstance(found, Plan))}{_before(contract)}
{writing}
{_update(contract)}
{_insert(contract)}
GET DIAGNOSTICS l_inserted = ROW_COUNT;
{_after(contract)}
UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = {target} AND needs_rebuild;
PERFORM dwh_lineage.finish_load(
    l_load.load_batch, {literal(operation)},
    {counted},
    l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated, in_notes => {way}
);""",
        f"{said.format(text.target(contract))} and writes what differs. Takes the run's id. Locks the table's row "
        "in dwh_lineage.targets.",
    )


def _either(contract: Contract, found: Plan) -> tuple[str, str, str]:
    """The variables of a load by keys, what makes pg_temp.computed, and SQL of how it went."""
    asked, touched = by_keys.asked(contract, found), by_keys.touched(contract, found)
    sums = by_sums.of(contract)
    if sums is not None:
        asked += by_sums.asked(contract, found, sums, touched)
        variables = by_keys.declared(found) + by_sums.DECLARED
        return variables, asked + by_sums.computed(contract, sums), "dwh_etl.way_of_load(l_full, l_keys, l_summed)"
    asked += f"IF l_full IS NULL THEN\n{text.indented(touched).rstrip()}\nEND IF;\n"
    computing = by_keys.either(
        by_keys.narrowed(contract, found, _values(contract)),
        f"{computed(contract)}l_read := jsonb_build_object({by_keys.read(contract)});",
    )
    return by_keys.declared(found), asked + computing, "dwh_etl.way_of_load(l_full, l_keys)"


def computed(contract: Contract) -> str:
    """The query's rows in pg_temp.computed; keys of dimensions that lead nowhere are those of the unknown member."""
    query = Query(contract["query"]).among_standing(contract.get("standing", {}))
    if contract.get("dimensions"):
        query = f"SELECT\n{_values(contract)}\nFROM (\n{query}\n) AS q"
    return f"DROP TABLE IF EXISTS pg_temp.computed;\nCREATE TEMP TABLE computed ON COMMIT DROP AS\n{query};\n"


def _values(contract: Contract) -> str:
    dimensions = contract.get("dimensions", {})
    return text.lines(
        f"coalesce(q.{ident(name)}, -1) AS {ident(name)}" if name in dimensions else f"q.{ident(name)}"
        for name in names(contract)
    )


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


def _delete(contract: Contract, among: str = "") -> str:
    """Rows that the query does not give any more. A dimension's are retired; `_after` deletes what it may. among: a
    condition of the rows that were computed."""
    gone = f"NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE {text.equal(contract['grain'], 'c', 'g')})"
    gone = f"{among}\n    AND {gone}" if among else gone
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
