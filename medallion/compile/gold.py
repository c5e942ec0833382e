"""Gold tables: the query computed in full, and only differences written."""

from __future__ import annotations

from medallion.compile import text
from medallion.compile.lineage import declared
from medallion.compile.text import Contract
from medallion.naming import ident, literal
from medallion.query import Query


def create(contract: Contract, warehouse: str) -> str:
    """The table (its types are the query's), its load routine and its metadata."""
    return "\n".join([_table(contract), _load(contract), _rebuild(contract), _metadata(contract, warehouse)])


def replace(old: Contract, new: Contract, warehouse: str) -> str:
    """A new query. The same columns: the table stands until the next run writes what differs; else it is made anew."""
    if _shape(old) != _shape(new):
        return "\n".join([_drop(old), create(new, warehouse), _take_everything(new)])
    changed = old["query"] != new["query"]
    pieces = [_load(new), _rebuild(new), _metadata(new, warehouse)]
    return "\n".join([*pieces, _take_everything(new)] if changed else pieces)


def remove(contract: Contract) -> str:
    """Takes the table away. Nothing is lost: its query can make it again."""
    return text.unregister(contract) + _drop(contract)


def _shape(contract: Contract) -> tuple[object, ...]:
    return contract["grain"], contract["columns"], contract.get("surrogate")


def _drop(contract: Contract) -> str:
    return (
        f"DROP PROCEDURE {text.routine(contract, 'load')}(uuid);\n"
        f"DROP PROCEDURE {text.routine(contract, 'rebuild')}(uuid);\nDROP TABLE {text.relation(contract)};\n"
    )


def _take_everything(contract: Contract) -> str:
    return f"UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = {literal(text.target(contract))};\n"


def _names(contract: Contract) -> list[str]:
    return [column["name"] for column in contract["columns"]]


def _table(contract: Contract) -> str:
    table, grain, surrogate = text.relation(contract), contract["grain"], contract.get("surrogate")
    selected = f"NULL::bigint AS {ident(surrogate)}, q.*" if surrogate else "q.*"
    altered = [f"ALTER COLUMN {ident(name)} SET NOT NULL" for name in grain]
    altered += ["ADD COLUMN _batch_id uuid NOT NULL", "ADD COLUMN _loaded_at timestamptz NOT NULL DEFAULT now()"]
    if surrogate:
        altered += [f"ALTER COLUMN {ident(surrogate)} SET NOT NULL", f"ADD PRIMARY KEY ({ident(surrogate)})"]
        altered += [f"ADD CONSTRAINT {ident(contract['name'] + '_key')} UNIQUE ({text.names(grain)})"]
    else:
        altered += [f"ADD PRIMARY KEY ({text.names(grain)})"]
    identity = (
        f"ALTER TABLE {table} ALTER COLUMN {ident(surrogate)} ADD GENERATED ALWAYS AS IDENTITY;\n" if surrogate else ""
    )
    return (
        f"-- The types of the columns are those of the query.\nCREATE TABLE {table} AS\nSELECT {selected}\nFROM (\n"
        f"{contract['query']}\n) AS q\nWITH NO DATA;\nALTER TABLE {table}\n{text.lines(altered)};\n{identity}"
        f"{text.comment(f'TABLE {table}', contract.get('description', ''))}"
    )


def _load(contract: Contract) -> str:
    """The query in full, and what differs written: delete, update, insert."""
    table, grain, columns = text.relation(contract), contract["grain"], _names(contract)
    values = [name for name in columns if name not in grain]
    target = literal(text.target(contract))
    sources = Query(contract["query"]).tables()
    read = ", ".join(f"{literal(name)}, (SELECT count(*) FROM {ident(*name.split('.'))})" for name in sources)
    update = (
        f"""\
UPDATE {table} AS g
SET {", ".join(f"{ident(name)} = c.{ident(name)}" for name in values)}, _batch_id = l_batch_id, _loaded_at = now()
FROM pg_temp.computed AS c
WHERE {text.equal(grain, "g", "c")} AND {text.row(values, "g")} IS DISTINCT FROM {text.row(values, "c")};
GET DIAGNOSTICS l_updated = ROW_COUNT;
"""
        if values
        else "l_updated := 0;\n"
    )
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
DROP TABLE IF EXISTS pg_temp.computed;
CREATE TEMP TABLE computed ON COMMIT DROP AS
{contract["query"]};
GET DIAGNOSTICS l_computed = ROW_COUNT;
CALL dwh_etl.align_types({target});
ANALYZE pg_temp.computed;

DELETE FROM {table} AS g
WHERE NOT EXISTS (SELECT 1 FROM pg_temp.computed AS c WHERE {text.equal(grain, "c", "g")});
GET DIAGNOSTICS l_deleted = ROW_COUNT;

{update}
INSERT INTO {table} ({text.names(columns)}, _batch_id)
SELECT {text.names(columns, "c")}, l_batch_id
FROM pg_temp.computed AS c
WHERE NOT EXISTS (SELECT 1 FROM {table} AS g WHERE {text.equal(grain, "g", "c")});
GET DIAGNOSTICS l_inserted = ROW_COUNT;

UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = {target} AND needs_rebuild;
PERFORM dwh_lineage.finish_load(
    l_load.load_batch, {literal("aggregate" if contract["kind"] == "aggregate" else "transform")},
    jsonb_build_object({read}),
    l_inserted, l_updated, l_deleted, l_computed - l_inserted - l_updated
);""",
        f"Computes {text.target(contract)} in full and writes what differs. Takes the run's id. Locks the table's row "
        "in dwh_lineage.targets.",
    )


def _rebuild(contract: Contract) -> str:
    return text.procedure(
        text.routine(contract, "rebuild"),
        "in_batch_id uuid DEFAULT NULL",
        "",
        f"{_take_everything(contract)}CALL {text.routine(contract, 'load')}(in_batch_id);",
        f"Computes {text.target(contract)} although nothing waits for it. Takes the run's id. Locks the table's row in "
        "dwh_lineage.targets.",
    )


def _metadata(contract: Contract, warehouse: str) -> str:
    query = Query(contract["query"])
    routines = {f"{verb}_routine": text.routine(contract, verb) for verb in ("load", "rebuild")}
    registered = text.register(contract, warehouse, text.relation(contract), routines)
    edges = [
        (source, source_column, column, expression, "DIRECT", column in contract["grain"])
        for column, source, source_column, expression in query.column_sources()
    ]
    return "\n".join([registered, text.inputs(contract, query.tables()), declared(text.target(contract), edges)])
