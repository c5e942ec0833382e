"""The records of runs and loads: what the guide's functions write and read."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import Error, connection, transaction

from lineage.models import Batch, BatchInput, PipelineRun, TableDependency, TableLineage, Target

pytestmark = pytest.mark.django_db

# The parameters of the guide's functions, by name and in order. Ours may take more after them.
GUIDE_PARAMETERS = {
    "start_pipeline": ["in_pipeline_name", "in_parameters"],
    "complete_pipeline": ["in_batch_id", "in_status", "in_error_message", "in_metrics"],
    "log_ingestion": ["in_table_name", "in_batch_id", "in_source", "in_row_count"],
    "log_transformation": [
        "in_source_table",
        "in_target_table",
        "in_batch_id",
        "in_rows_inserted",
        "in_rows_updated",
        "in_rows_unchanged",
        "in_rows_rejected",
    ],
    "log_aggregation": ["in_source_table", "in_target_table", "in_batch_id"],
    "log_refresh": ["in_view_name"],
    "get_upstream": ["in_table_name"],
    "get_downstream": ["in_table_name"],
    "trace_record": ["in_table_name", "in_batch_id"],
    "get_pipeline_history": ["in_pipeline_name", "in_limit"],
}
GUIDE_RESULTS = {
    "get_upstream": ["level", "table_name", "dependency_type"],
    "get_downstream": ["level", "table_name", "dependency_type"],
    "trace_record": ["step", "operation", "source_table", "target_table", "executed_at", "rows_affected"],
    "get_pipeline_history": [
        "batch_id",
        "started_at",
        "completed_at",
        "duration_seconds",
        "status",
        "tables_processed",
        "total_rows",
    ],
}


@pytest.fixture(autouse=True)
def bare_warehouse(db: None) -> None:
    """Without the tables of the examples, which migrations install: these tests make their own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE dwh_lineage.targets, dwh_lineage.table_dependencies, dwh_lineage.column_lineage CASCADE"
        )


