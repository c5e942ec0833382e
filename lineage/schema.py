"""Migrations whose tables stand in the schema `dwh_lineage`, and operations that run SQL kept in files."""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import migrations
from psycopg.errors import Diagnostic

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor
    from django.db.migrations.state import ProjectState

SCHEMA = "dwh_lineage"
logger = logging.getLogger(__name__)


class SchemaMigration(migrations.Migration):
    """A migration whose unqualified names mean `dwh_lineage`.

    A quoted `db_table = '"dwh_lineage"."x"'` is no way to the same: Django then drops indexes and constraints by names
    that do not exist, says nothing, and its test flush skips the tables.
    """

    def apply(
        self, project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
    ) -> ProjectState:
        with _SearchPath(schema_editor):
            return super().apply(project_state, schema_editor, collect_sql)

    def unapply(
        self, project_state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, collect_sql: bool = False
    ) -> ProjectState:
        with _SearchPath(schema_editor):
            return super().unapply(project_state, schema_editor, collect_sql)


class _SearchPath:
    """New objects go to `dwh_lineage` first; afterwards the connection's own search path counts again."""

    def __init__(self, schema_editor: BaseDatabaseSchemaEditor) -> None:
        self.schema_editor = schema_editor

    def __enter__(self) -> None:
        self.schema_editor.execute(f"SET search_path = {SCHEMA}, public")

    def __exit__(self, exc_type: type[BaseException] | None, *args: object) -> None:
        if exc_type is None:  # a failed transaction is rolled back, and its search_path with it
            self.schema_editor.execute("RESET search_path")


class RunSqlFile(migrations.RunSQL):
    """Run `<app>/sql/<name>.sql`; backwards, run `drop`.

    One routine, view or grant list a file. A released file never changes: a new version is a new file.
    """

    def __init__(self, app: str, name: str, drop: str) -> None:
        self.app, self.name, self.drop = app, name, drop
        path = sql_directory(app) / f"{name}.sql"
        super().__init__(sql=path.read_text(encoding="utf-8"), reverse_sql=drop)

    def deconstruct(self) -> tuple[str, list[object], dict[str, object]]:
        return self.__class__.__qualname__, [self.app, self.name, self.drop], {}

    def describe(self) -> str:
        return f"Run {self.app}/sql/{self.name}.sql"

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        _execute(schema_editor, str(self.sql))

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        _execute(schema_editor, self.drop)


def _execute(schema_editor: BaseDatabaseSchemaEditor, sql: str) -> None:
    """Run a script as it stands; without parameters nothing in it is taken for a placeholder. Its warnings are said."""
    if not sql.strip():
        return
    connection = schema_editor.connection
    connection.ensure_connection()
    connection.connection.add_notice_handler(_say)
    try:
        schema_editor.execute(sql, params=None)
    finally:
        connection.connection.remove_notice_handler(_say)


def _say(diagnostic: Diagnostic) -> None:
    """PostgreSQL sends warnings beside the results, where nobody would read them."""
    if diagnostic.severity_nonlocalized == "WARNING":
        logger.warning("%s %s", diagnostic.message_primary, diagnostic.message_hint or "")


def sql_directory(app: str) -> Path:
    """The folder of an app's SQL files."""
    module = importlib.import_module(app)
    if module.__file__ is None:
        raise FileNotFoundError(f"The package {app} has no folder of its own, so it has no SQL files.")
    return Path(module.__file__).parent / "sql"
