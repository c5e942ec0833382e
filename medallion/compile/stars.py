"""The tables of a star: dimensions, facts, aggregates, with their keys, partitions, indexes and constraints."""

from __future__ import annotations

from medallion.compile import text
from medallion.compile.constraints import generated_column
from medallion.compile.text import Contract
from medallion.naming import ident, literal

#: How the types of a query get into a table whose other columns are declared.
SHAPE = "dwh_staging.shape"


def create(contract: Contract) -> str:
    """The table. The types of its columns are those of the query."""
    table, name = text.relation(contract), contract["name"]
    members = [
        *_surrogate(contract),
        f"LIKE {SHAPE}",
        *(generated_column(column) for column in contract.get("generated", [])),
        *(["_retired_at timestamptz"] if is_dimension(contract) else []),
        "_batch_id uuid NOT NULL",
        "_loaded_at timestamptz NOT NULL DEFAULT now()",
        *_keys(contract),
        *(f"CONSTRAINT {ident(name)} CHECK ({how})" for name, how in contract.get("constraints", {}).items()),
    ]
    partition = contract.get("partition")
    by = f" PARTITION BY RANGE ({ident(partition['column'])})" if partition else ""
    never_null = [f"ALTER COLUMN {ident(column)} SET NOT NULL" for column in never_null_columns(contract)]
    return (
        f"{shape(contract)}CREATE TABLE {table} (\n{text.lines(members)}\n){by};\n"
        f"DROP TABLE {SHAPE};\nALTER TABLE {table}\n{text.lines(never_null)};\n"
        f"{text.comment(f'TABLE {table}', contract.get('description', ''))}{_key_index(contract, name)}"
        f"{''.join(indexes(contract).values())}"
    )


def shape(contract: Contract) -> str:
    """An empty table with the columns of the query."""
    return f"CREATE TABLE {SHAPE} AS\nSELECT q.*\nFROM (\n{contract['query']}\n) AS q\nWITH NO DATA;\n"


def is_dimension(contract: Contract) -> bool:
    """Whether the table has members that can be retired, and an unknown one."""
    return contract["kind"] == "dimension" and bool(contract.get("surrogate"))


def has_versions(contract: Contract) -> bool:
    """Whether a dimension is of type 2."""
    return contract["kind"] == "dimension" and "valid_from" in contract["grain"]


def names(contract: Contract) -> list[str]:
    """The columns that the query gives."""
    return [column["name"] for column in contract["columns"]]


def never_null_columns(contract: Contract) -> list[str]:
    """The grain, the keys of dimensions, and what is declared to be required."""
    return list(dict.fromkeys([*contract["grain"], *contract.get("dimensions", {}), *contract.get("required", [])]))


def indexes(contract: Contract) -> dict[str, str]:
    """Name → CREATE INDEX of the declared indexes."""
    return {name: _index(contract, name, index) for name, index in contract.get("indexes", {}).items()}


def after_install(contract: Contract) -> str:
    """What a new table has from the beginning: the unknown member, the partition of the unknown day."""
    target = literal(text.target(contract))
    unknown = f"SELECT dwh_etl.ensure_unknown_member({target});\n" if is_dimension(contract) else ""
    return unknown + (f"SELECT dwh_etl.ensure_partitions({target}, '{{}}');\n" if "partition" in contract else "")


def _surrogate(contract: Contract) -> list[str]:
    surrogate = contract.get("surrogate")
    return [f"{ident(surrogate)} bigint GENERATED ALWAYS AS IDENTITY"] if surrogate else []


def _keys(contract: Contract) -> list[str]:
    """The primary key, and the grain where that is another. A partitioned table's keys hold its date."""
    surrogate, grain = contract.get("surrogate"), contract["grain"]
    date = [contract["partition"]["column"]] if "partition" in contract else []
    primary = [surrogate] if surrogate else grain
    keys = [f"PRIMARY KEY ({text.names(dict.fromkeys([*primary, *date]))})"]
    if surrogate and not is_dimension(contract):
        unique = text.names(dict.fromkeys([*grain, *date]))
        keys.append(f"CONSTRAINT {ident(contract['name'] + '_grain')} UNIQUE ({unique})")
    return keys


def _key_index(contract: Contract, name: str) -> str:
    """A dimension's key is unique among its members; the unknown one is none of them."""
    if not is_dimension(contract):
        return ""
    table, members = text.relation(contract), f"{ident(contract['surrogate'])} > 0"
    found = (
        f"CREATE UNIQUE INDEX {ident(name + '_key')} ON {table} ({text.names(contract['grain'])}) WHERE {members};\n"
    )
    if has_versions(contract):
        natural = text.names(column for column in contract["grain"] if column != "valid_from")
        current = f"is_current AND {members}"
        found += f"CREATE UNIQUE INDEX {ident(f'gold_{name}_bk')} ON {table} ({natural}) WHERE {current};\n"
    return found


def _index(contract: Contract, name: str, index: dict[str, object]) -> str:
    unique = "UNIQUE " if index.get("unique") else ""
    using = f" USING {index['using']}" if "using" in index else ""
    columns = ", ".join(index["columns"])  # type: ignore[arg-type]
    include = f" INCLUDE ({', '.join(index['include'])})" if "include" in index else ""  # type: ignore[arg-type]
    where = f" WHERE {index['where']}" if "where" in index else ""
    return f"CREATE {unique}INDEX {ident(name)} ON {text.relation(contract)}{using} ({columns}){include}{where};\n"
