"""Pages of the reference that the database itself can write: its tables and its routines, with their comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps
from django.db import connection

from assay.embedded.places import CHECKOUT

#: In the order of the floors, the ground floor first.
APPS = ("lineage", "quality", "medallion")

_TABLES = """
    SELECT c.relname, c.relkind, obj_description(c.oid, 'pg_class'),
        array_agg(ARRAY[a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN '' ELSE 'yes' END]
                  ORDER BY a.attnum)
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'dwh_lineage'::regnamespace AND c.relkind IN ('r', 'v', 'p')
    GROUP BY c.oid
    ORDER BY c.relname
"""
# Not those that declarations compile to (targets names them), and not the triggers of django-pgtrigger.
_ROUTINES = """
    SELECT n.nspname, p.proname, p.prokind, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
        obj_description(p.oid, 'pg_proc')
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('dwh_etl', 'dwh_lineage') AND p.proname !~ '^_?pgtrigger_'
        AND p.proname !~
            '^(land|load|rebuild|replay|evaluate|outcomes|fold|freeze|evidence|generate|flags)_(bronze|silver|gold)_'
    ORDER BY 1, 2, 4
"""


def tables_page() -> str:
    """docs/reference/tables.md."""
    return "\n".join(_tables()) + "\n"


def routines_page() -> str:
    """docs/reference/routines.md."""
    return "\n".join(_routines()) + "\n"


def sql_files() -> Iterator[tuple[str, Path]]:
    """(app, file) of each .sql file of ours."""
    for app in APPS:
        for path in sorted((CHECKOUT / app / "sql").glob("*.sql")):
            yield app, path


def head_comment(path: Path) -> str:
    """The lines of `--` that a .sql file opens with."""
    found = re.match(r"(?:--.*\n)*", path.read_text(encoding="utf-8"))
    return re.sub(r"^-- ?", "", found[0], flags=re.M).strip() if found else ""


def _tables() -> Iterator[str]:
    models = {model._meta.db_table: model for label in APPS for model in apps.get_app_config(label).get_models()}
    yield "# Tables of `dwh_lineage`"
    yield ""
    yield "Written by a test from the database; see `tests/docs/generated.py`. NULL: whether a value may be missing."
    for name, kind, comment, columns in _rows(_TABLES):
        yield f"\n## {name}\n\n{'View. ' if kind == 'v' else ''}{comment}.\n"
        yield "| column | type | NULL | |\n|---|---|---|---|"
        helps = {field.column: field.help_text for field in models[name]._meta.fields} if name in models else {}
        for column, kind_of_value, null in columns:
            null = "" if kind == "v" else null
            yield f"| `{column}` | {kind_of_value} | {null} | {helps.get(column, '')} |"


def _routines() -> Iterator[str]:
    heads = {path.stem: head_comment(path) for _app, path in sql_files()}
    yield "# Routines"
    yield ""
    yield "Written by a test from the database; see `tests/docs/generated.py`. Routines that a declaration compiles to"
    yield "(`dwh_etl.load_silver_customers`, …) are shown by `manage.py sql`, and named in `dwh_lineage.targets`."
    # Those of the examples are described in their own files.
    found = [row for row in _rows(_ROUTINES) if str(row[1]) in heads]
    yield "\n| routine | |\n|---|---|"
    for schema, name, _kind, _arguments, _result, comment in found:
        yield f"| [`{schema}.{name}`](#{schema}{name}) | {comment} |"
    for schema, name, kind, arguments, result, _comment in found:
        what = "procedure" if kind == "p" else "function"
        listed = f"\n    {arguments}\n".replace(", ", ",\n    ") if len(str(arguments)) > 70 else arguments
        yield f"\n## {schema}.{name}\n"
        yield f"```sql\n{what} {schema}.{name}({listed}){f' returns {result}' if result else ''}\n```\n"
        yield heads[str(name)]


def _rows(query: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
