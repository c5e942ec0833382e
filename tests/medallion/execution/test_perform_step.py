from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections

from lineage.models import Attempt, Lease, PipelineRun, Step, TableLineage, Target
from medallion.execution import outcome, work
from medallion.execution.claim import claim_step
from medallion.execution.create import create_rebuild, create_run
from medallion.execution.outcome import record
from medallion.execution.perform import perform_step, run_here
from medallion.execution.sweep import sweep
from medallion.execution.work import Outcome, work_at
from tests.medallion.execution.small_house import House, in_another_process, wait_until


def test_a_run_loads_every_table_once_and_counts_its_rows(house: House, run: PipelineRun) -> None:
    assert run_here(run) == "completed"
    assert set(house.states(run).values()) == {"succeeded"}
    assert [house.effects(t) for t in ("silver.a", "silver.b", "gold.c")] == [1, 1, 1]
    run.refresh_from_db()
    assert (run.metrics["rows_inserted"], run.metrics["rows_updated"], run.metrics["batches"]) == (6, 3, 3)
    assert run.completed_at is not None
    assert not Attempt.objects.exclude(outcome="succeeded").exists()
    assert not Lease.objects.exists()
    assert TableLineage.objects.filter(run=run).count() == 3


def test_a_run_in_which_nothing_waits_writes_no_batch(house: House, run: PipelineRun) -> None:
    run_here(run)
    again = create_run("daily")
    assert run_here(again) == "completed"
    again.refresh_from_db()
    assert again.metrics["batches"] == 0
    assert house.effects("silver.a") == 1


def test_a_load_works_as_etl_service(house: House, run: PipelineRun, first_step: Step) -> None:
    house.load("silver.a", "RAISE EXCEPTION '%', current_user USING ERRCODE = '22000';")
    perform_step(first_step.pk)
    first_step.refresh_from_db()
    assert first_step.error_message == "etl_service"


def test_a_table_whose_name_is_sql_is_a_name_like_any_other(house: House) -> None:
    name = 'gold.x"; DROP TABLE effects; --'
    house.table(name, "silver.a")
    assert run_here(create_rebuild(name)) == "completed"
    assert house.effects(name) == 1


def test_the_commit_of_a_zombie_is_refused(house: House, run: PipelineRun, first_step: Step) -> None:
    zombie = claim_step(first_step.pk, worker="zombie")
    assert zombie is not None
    house.expire_lease(first_step.pk)
    second = claim_step(first_step.pk, worker="second")
    assert second is not None

    assert record(zombie, work_at(zombie))[0] == Outcome.FENCED  # while the second works
    assert house.effects("silver.a") == 0
    assert record(second, work_at(second))[0] == Outcome.SUCCEEDED
    assert record(zombie, work_at(zombie))[0] == Outcome.FENCED  # and after it
    assert house.effects("silver.a") == 1
    assert house.outcomes(first_step) == ["lost", "succeeded"]
    first_step.refresh_from_db()
    assert (first_step.state, first_step.token) == ("succeeded", 2)


def test_a_zombie_that_is_overtaken_in_the_middle_of_its_load_is_fenced(
    house: House, run: PipelineRun, first_step: Step
) -> None:
    # The second claim comes after the zombie's snapshot: the row it must update has changed since (40001).
    house.load("silver.a", "PERFORM pg_sleep(0.6);")
    zombie = claim_step(first_step.pk, worker="zombie")
    assert zombie is not None

    def overtake() -> None:
        time.sleep(0.3)
        house.expire_lease(first_step.pk)
        claim_step(first_step.pk, worker="second")
        connection.close()

    beside = threading.Thread(target=overtake)
    beside.start()
    verdict = work_at(zombie)
    beside.join()
    assert verdict.outcome == Outcome.FENCED
    assert house.effects("silver.a") == 0


def test_the_heartbeat_keeps_a_lease_that_is_shorter_than_the_load(
    house: House, run: PipelineRun, first_step: Step
) -> None:
    house.load("silver.a", "PERFORM pg_sleep(1.2);")
    ring: list[int] = []
    sweeper = threading.Thread(target=_sweep_for, args=(1.2, ring))
    sweeper.start()
    performed = perform_step(first_step.pk, lease_seconds=0.6, beat_seconds=0.1)
    sweeper.join()
    assert performed is not None
    assert performed[0] == Outcome.SUCCEEDED
    assert house.outcomes(first_step) == ["succeeded"]


