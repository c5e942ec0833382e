"""Append: every good row is kept, one silver row for each bronze row."""

from __future__ import annotations

from typing import ClassVar

from medallion.compile import checks, constraints, gates, outcomes, references, replay, text
from medallion.compile.loading import evaluated, finish, land_again, record, settle
from medallion.compile.text import Contract
from medallion.naming import ident, literal


class AppendHistory:
    """How an append table is stored, loaded, rebuilt and accounted for."""

    ROUTINES: ClassVar[dict[str, tuple[str, str]]] = {
        "load": ("PROCEDURE", "uuid"),
        "rebuild": ("PROCEDURE", "uuid"),
        "replay": replay.SIGNATURE,
        "outcomes": ("FUNCTION", ""),
    }

    def create_table(self, contract: Contract) -> str:
        """One row for each bronze row, found by its id."""
        required = set(contract.get("key", []))
        columns = [
            f"{ident(column['name'])} {column['type']}" + (" NOT NULL" if column["name"] in required else "")
            for column in contract["columns"]
        ]
        meta = [
            "_source_bronze_id bigint PRIMARY KEY",
            "_batch_id uuid NOT NULL",
            "_loaded_at timestamptz NOT NULL DEFAULT now()",
        ]
        table = text.relation(contract)
        return (
            f"CREATE TABLE {table} (\n{text.lines([*columns, *meta, *constraints.in_table(contract)])}\n);\n"
            + text.comment(f"TABLE {table}", contract.get("description", ""))
        )

    def routines(self, contract: Contract) -> list[str]:
        return [self._load(contract), self._rebuild(contract), replay.append(contract), outcomes.append(contract)]

    def _load(self, contract: Contract) -> str:
        columns = [column["name"] for column in contract["columns"]]
        return text.procedure(
            text.routine(contract, "load"),
            "in_batch_id uuid DEFAULT NULL",
            "l_load record;\nl_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());\nl_read bigint;\n"
            "l_good bigint;\nl_inserted bigint;\nl_rejected bigint;",
            f"""\
{gates.rebuild_first(contract)}\
SELECT * INTO l_load FROM dwh_lineage.begin_load({literal(text.target(contract))}, l_batch_id);
IF l_load.taken IS NULL THEN
    RETURN;
END IF;
{evaluated(contract, "l_load.taken")}
{gates.check(contract)}{gates.record_rules(contract)}{references.retry(contract)}
INSERT INTO {text.relation(contract)} ({text.names(columns)}, _source_bronze_id, _batch_id)
SELECT {text.names(columns, "e")}, e._bronze_id, l_batch_id
FROM pg_temp.evaluated AS e
WHERE e._broken IS NULL AND NOT e._deleted
-- A batch that is taken again, after the watermark was moved back, brings nothing twice.
ON CONFLICT (_source_bronze_id) DO NOTHING;
GET DIAGNOSTICS l_inserted = ROW_COUNT;
SELECT count(*) INTO l_good FROM pg_temp.evaluated AS e WHERE e._broken IS NULL AND NOT e._deleted;

{record(contract)}
{land_again(contract)}
{checks.ask_table(contract)}\
{finish(contract, "l_inserted, in_unchanged => l_good - l_inserted, in_rejected => l_rejected")}""",
            f"Loads what waits for {text.target(contract)}: good rows are appended, the others become exceptions. "
            "Takes the run's id. Locks the table's row in dwh_lineage.targets.",
        )

    def _rebuild(self, contract: Contract) -> str:
        columns = [column["name"] for column in contract["columns"]]
        table = text.relation(contract)
        return text.procedure(
            text.routine(contract, "rebuild"),
            "in_batch_id uuid DEFAULT NULL",
            "l_load record;\nl_batch_id uuid := coalesce(in_batch_id, gen_random_uuid());\nl_read bigint;\n"
            "l_inserted bigint;\nl_updated bigint;\nl_deleted bigint;\nl_good bigint;\nl_rejected bigint;",
            f"""\
SELECT * INTO l_load FROM dwh_lineage.begin_load({literal(text.target(contract))}, l_batch_id, true);
{evaluated(contract, "NULL")}
ANALYZE pg_temp.evaluated;

DELETE FROM {table} AS s
WHERE NOT EXISTS (
    SELECT 1 FROM pg_temp.evaluated AS e WHERE e._bronze_id = s._source_bronze_id AND e._broken IS NULL
)
    -- Rows whose bronze row went by retention stay.
    AND EXISTS (SELECT 1 FROM {ident("bronze", contract["source"].split(".")[1] + "_rows")} AS b
                WHERE b._bronze_id = s._source_bronze_id);
GET DIAGNOSTICS l_deleted = ROW_COUNT;

UPDATE {table} AS s
SET {", ".join(f"{ident(name)} = e.{ident(name)}" for name in columns)}, _batch_id = l_batch_id, _loaded_at = now()
FROM pg_temp.evaluated AS e
WHERE e._bronze_id = s._source_bronze_id AND e._broken IS NULL
    AND {text.row(columns, "s")} IS DISTINCT FROM {text.row(columns, "e")};
GET DIAGNOSTICS l_updated = ROW_COUNT;

INSERT INTO {table} ({text.names(columns)}, _source_bronze_id, _batch_id)
SELECT {text.names(columns, "e")}, e._bronze_id, l_batch_id
FROM pg_temp.evaluated AS e
WHERE e._broken IS NULL
    AND NOT EXISTS (SELECT 1 FROM {table} AS s WHERE s._source_bronze_id = e._bronze_id);
GET DIAGNOSTICS l_inserted = ROW_COUNT;

SELECT count(*) INTO l_good FROM pg_temp.evaluated AS e WHERE e._broken IS NULL;
{record(contract)}
{settle(contract)}
UPDATE dwh_lineage.targets SET needs_rebuild = false
WHERE target = {literal(text.target(contract))} AND needs_rebuild;
{finish(contract, "l_inserted, l_updated, l_deleted, l_good - l_inserted - l_updated, l_rejected")}""",
            f"Makes {text.target(contract)} what bronze and the rules say, in place: only differences are written. "
            "Takes the run's id. Locks the table's row in dwh_lineage.targets.",
        )


HISTORY = AppendHistory()
