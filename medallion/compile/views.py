"""Materialized views, refreshed by their loads."""

from __future__ import annotations

from medallion.compile import by_keys, stars, text
from medallion.compile.text import Contract
from medallion.naming import ident, literal
from medallion.query import Query


def create(contract: Contract) -> str:
    """The view with its rows, the unique index that lets people read it during a refresh, and its routines."""
    view = text.relation(contract)
    query = Query(contract["query"]).among_standing(contract.get("standing", {}))
    made = stars.indexes(contract)
    declared = [index for index in contract.get("indexes", {}).values() if index.get("unique")]
    if not any(index["columns"] == contract["grain"] and "where" not in index for index in declared):
        name = ident(contract["name"] + "_pk")
        made[name] = f"CREATE UNIQUE INDEX {name} ON {view} ({text.names(contract['grain'])});\n"
    comment = text.comment(f"MATERIALIZED VIEW {view}", contract.get("description", ""))
    return (
        f"CREATE MATERIALIZED VIEW {view} AS\n{query};\n{comment}{''.join(made.values())}\n"
        f"{_load(contract)}\n{_rebuild(contract)}"
    )


def _load(contract: Contract) -> str:
    target = literal(text.target(contract))
    return text.procedure(
        text.routine(contract, "load"),
        "in_batch_id uuid DEFAULT NULL",
        "l_load record;\nl_written record;\n"
        f"l_anew boolean := (SELECT t.needs_rebuild FROM dwh_lineage.targets AS t WHERE t.target = {target});",
        f"""\
SELECT * INTO l_load
FROM dwh_lineage.begin_load({target}, coalesce(in_batch_id, gen_random_uuid()), l_anew);
IF l_load.taken IS NULL THEN
    RETURN;
END IF;
SELECT * INTO l_written FROM dwh_etl.refresh_view({target});
UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = {target} AND needs_rebuild;
PERFORM dwh_lineage.finish_load(
    l_load.load_batch, 'refresh', jsonb_build_object({by_keys.read(contract)}),
    l_written.inserted, 0, l_written.deleted, l_written.unchanged
);""",
        f"Refreshes {text.target(contract)} while people read it. Takes the run's id. Locks the table's row in "
        "dwh_lineage.targets.",
    )


def _rebuild(contract: Contract) -> str:
    return text.procedure(
        text.routine(contract, "rebuild"),
        "in_batch_id uuid DEFAULT NULL",
        "",
        f"UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = {literal(text.target(contract))};\n"
        f"CALL {text.routine(contract, 'load')}(in_batch_id);",
        f"Refreshes {text.target(contract)} although nothing waits for it. Takes the run's id. Locks the table's row "
        "in dwh_lineage.targets.",
    )