def query(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []


def start(name: str = "daily") -> uuid.UUID:
    return query("SELECT dwh_lineage.start_pipeline(in_pipeline_name => %s)", name)[0][0]  # type: ignore[no-any-return]


def complete(batch_id: uuid.UUID, status: str = "completed", error: str | None = None) -> None:
    query("CALL dwh_lineage.complete_pipeline(%s, %s, %s, %s)", batch_id, status, error, '{"rows": 3}')


def make_target(name: str) -> Target:
    schema = name.partition(".")[0]
    return Target.objects.create(target=name, layer=schema, kind="append", warehouse="test", rows_relation=name)


def make_load(target: Target, run: uuid.UUID | None, *inputs: Batch, rows: int = 1) -> Batch:
    """A committed load as the ledger and table_lineage record it; without inputs an ingestion."""
    batch = Batch.objects.create(
        target=target,
        kind="load" if inputs else "ingest",
        batch_id=run,
        rows_inserted=rows,
        opened_in=1,
        completed_at=datetime.now(UTC),
    )
    for taken in inputs:
        BatchInput.objects.create(batch=batch, input=taken)
    for source in sorted({taken.target_id for taken in inputs}) or ["files"]:
        TableLineage.objects.create(
            batch_id=run or uuid.uuid4(),
            ledger_batch=batch,
            source_table=source,
            target_table=target.target,
            operation="transform" if inputs else "ingest",
            rows_inserted=rows,
            completed_at=datetime.now(UTC),
        )
    return batch


@pytest.mark.parametrize("name", GUIDE_PARAMETERS)
def test_the_guides_routines_stand_under_the_guides_names(name: str) -> None:
    ((arguments, modes),) = query(
        "SELECT proargnames, proargmodes::text[] FROM pg_proc WHERE pronamespace = 'dwh_lineage'::regnamespace"
        " AND proname = %s",
        name,
    )
    modes = modes or ["i"] * len(arguments)
    taken = [argument for argument, mode in zip(arguments, modes, strict=True) if mode == "i"]
    given = [argument for argument, mode in zip(arguments, modes, strict=True) if mode == "t"]
    assert taken[: len(GUIDE_PARAMETERS[name])] == GUIDE_PARAMETERS[name]
    assert given == GUIDE_RESULTS.get(name, [])


def test_what_a_routine_takes_beyond_the_guide_has_a_default() -> None:
    for name, arguments, defaults in query(
        "SELECT proname, pronargs, pronargdefaults FROM pg_proc WHERE pronamespace = 'dwh_lineage'::regnamespace"
    ):
        if name in GUIDE_PARAMETERS:
            assert arguments - defaults <= len(GUIDE_PARAMETERS[name])


def test_a_started_run_is_running_and_has_an_id() -> None:
    run = PipelineRun.objects.get(batch_id=start())
    assert (run.status, run.trigger, run.completed_at) == ("running", "sql", None)
    assert run.started_at is not None


def test_a_completed_run_keeps_its_metrics() -> None:
    batch_id = start()
    complete(batch_id)
    run = PipelineRun.objects.get(batch_id=batch_id)
    assert (run.status, run.metrics) == ("completed", {"rows": 3})
    assert run.completed_at is not None


def test_a_run_ends_in_no_other_state_and_only_where_it_is() -> None:
    batch_id = start()
    with pytest.raises(Error, match="completed, failed or cancelled, not done"), transaction.atomic():
        complete(batch_id, "done")
    with pytest.raises(Error, match="There is no run"), transaction.atomic():
        complete(uuid.uuid4())
    complete(batch_id)
    with pytest.raises(Error), transaction.atomic():
        complete(batch_id, "failed")


def _work_that_fails(batch_id: uuid.UUID) -> None:
    with transaction.atomic():
        query("SELECT dwh_lineage.log_ingestion('bronze.raw_lines', %s, 'files', 5)", batch_id)
        query("SELECT 1 / 0")


@pytest.mark.django_db(transaction=True)
def test_the_record_of_a_failed_run_survives_the_rollback_of_its_work() -> None:
    batch_id = start()
    with pytest.raises(Error, match="division by zero"):
        _work_that_fails(batch_id)
    complete(batch_id, "failed", "division by zero")
    run = PipelineRun.objects.get(batch_id=batch_id)
    assert (run.status, run.error_message) == ("failed", "division by zero")
    assert not TableLineage.objects.filter(batch_id=batch_id).exists()


def test_a_duration_is_the_whole_duration() -> None:
    began = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    edge = TableLineage.objects.create(
        batch_id=uuid.uuid4(),
        source_table="a",
        target_table="b",
        operation="transform",
        started_at=began,
        completed_at=began + timedelta(seconds=61.5),
    )
    edge.refresh_from_db()
    assert edge.duration_ms == 61_500


def test_the_log_functions_tie_true_counts_to_the_run() -> None:
    batch_id = start()
    query("SELECT dwh_lineage.log_ingestion('bronze.raw_lines', %s, 'files', 10)", batch_id)
    query("SELECT dwh_lineage.log_transformation('bronze.raw_lines', 'silver.lines', %s, 5, 2, 1, 2)", batch_id)
    query("SELECT dwh_lineage.log_aggregation('silver.lines', 'gold.days', %s, 7, 3)", batch_id)
    counts = ("operation", "rows_read", "rows_inserted", "rows_updated", "rows_unchanged", "rows_rejected")
    edges = TableLineage.objects.filter(run__batch_id=batch_id, completed_at__isnull=False).order_by("lineage_id")
    assert list(edges.values_list(*counts)) == [
        ("ingest", 10, 10, None, None, None),
        ("transform", 10, 5, 2, 1, 2),
        ("aggregate", 7, 3, None, None, None),
    ]
    assert set(TableDependency.objects.values_list("upstream_table", "downstream_table", "origin")) == {
        ("bronze.raw_lines", "silver.lines", "observed"),
        ("silver.lines", "gold.days", "observed"),
    }


def test_an_aggregation_without_counts_does_not_claim_zero_rows() -> None:
    query("SELECT dwh_lineage.log_aggregation('silver.lines', 'gold.days', gen_random_uuid())")
    edge = TableLineage.objects.get()
    assert (edge.rows_read, edge.rows_inserted, edge.run) == (None, None, None)


def test_a_dependency_is_noted_once_and_a_declared_one_stays_declared() -> None:
    TableDependency.objects.create(upstream_table="a", downstream_table="b", origin="declared")
    for _ in range(2):
        query("SELECT dwh_lineage.log_transformation('a', 'b', gen_random_uuid())")
    assert TableDependency.objects.get().origin == "declared"


def test_a_refresh_draws_an_edge_from_each_table_of_the_view() -> None:
    query("CREATE TABLE silver.one (id int)")
    query("CREATE TABLE silver.two (id int)")
    query("CREATE MATERIALIZED VIEW gold.both AS SELECT one.id FROM silver.one JOIN silver.two USING (id)")
    query("SELECT dwh_lineage.log_refresh('gold.both')")
    assert set(TableLineage.objects.values_list("source_table", "target_table", "operation")) == {
        ("silver.one", "gold.both", "refresh"),
        ("silver.two", "gold.both", "refresh"),
    }
    with pytest.raises(Error, match="There is no view gold"), transaction.atomic():
        query("SELECT dwh_lineage.log_refresh('gold.none')")


def test_a_trace_follows_batches_and_not_time() -> None:
    bronze, silver, gold = make_target("bronze.raw"), make_target("silver.lines"), make_target("gold.days")
    first_run, second_run = start(), start()
    taken = make_load(bronze, first_run, rows=4)
    make_load(bronze, second_run, rows=99)  # earlier than the load below, but no part of it
    lines = make_load(silver, first_run, taken, rows=3)
    make_load(gold, first_run, lines, rows=2)
    steps = query(
        "SELECT step, operation, source_table, target_table, rows_affected FROM dwh_lineage.trace_record(%s, %s)",
        "gold.days",
        first_run,
    )
    assert steps == [
        (1, "transform", "silver.lines", "gold.days", 2),
        (2, "transform", "bronze.raw", "silver.lines", 3),
        (3, "ingest", "files", "bronze.raw", 4),
    ]


def test_a_trace_names_each_load_once_though_two_ways_lead_to_it() -> None:
    bronze, left, right, gold = map(make_target, ("bronze.raw", "silver.left", "silver.right", "gold.days"))
    run = start()
    raw = make_load(bronze, run)
    make_load(gold, run, make_load(left, run, raw), make_load(right, run, raw))
    steps = query("SELECT target_table FROM dwh_lineage.trace_record('gold.days', %s)", run)
    assert [table for (table,) in steps] == ["gold.days", "gold.days", "silver.left", "silver.right", "bronze.raw"]


def test_a_trace_shows_edges_that_a_routine_logged_by_hand() -> None:
    batch_id = start()
    query("SELECT dwh_lineage.log_transformation('silver.lines', 'gold.own', %s, 5)", batch_id)
    ((step, _, source, *_),) = query("SELECT * FROM dwh_lineage.trace_record('gold.own', %s)", batch_id)
    assert (step, source) == (1, "silver.lines")


def test_the_history_counts_what_a_load_wrote_once() -> None:
    left, right, gold = make_target("silver.left"), make_target("silver.right"), make_target("gold.days")
    older, newer = start(), start()
    sources = make_load(left, older, rows=1), make_load(right, older, rows=1)
    make_load(gold, newer, *sources, rows=10)  # two sources, so two edges of ten rows each
    complete(newer)
    start("another")
    rows = query("SELECT batch_id, status, tables_processed, total_rows FROM dwh_lineage.get_pipeline_history('daily')")
    assert rows == [(newer, "completed", 1, 10), (older, "running", 2, 2)]
    assert len(query("SELECT * FROM dwh_lineage.get_pipeline_history('daily', 1)")) == 1
    ((duration,),) = query("SELECT duration_seconds FROM dwh_lineage.get_pipeline_history('daily', 1)")
    assert 0 <= duration < 60


def test_every_table_of_our_apps_stands_in_the_schema_of_metadata() -> None:
    ours = {
        model._meta.db_table
        for app in ("lineage", "quality", "medallion")
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
    }
    schemas = query(
        "SELECT c.relname, c.relnamespace::regnamespace::text FROM pg_class AS c"
        " WHERE c.relname = ANY (%s) AND c.relkind IN ('r', 'p', 'v')"
        " AND c.relnamespace NOT IN ('dwh_etl'::regnamespace, 'silver'::regnamespace)",
        sorted(ours),
    )
    assert {name: schema for name, schema in schemas if name in ours} == dict.fromkeys(ours, "dwh_lineage")


@pytest.fixture
def migrated_again() -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("migrated_again")
def test_the_metadata_goes_down_and_up_again() -> None:
    before = _inventory()
    for app in ("medallion", "quality", "lineage"):
        call_command("migrate", app, "zero", verbosity=0)
    assert _inventory() == set()
    call_command("migrate", verbosity=0)
    assert _inventory() == before


def _inventory() -> set[tuple[Any, ...]]:
    return set(
        query(
            "SELECT 'relation', c.relnamespace::regnamespace::text, c.relname::text FROM pg_class AS c"
            " JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE starts_with(n.nspname, 'dwh_')"
            " UNION ALL SELECT 'routine', n.nspname::text, p.oid::regprocedure::text FROM pg_proc AS p"
            " JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE starts_with(n.nspname, 'dwh_')"
        )
    )
