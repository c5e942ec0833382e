"""Bronze tables: a lean partitioned table that COPY writes, and a view of it with what the ledger knows."""

from __future__ import annotations

from medallion.compile import records, text
from medallion.compile.text import Contract
from medallion.naming import ident, literal


def rows_name(contract: Contract) -> str:
    """The name of the table that holds the rows."""
    return f"{contract['name']}_rows"


def create(contract: Contract, warehouse: str) -> str:
    """The table, its guards, this month's partition, the view, the grants."""
    rows = ident("bronze", rows_name(contract))
    source_columns = [column["name"] for column in contract["columns"]]
    return f"""\
-- Rows of {text.target(contract)} as they arrived. What is constant for a batch stands once, in dwh_lineage.batches.
CREATE TABLE {rows} (
    _bronze_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1000) NOT NULL,
    _ingested_at timestamptz NOT NULL DEFAULT now(),
    -- STABLE, so that COPY still writes many rows at a time; the guards see that it names a batch of this transaction.
    _batch_no bigint NOT NULL DEFAULT current_setting('assay.batch_no')::bigint,
{text.lines(f"{ident(name)} text" for name in source_columns)},
{text.lines(f"{name} jsonb" for name in records.documents(contract))}
) PARTITION BY RANGE (_ingested_at);
{text.comment(f"TABLE {rows}", f"Rows of {text.target(contract)}")}CREATE INDEX ON {rows} USING brin (_bronze_id);

{_register(contract, warehouse)}
CALL dwh_etl.guard_bronze({literal(rows)}, {literal(text.target(contract))});
CALL dwh_etl.ensure_bronze_partitions({literal(text.target(contract))});

{_view(contract, source_columns)}
{_grants(contract, source_columns)}{_dependency(contract)}{records.land(contract)}{_handwritten(contract)}"""


def replace(old: Contract, new: Contract, warehouse: str) -> str:
    """What a new declaration adds. A column that it no longer names stays with its values: bronze loses nothing."""
    rows = ident("bronze", rows_name(new))
    columns = [column["name"] for column in new["columns"]]
    known = {column["name"] for column in old["columns"]}
    filled = [_filled(old, new, column) for column in new["columns"] if column["name"] not in known]
    come = [f"{ident(name)} text" for name in columns]
    come += [f"{name} jsonb" for name in records.documents(new) if name not in records.documents(old)]
    gone = records.drop(old) if not new.get("records") else ""
    return f"""\
{text.drop_handwritten(old)}\
{"".join(f"ALTER TABLE {rows} ADD COLUMN IF NOT EXISTS {added};{chr(10)}" for added in come)}
{_register(new, warehouse)}
{"".join(filled)}DROP VIEW {text.relation(new)};
{_view(new, columns)}
{_grants(new, columns)}{_dependency(new)}{gone}{records.land(new)}{_handwritten(new)}"""


def _filled(old: Contract, contract: Contract, column: Contract) -> str:
    """A column that is declared only now, from what rows that came before have kept of it."""
    target, name = literal(text.target(contract)), literal(column["name"])
    if contract.get("records"):
        value = records.kept(contract, column) if old.get("records") else None
        return f"CALL dwh_etl.fill_column({target}, {name}, {literal(value)});\n" if value else ""
    headers = literal([column["name"], *column.get("headers", [])])
    return f"CALL dwh_etl.fill_from_extra({target}, {name}, {headers});\n"


def remove(contract: Contract) -> str:
    """Takes the table away; refused while it holds rows, for nothing could bring them back."""
    return f"""\
SELECT dwh_etl.refuse_if_rows({literal(ident("bronze", rows_name(contract)))});
{text.unregister(contract)}{text.drop_handwritten(contract)}{records.drop(contract)}DROP VIEW {text.relation(contract)};
DROP TABLE {ident("bronze", rows_name(contract))};
"""


def _register(contract: Contract, warehouse: str) -> str:
    return text.register(contract, warehouse, ident("bronze", rows_name(contract)), {})


def _view(contract: Contract, source_columns: list[str]) -> str:
    ledger = {"_batch_id": "batch_id", "_source_system": "source_system", "_source_file": "source_file"}
    # Scalar subqueries, not a join: the view stays insertable, and what is not selected costs nothing.
    looked_up = [
        f"(SELECT b.{column} FROM dwh_lineage.batches AS b WHERE b.batch_no = r._batch_no) AS {name}"
        for name, column in ledger.items()
    ]
    selected = ["r._bronze_id", "r._ingested_at", "r._batch_no", *looked_up]
    selected += [f"r.{ident(name)}" for name in source_columns] + [f"r.{name}" for name in records.documents(contract)]
    view = text.relation(contract)
    return (
        f"CREATE VIEW {view} AS\nSELECT\n{text.lines(selected)}\nFROM {ident('bronze', rows_name(contract))} AS r;\n"
        + text.comment(f"VIEW {view}", contract.get("description", ""))
    )


def _grants(contract: Contract, source_columns: list[str]) -> str:
    # INSERT on the source columns only: no foreign row can name a batch.
    insertable = text.names([*source_columns, *records.documents(contract)])
    return "".join(
        f"SELECT dwh_lineage.grant_to('etl_service', {literal(f'INSERT ({insertable}) ON {relation}')});\n"
        for relation in (text.relation(contract), ident("bronze", rows_name(contract)))
    )


def _handwritten(contract: Contract) -> str:
    return "".join(f"\n{routine}" for routine in text.handwritten(contract))


def _dependency(contract: Contract) -> str:
    return (
        "INSERT INTO dwh_lineage.table_dependencies (upstream_table, downstream_table, origin)\n"
        f"VALUES ({literal(contract['source']['name'])}, {literal(text.target(contract))}, 'declared')\n"
        "ON CONFLICT DO NOTHING;\n"
    )
