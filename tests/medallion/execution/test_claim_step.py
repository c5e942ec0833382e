from __future__ import annotations

import threading

import pytest
from django.db import DatabaseError, connection

from lineage.models import Attempt, Lease, PipelineRun, Step
from medallion.execution.claim import Claim, claim_step
from tests.medallion.execution.small_house import House


def test_a_claim_is_committed_with_its_lease_and_its_attempt(house: House, run: PipelineRun, first_step: Step) -> None:
    claim = claim_step(first_step.pk, worker="w1")
    assert claim is not None
    assert (claim.token, claim.target, claim.routine) == (1, "silver.a", "dwh_etl.load_silver_a")
    assert Lease.objects.get(step=first_step).worker == "w1"
    assert Attempt.objects.get(step=first_step).outcome is None
    run.refresh_from_db()
    assert run.status == "running"
    assert run.started_at is not None


def test_of_many_claimers_one_gets_the_step(house: House, first_step: Step) -> None:
    for _ in range(5):
        claims: list[Claim | None] = []
        gate = threading.Barrier(8)

        def take(gate: threading.Barrier = gate, claims: list[Claim | None] = claims) -> None:
            connection.ensure_connection()
            gate.wait()
            claims.append(claim_step(first_step.pk))
            connection.close()

        takers = [threading.Thread(target=take) for _ in range(8)]
        for taker in takers:
            taker.start()
        for taker in takers:
            taker.join()
        assert len([claim for claim in claims if claim]) == 1
        house.execute(
            "UPDATE dwh_lineage.run_steps SET state = 'retrying', due_at = now() WHERE id = %s", first_step.pk
        )
        house.execute("DELETE FROM dwh_lineage.step_leases")


def test_a_blocked_step_cannot_be_claimed(house: House, run: PipelineRun) -> None:
    assert claim_step(Step.objects.get(run=run, target="gold.c").pk) is None


def test_a_retry_that_is_not_due_cannot_be_claimed(house: House, first_step: Step) -> None:
    claim_step(first_step.pk)
    house.execute(
        "UPDATE dwh_lineage.run_steps SET state = 'retrying', due_at = now() + interval '1 h' WHERE id = %s",
        first_step.pk,
    )
    assert claim_step(first_step.pk) is None


def test_a_step_is_taken_over_only_when_its_lease_has_ended(house: House, first_step: Step) -> None:
    claim_step(first_step.pk)
    assert claim_step(first_step.pk) is None
    house.expire_lease(first_step.pk)
    second = claim_step(first_step.pk)
    assert second is not None
    assert second.token == 2
    assert house.outcomes(first_step) == ["lost", None]


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("run_steps", "state = 'succeeded'"),
        ("run_steps", "state = 'failed'"),
        ("pipeline_runs", "status = 'completed'"),
        ("pipeline_runs", "status = 'cancelling'"),
    ],
)
def test_the_database_refuses_transitions_that_are_not_in_the_table(
    house: House, run: PipelineRun, table: str, change: str
) -> None:
    with pytest.raises(DatabaseError, match="Invalid transition"):
        house.execute(f"UPDATE dwh_lineage.{table} SET {change}")


def test_an_outcome_is_written_once(house: House, first_step: Step) -> None:
    claim_step(first_step.pk)
    Attempt.objects.update(outcome="lost")
    with pytest.raises(DatabaseError, match="Cannot update"):
        Attempt.objects.update(outcome="succeeded")
