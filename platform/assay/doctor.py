"""What is wrong with an installation, found by looking: each finding says what, where, and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from assay.code_looks import look_at_code
from assay.finding import Finding
from assay.operation import look_at_operation
from lineage.templatetags.assay import duration
from lineage.ticks import LIMITS, since_tick

SCHEMAS = ("bronze", "silver", "gold", "dwh_lineage", "dwh_etl", "dwh_staging")
ROLES = ("etl_service", "analyst_role", "steward_role")


def examine() -> Iterator[Finding]:
    """All looks, in order; later ones are left out where an earlier one makes them pointless."""
    yield _server()
    yield _redis()
    unapplied = _migrations()
    yield unapplied
    if not unapplied.problem:
        looks: tuple[Callable[[], Iterator[Finding]], ...] = (
            look_at_operation,
            _roles,
            _strays,
            _guards,
            _partitions,
            _retention,
            _rebuilds,
            _ticks,
            _notifications,
            _accounting,
            look_at_code,
        )
        for look in looks:
            yield from look()


def _rows(query: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def _server() -> Finding:
    version, isolation = _rows("SELECT current_setting('server_version'), current_user")[0]
    return Finding("PostgreSQL", f"{version}, as {isolation}")


def _redis() -> Finding:
    try:
        with redis.Redis.from_url(settings.ASSAY_REDIS_URL, socket_connect_timeout=2) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        return Finding(
            "Redis",
            str(error),
            True,
            "Without it steps wait for the sweeper: start it, or set REDIS_URL.",
        )
    return Finding("Redis", "answers")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        names = ", ".join(f"{migration.app_label}.{migration.name}" for migration, _backwards in plan[:5])
        return Finding("Migrations", f"{len(plan)} not applied: {names}", True, "Run: manage.py migrate")
    return Finding("Migrations", "all applied")


def _roles() -> Iterator[Finding]:
    present = {name for (name,) in _rows("SELECT rolname FROM pg_roles WHERE rolname = ANY (%s)", list(ROLES))}
    for role in ROLES:
        if role not in present:
            yield Finding(
                "Roles",
                f"{role} is missing",
                True,
                f"Have an administrator run CREATE ROLE {role}; migrate again.",
            )
    may = "etl_service" in present and _rows("SELECT pg_has_role(current_user, 'etl_service', 'SET')")[0][0]
    yield Finding("Roles", "loads work as etl_service") if may else Finding(
        "Roles", "loads work as the owner, who may do more than loads need", True,
        "Have an administrator run: GRANT etl_service TO <the user of DATABASE_URL>.",
    )  # fmt: skip


def _strays() -> Iterator[Finding]:
    """Tables of ours in another schema, and tables in the layers that nobody declares."""
    from django.apps import apps

    ours = [
        model._meta.db_table
        for label in ("lineage", "quality", "medallion")
        for model in apps.get_app_config(label).get_models()
    ]
    strays = _rows(
        """
        SELECT p.schemaname || '.' || p.tablename, to_regclass('dwh_lineage.' || quote_ident(p.tablename)) IS NULL
        FROM pg_tables AS p
        WHERE p.tablename = ANY (%s) AND p.schemaname = 'public'
        """,
        ours,
    )
    for name, alone in strays:
        move = f"ALTER TABLE {name} SET SCHEMA dwh_lineage;"
        twice = f"The one in dwh_lineage counts. See what this one holds, then: DROP TABLE {name};"
        yield Finding("Tables", f"{name} stands in the wrong schema", True, move if alone else twice)
    gone = list(_gone())
    yield from gone
    unknown = _rows(
        """
        SELECT n.nspname || '.' || c.relname
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('bronze', 'silver', 'gold') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND NOT EXISTS (
                SELECT 1 FROM dwh_lineage.targets AS t
                WHERE to_regclass(t.rows_relation) = c.oid
            )
        ORDER BY 1
        """
    )
    for (name,) in unknown:
        yield Finding("Tables", f"{name} is declared nowhere", True, "Declare it, or move it to a schema of your own.")
    if not strays and not unknown and not gone:
        yield Finding("Tables", "all in their schemas, all declared")


def _gone() -> Iterator[Finding]:
    """Declared tables that do not stand where they should; perhaps somebody moved them."""
    missing = _rows(
        """
        SELECT t.target, t.rows_relation, m.moved, (parse_ident(t.rows_relation))[1]
        FROM dwh_lineage.targets AS t
        LEFT JOIN LATERAL (
            SELECT format('%%I.%%I', n.nspname, c.relname) AS moved
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE c.relname = (parse_ident(t.rows_relation))[2] AND c.relkind IN ('r', 'p')
            LIMIT 1
        ) AS m ON true
        WHERE to_regclass(t.rows_relation) IS NULL
        ORDER BY 1
        """
    )
    for target, relation, moved, schema in missing:
        if moved:
            advice = f"ALTER TABLE {moved} SET SCHEMA {schema};"
            yield Finding("Tables", f"{moved} stands in the wrong schema: it holds {target}", True, advice)
        else:
            advice = "Restore it from a backup; silver and gold tables can also be migrated back and forth."
            yield Finding("Tables", f"{relation} is gone: it held {target}", True, advice)


def _guards() -> Iterator[Finding]:
    """Bronze tables and partitions that somebody made by hand, or whose guards were taken off."""
    unguarded = _rows(
        """
        SELECT c.oid::regclass::text, t.target
        FROM dwh_lineage.targets AS t
        CROSS JOIN LATERAL (
            SELECT to_regclass(t.rows_relation) AS oid
            UNION ALL
            SELECT p.relid FROM pg_partition_tree(to_regclass(t.rows_relation)) AS p WHERE p.level > 0
        ) AS c
        WHERE t.layer = 'bronze' AND 3 > (
            SELECT count(*) FROM pg_trigger AS g
            WHERE g.tgrelid = c.oid AND g.tgenabled = 'A'
                AND g.tgname IN ('bronze_append_only', 'bronze_batch_open', 'bronze_batch_close')
        )
        ORDER BY 1
        """
    )
    for relation, target in unguarded:
        yield Finding(
            "Bronze",
            f"{relation} is not guarded against changes",
            True,
            f"CALL dwh_etl.guard_bronze('{relation}', '{target}');",
        )
    if not unguarded:
        yield Finding("Bronze", "append-only: every table and partition is guarded")


def _partitions() -> Iterator[Finding]:
    """Bronze tables without a place for the rows of this month or the next: other programs' INSERTs would fail."""
    found = _rows(
        """
        SELECT t.target, to_char(m.month AT TIME ZONE 'UTC', 'YYYY-MM')
        FROM dwh_lineage.targets AS t
        CROSS JOIN (
            VALUES (date_trunc('month', now(), 'UTC')), (date_trunc('month', now() + interval '1 month', 'UTC'))
        ) AS m (month)
        WHERE t.layer = 'bronze' AND to_regclass(t.rows_relation) IS NOT NULL
            AND to_regclass(format(
                'bronze.%%I', split_part(t.target, '.', 2) || to_char(m.month AT TIME ZONE 'UTC', '_YYYY_MM')
            )) IS NULL
        ORDER BY 1, 2
        """
    )
    for target, month in found:
        yield Finding(
            "Bronze",
            f"{target} has no partition for {month}",
            True,
            f"CALL dwh_etl.ensure_bronze_partitions('{target}');",
        )
    if not found:
        yield Finding("Bronze", "partitions are made ahead")