def _sweep_for(seconds: float, ring: list[int]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sweep()
        time.sleep(0.1)
    connection.close()


def test_a_worker_that_is_killed_is_replaced_and_the_effect_comes_once(
    house: House, run: PipelineRun, first_step: Step
) -> None:
    house.load("silver.a", "PERFORM pg_sleep(60);")
    child = in_another_process(
        "from medallion.execution.perform import perform_step\n"
        f"perform_step({first_step.pk}, lease_seconds=1.5, beat_seconds=0.3)"
    )
    wait_until(lambda: Lease.objects.filter(step=first_step).exists())
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate()
    house.load("silver.a")

    sweep()
    assert house.states(run)["silver.a"] == "running"  # its lease has not ended yet
    wait_until(lambda: sweep() > 0)
    assert run_here(run) == "completed"
    assert house.effects("silver.a") == 1
    assert house.outcomes(first_step) == ["lost", "succeeded"]


def test_bad_data_fails_at_once_and_what_waits_for_it_ends_too(house: House, run: PipelineRun) -> None:
    house.load("silver.b", "PERFORM 'abc'::integer;")
    assert run_here(run) == "failed"
    assert house.states(run) == {"silver.a": "succeeded", "silver.b": "failed", "gold.c": "upstream_failed"}
    step = Step.objects.get(run=run, target="silver.b")
    assert (step.error_sqlstate, step.failures) == ("22P02", 1)
    attempt = Attempt.objects.get(step=step)
    assert (attempt.outcome, attempt.sqlstate) == ("failed", "22P02")
    run.refresh_from_db()
    assert run.error_message is not None
    assert run.error_message.startswith("silver.b: invalid input syntax")


def test_what_a_gate_refused_is_recorded_and_not_tried_again(house: House, run: PipelineRun, first_step: Step) -> None:
    house.load("silver.a", "RAISE EXCEPTION 'too many' USING ERRCODE = 'AS050';")
    house.execute(
        "CREATE PROCEDURE dwh_etl.evidence_silver_a(in_batch_id uuid) LANGUAGE sql AS $$"
        " INSERT INTO dwh_staging.effects (target) VALUES ('evidence of ' || in_batch_id) $$"
    )
    try:
        perform_step(first_step.pk)
        first_step.refresh_from_db()
        assert (first_step.state, first_step.failures, first_step.error_sqlstate) == ("failed", 1, "AS050")
        assert (house.effects("silver.a"), house.effects(f"evidence of {run.batch_id}")) == (0, 1)
    finally:
        house.execute("DROP PROCEDURE dwh_etl.evidence_silver_a(uuid)")


def test_message_detail_and_hint_of_a_failure_are_kept(house: House, run: PipelineRun, first_step: Step) -> None:
    house.load("silver.a", "RAISE EXCEPTION 'm' USING ERRCODE = 'AS042', DETAIL = 'd', HINT = 'h';")
    perform_step(first_step.pk)
    first_step.refresh_from_db()
    assert (first_step.error_sqlstate, first_step.error_message, first_step.error_hint) == ("AS042", "m\nd", "h")


def test_a_load_that_another_load_of_its_table_overtook_begins_again_at_once(
    house: House, run: PipelineRun, first_step: Step
) -> None:
    house.execute("CREATE SEQUENCE dwh_staging.tries")
    house.execute("GRANT USAGE ON dwh_staging.tries TO etl_service")
    try:
        house.load(
            "silver.a",
            "IF nextval('dwh_staging.tries') < 4 THEN RAISE EXCEPTION 'overtaken' USING ERRCODE = '40001'; END IF;",
        )
        performed = perform_step(first_step.pk)
    finally:
        house.execute("DROP SEQUENCE dwh_staging.tries")
    assert performed is not None
    assert performed[0] == Outcome.SUCCEEDED
    assert house.outcomes(first_step) == ["succeeded"]
    assert house.effects("silver.a") == 1


def test_two_loads_of_one_table_exclude_each_other_and_both_succeed(house: House) -> None:
    """A run of the pipeline and a rebuild of one of its tables, at one moment."""
    house.load("silver.a", "PERFORM pg_sleep(0.3);")
    runs = [create_run("daily"), create_rebuild("silver.a")]
    ends: list[str] = []

    def go(run: PipelineRun) -> None:
        ends.append(run_here(run))
        work.close_connection()
        connection.close()

    workers = [threading.Thread(target=go, args=(run,)) for run in runs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert ends == ["completed", "completed"]
    assert not Attempt.objects.exclude(outcome="succeeded").exists()


def test_a_deadlock_is_tried_again_after_a_pause(house: House, run: PipelineRun, first_step: Step) -> None:
    house.load("silver.a", "RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01';")
    perform_step(first_step.pk)
    first_step.refresh_from_db()
    assert (first_step.state, first_step.failures, first_step.error_sqlstate) == ("retrying", 1, "40P01")
    assert house.outcomes(first_step) == ["failed"]

    house.load("silver.a")
    assert run_here(run) == "completed"
    assert house.outcomes(first_step) == ["failed", "succeeded"]
    first_step.refresh_from_db()
    assert first_step.error_message is None


def test_a_connection_that_breaks_during_the_load_is_tried_again(
    house: House, run: PipelineRun, first_step: Step
) -> None:
    house.load("silver.a", "PERFORM pg_sleep(30);")

    def terminate_soon() -> None:
        time.sleep(0.5)
        house.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'CALL%%load_silver_a%%'"
        )
        connection.close()

    beside = threading.Thread(target=terminate_soon)
    beside.start()
    perform_step(first_step.pk)
    beside.join()
    first_step.refresh_from_db()
    assert (first_step.state, first_step.error_sqlstate) == ("retrying", "57P01")


@pytest.mark.parametrize("arrives", [True, False])
def test_after_a_commit_whose_answer_was_lost_the_truth_is_read(
    house: House, run: PipelineRun, first_step: Step, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arrives: bool
) -> None:
    with _breaking_at_commit(monkeypatch, arrives):
        work.close_connection()
        claim = claim_step(first_step.pk)
        assert claim is not None
        verdict = work_at(claim)
    assert (verdict.outcome, verdict.failure and verdict.failure.sqlstate) == (Outcome.FAILED, "08006")

    assert record(claim, verdict)[0] == (Outcome.SUCCEEDED if arrives else Outcome.FAILED)
    assert house.effects("silver.a") == int(arrives)
    assert house.outcomes(first_step) == ["succeeded" if arrives else "failed"]
    assert house.states(run)["silver.a"] == ("succeeded" if arrives else "retrying")
    assert house.states(run)["silver.b"] == ("queued" if arrives else "blocked")


@contextlib.contextmanager
def _breaking_at_commit(monkeypatch: pytest.MonkeyPatch, arrives: bool) -> Iterator[None]:
    """Loads reach the server through a proxy that breaks the connection at COMMIT: before it arrives, or after."""
    real = connections["default"].get_connection_params()
    listener = socket.create_server(("127.0.0.1", 0))
    proxy = threading.Thread(target=_proxy, args=(listener, real, arrives), daemon=True)
    proxy.start()
    through = dict(real, host="127.0.0.1", port=listener.getsockname()[1], sslmode="disable", gssencmode="disable")
    monkeypatch.setattr(connections["default"], "get_connection_params", lambda: dict(through))
    try:
        yield
    finally:
        monkeypatch.setattr(connections["default"], "get_connection_params", lambda: dict(real))
        listener.close()
        proxy.join(timeout=10)


def _proxy(listener: socket.socket, real: dict[str, Any], arrives: bool) -> None:
    client, _ = listener.accept()
    host, port = str(real.get("host") or "127.0.0.1"), int(real.get("port") or 5432)
    if host.startswith("/"):
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.{port}")
    else:
        server = socket.create_connection((host, port))

    def back() -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)

    threading.Thread(target=back, daemon=True).start()
    while data := client.recv(65536):
        if b"COMMIT" in data:
            client.shutdown(socket.SHUT_RDWR)  # the answer gets lost
            if arrives:
                server.sendall(data)
                time.sleep(0.3)
            break
        server.sendall(data)
    server.shutdown(socket.SHUT_RDWR)
    client.close()


