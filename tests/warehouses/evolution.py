"""A warehouse that has changed, and one that was always as it is now: what both hold must be the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from psycopg import sql

from medallion import compile as compiler
from medallion.registry import warehouse
from tests.warehouses import bench_database as bench
from tests.warehouses.shop import Shop

#: Rows of bronze.shop_raw: the names of a file's columns in order, and what it brings.
File = Sequence[dict[str, str | None]]

_EXCEPTIONS = """
    SELECT e.target_table, (
        SELECT jsonb_object_agg(c ->> 'name', e.source_data -> (c ->> 'name'))
        FROM dwh_lineage.targets AS t, jsonb_array_elements(t.contract -> 'columns') AS c
        WHERE t.target = e.source_table
    ), e.issues, (
        SELECT array_agg((b.rule, b.column_name, b.value, b.message)::text ORDER BY b.rule)
        FROM dwh_lineage.exception_breaches AS b WHERE b.exception_id = e.id
    )
    FROM dwh_lineage.quality_exceptions AS e
    WHERE e.state = 'open'
"""
_ISSUES = """
    SELECT i.fingerprint, i.rule, i.column_name, i.title, sum(d.delta)
    FROM dwh_lineage.quality_issues AS i JOIN dwh_lineage.issue_deltas AS d ON d.issue_id = i.id
    GROUP BY 1, 2, 3, 4 HAVING sum(d.delta) <> 0
"""
_RULES = "SELECT target, rule, position, column_name, version, message FROM dwh_lineage.quality_rules WHERE active"


def declared(label: str) -> list[str]:
    """The tables of an app in the order in which they are loaded."""
    found = warehouse()
    return found.in_order(list(found.of_app(label)))


def install(connection: bench.Connection, label: str) -> None:
    """Installs what an app declares now, as if it had never declared anything else."""
    for target in declared(label):
        connection.execute(compiler.create(target, warehouse().tables[target].contract(), label).forward.encode())


def arrive(connection: bench.Connection, rows: File) -> None:
    """Rows as a file brings them: what nobody declares is kept in _extra, what is declared and not there is NULL."""
    table = warehouse().tables["bronze.shop_raw"]
    headers = {
        header: column.name
        for column in table.bronze_columns()  # type: ignore[attr-defined]
        for header in (column.name, *column.aliases)
    }
    for row in rows:
        given = {headers[name]: value for name, value in row.items() if name in headers}
        extra = {name: value for name, value in row.items() if name not in headers}
        values: list[Any] = [*given.values(), json.dumps(extra) if extra else None]
        names = sql.SQL(", ").join(map(sql.Identifier, [*given, "_extra"]))
        places = sql.SQL(", ").join([sql.Placeholder()] * len(values))
        connection.execute(sql.SQL("INSERT INTO bronze.shop_raw ({}) VALUES ({})").format(names, places), values)


def run(connection: bench.Connection, label: str) -> None:
    """Loads all tables as runs do: a rebuild where one waits."""
    for target in declared(label):
        if target.startswith("bronze."):
            continue
        asked = "SELECT needs_rebuild FROM dwh_lineage.targets WHERE target = %s"
        (anew,) = connection.execute(asked, (target,)).fetchone() or (False,)
        bench.run(connection, target, "rebuild" if anew else "load")


def state(connection: bench.Connection, label: str) -> dict[str, Any]:
    """All that the warehouse says: rows, open exceptions, issues, rules, the accounting line."""
    found: dict[str, Any] = {
        "exceptions": multiset(connection, _EXCEPTIONS),
        "issues": multiset(connection, _ISSUES),
        "rules": multiset(connection, _RULES),
    }
    for target in declared(label):
        if target.startswith("bronze."):
            continue
        found[target] = multiset(connection, _rows(connection, target))
        if target.startswith("silver."):
            line = connection.execute("SELECT dwh_etl.measure_accounting(%s)", (target,)).fetchone()
            assert line is not None
            found[f"accounting of {target}"] = line[0]
            assert line[0]["gap"] == 0, (target, line[0])
    return found


def multiset(connection: bench.Connection, query: str) -> Counter[str]:
    """Rows whatever their order. Numbers are what they are: a sum that rows were taken away from may be 2.00, that of
    the rows that are left 2."""
    found = connection.execute(query.encode())
    return Counter(str([one.normalize() if isinstance(one, Decimal) else one for one in row]) for row in found)


def _rows(connection: bench.Connection, target: str) -> str:
    """A query of a table's declared columns, by name; surrogate keys are whatever they are."""
    names = [
        row[0]
        for row in connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped "
            "AND left(attname, 1) <> '_' AND attname !~ '_(sk|key)$' ORDER BY attname",
            (target,),
        )
    ]
    asked = "SELECT kind = 'dimension' FROM dwh_lineage.targets WHERE target = %s"
    (is_dimension,) = connection.execute(asked, (target,)).fetchone() or (False,)
    members = " WHERE _retired_at IS NULL" if is_dimension else ""
    listed = ", ".join(f'"{name}"' for name in names)
    return f"SELECT '{listed}', {listed} FROM {target}{members}"


def fresh(connection: bench.Connection, label: str, files: Sequence[File]) -> dict[str, Any]:
    """What a new database holds, with the declaration of now and the same files."""
    install(connection, label)
    for rows in files:
        arrive(connection, rows)
    run(connection, label)
    return state(connection, label)


def differences(changed: dict[str, Any], anew: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Where two states are not the same: (what only the first has, what only the second has)."""
    found = {}
    for name in {**changed, **anew}:
        left, right = changed.get(name), anew.get(name)
        if left != right:
            both = isinstance(left, Counter) and isinstance(right, Counter)
            found[name] = (dict(left - right), dict(right - left)) if both else (left, right)  # type: ignore[operator]
    return found


class Evolving:
    """A shop whose declaration changes from step to step, while files arrive."""

    def __init__(self, shop: Shop, new_database: Any) -> None:
        self.shop, self.new_database = shop, new_database
        shop.sql.prepare_threshold = None  # its tables change under its statements
        self.files: list[File] = []
        self.declarations: list[tuple[str, dict[str, str]]] = []

    def arrive(self, *rows: dict[str, str | None]) -> None:
        arrive(self.shop.sql, rows)
        self.files.append(rows)

    def step(self, text: str, **queries: str) -> list[str]:
        """Declares, migrates and runs; what the table says then is what it would say had it never been otherwise."""
        made = self.shop.step(text, **queries)
        self.declarations.append((text, queries))
        self.check()
        return made

    def check(self) -> None:
        run(self.shop.sql, self.shop.label)
        with self.new_database() as connection:
            anew = fresh(connection, self.shop.label, self.files)
        found = differences(state(self.shop.sql, self.shop.label), anew)
        assert not found, found

    def back(self) -> None:
        """All the way back, and forward again."""
        first, *_, last = self.shop.migrations()
        for migration, (text, queries) in ((first, self.declarations[0]), (last, self.declarations[-1])):
            self.shop.migrate(migration)
            self.shop.declare(text, **queries)
            self.check()