def _retention() -> Iterator[Finding]:
    """Months of bronze tables that should have gone and wait for something."""
    past = _rows(
        """
        SELECT p.month::text, p.waits_for
        FROM dwh_lineage.targets AS t
        CROSS JOIN LATERAL dwh_etl.past_retention(t.target) AS p
        WHERE t.layer = 'bronze' AND t.contract ? 'retention' AND to_regclass(t.rows_relation) IS NOT NULL
        ORDER BY t.target, p.until
        """
    )
    for month, waits_for in past:
        if waits_for:
            yield Finding(
                "Retention", f"{month} is past its retention and waits for {waits_for}", True,
                "Load what waits and decide on the exceptions; maintenance then drops it (docs/how-to/retention.md).",
            )  # fmt: skip
        else:
            yield Finding("Retention", f"{month} is past its retention; the next maintenance drops it")


def _rebuilds() -> Iterator[Finding]:
    for (target,) in _rows("SELECT target FROM dwh_lineage.targets WHERE needs_rebuild ORDER BY 1"):
        yield Finding(
            "Rebuilds", f"{target} waits for its rebuild under a new declaration", True,
            f"The next run of its pipeline does it; or now: manage.py rebuild {target}",
        )  # fmt: skip


def _ticks() -> Iterator[Finding]:
    """Schedules that nobody looks at: beat does not run, or no worker does what it asks for."""
    made = _rows("SELECT clock_timestamp() - min(created_at) FROM dwh_lineage.schedules WHERE NOT paused")[0][0]
    if made is None:
        return
    since = since_tick("tick") or made
    if since > LIMITS["tick"]:
        yield Finding(
            "Schedules", f"nobody has looked at them for {duration(since)}", True,
            "Start beat and a worker: manage.py up, or celery -A assay beat. Times that pass meanwhile are caught up.",
        )  # fmt: skip
    else:
        yield Finding("Schedules", f"looked at {duration(since)} ago")


def _notifications() -> Iterator[Finding]:
    """Channels that did not take what they were sent."""
    found = _rows(
        """
        SELECT d.channel, count(*), (array_agg(d.error ORDER BY d.id DESC))[1]
        FROM dwh_lineage.deliveries AS d
        WHERE d.attempts > 0 AND (d.state = 'pending' OR (d.state = 'failed' AND d.due_at > now() - interval '7 days'))
        GROUP BY d.channel ORDER BY d.channel
        """
    )
    for channel, count, error in found:
        yield Finding(
            "Notices", f"{count:,} not delivered by {channel}: {error}", True,
            "Correct the settings of this channel (docs/reference/settings.md); for 18 hours it is tried again.",
        )  # fmt: skip


def _accounting() -> Iterator[Finding]:
    """Measures the accounting line of every silver table, from the rows themselves."""
    targets = _rows("SELECT target FROM dwh_lineage.targets WHERE outcomes_routine IS NOT NULL ORDER BY 1")
    for (target,) in targets:
        yield accounting_line(str(target))


def accounting_line(target: str) -> Finding:
    """Measures and records one table's accounting line: what became of each row of its source."""
    outcomes = _rows("SELECT dwh_etl.measure_accounting(%s)", target)[0][0]
    counts: dict[str, int] = json.loads(outcomes) if isinstance(outcomes, str) else dict(outcomes)
    gap = counts.pop("gap")
    source = next(name for name in counts if name.endswith(" rows"))
    total = counts.pop(source)
    parts = " + ".join(f"{count:,} {name}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
    detail = f"{target}: {source} {total:,} = {parts or 0}"
    if not gap:
        return Finding("Accounting", detail)
    return Finding(
        "Accounting",
        f"{detail} + {gap:,} without an outcome",
        True,
        f"Rows are missing: dwh_etl.outcomes_{target.replace('.', '_')}() lists them with a NULL outcome. "
        f"manage.py rebuild {target} makes the table right again.",
    )