def test_a_server_that_is_away_when_the_outcome_is_recorded_is_waited_for(
    house: House, run: PipelineRun, first_step: Step
) -> None:
    claim = claim_step(first_step.pk)
    assert claim is not None
    verdict = work_at(claim)
    house.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()"
    )
    connection.connection.close()
    assert outcome.record(claim, verdict)[0] == Outcome.SUCCEEDED


def test_a_fault_of_ours_is_recorded_as_a_failure(
    house: House, first_step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise TypeError("oops")

    monkeypatch.setattr("medallion.execution.perform.work_at", broken)
    perform_step(first_step.pk)
    first_step.refresh_from_db()
    assert (first_step.state, first_step.error_message) == ("failed", "TypeError: oops")


def test_a_process_that_is_told_to_stop_gives_its_step_back(
    house: House, first_step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("medallion.execution.perform.work_at", stopped)
    with pytest.raises(KeyboardInterrupt):
        perform_step(first_step.pk)
    first_step.refresh_from_db()
    assert (first_step.state, first_step.lost, first_step.failures) == ("retrying", 0, 0)
    assert house.outcomes(first_step) == ["lost"]


def test_a_rebuild_loads_anew_and_takes_the_mark_away(house: House) -> None:
    Target.objects.filter(target="silver.b").update(needs_rebuild=True)
    assert run_here(create_run("daily")) == "completed"
    assert not Target.objects.get(target="silver.b").needs_rebuild
    with connection.cursor() as cursor:
        cursor.execute("SELECT target FROM dwh_staging.effects WHERE rebuild")
        assert cursor.fetchall() == [("silver.b",)]
