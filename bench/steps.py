"""What a step costs beside its load: a chain and a fan of empty loads, carried out here, and claims by themselves."""

from __future__ import annotations

import logging
import statistics
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from bench.report import Row, seconds
from lineage.models import PipelineRun, Step
from medallion.execution.claim import claim_step
from medallion.execution.create import create_run
from medallion.execution.perform import run_here
from medallion.execution.work import close_connection
from medallion.pipelines import Pipeline
from medallion.registry import warehouse

TABLE = "silver.bench_step_"
# What a load does where nothing waits: it takes its table's row, looks, and ends.
_LOAD = """
CREATE PROCEDURE dwh_etl.load_bench_step(in_batch_id uuid) LANGUAGE plpgsql AS $body$
BEGIN
    UPDATE dwh_lineage.targets SET load_no = load_no + 1 WHERE target = 'silver.bench_step_1';
END
$body$
"""


def run(connection_url: str, steps: int = 100, tries: int = 3) -> list[Row]:
    """Milliseconds a step against those of the bare load in a transaction of its own; claims a second in the note."""
    rows = []
    logging.getLogger("medallion.execution").setLevel(logging.WARNING)  # a line for each step would be measured too
    with psycopg.connect(connection_url, autocommit=True) as connection:
        for shape, needs_the_one_before in (("chain", True), ("fan", False)):
            with _tables(connection, steps, needs_the_one_before):
                limit = statistics.median(seconds(lambda: _bare(connection, steps)) for _ in range(tries))
                ours = statistics.median(seconds(_carry_out) for _ in range(tries))
                note = f"{1000 * ours / steps:.1f} ms a step; limit: BEGIN, CALL, COMMIT; median of {tries}"
                rows.append(Row(f"A {shape} of {steps} empty steps, here", limit, ours, ours / limit, note))
                if not needs_the_one_before:
                    rows.append(_claims(limit, steps))
    return rows


def _claims(limit: float, steps: int) -> Row:
    run = create_run("bench_steps", here=True)
    waiting = list(Step.objects.filter(run=run).values_list("pk", flat=True))
    ours = seconds(lambda: [claim_step(step) for step in waiting])
    run.delete()
    return Row(
        f"{steps} claims, one after the other", limit, ours, ours / limit, f"{steps / ours:,.0f} claims a second"
    )


def _carry_out() -> None:
    run = create_run("bench_steps", here=True)
    if run_here(run) != "completed":
        raise RuntimeError(f"The run failed: {PipelineRun.objects.get(pk=run.pk).error_message}")


def _bare(connection: psycopg.Connection[tuple[object, ...]], steps: int) -> None:
    for _ in range(steps):
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        connection.execute("CALL dwh_etl.load_bench_step(NULL)")
        connection.execute("COMMIT")


@contextmanager
def _tables(connection: psycopg.Connection[tuple[object, ...]], steps: int, chain: bool) -> Iterator[None]:
    """So many targets with an empty load, each reading the one before it, or none; and the pipeline `bench_steps`."""
    connection.execute(_LOAD)
    connection.execute(
        """
        INSERT INTO dwh_lineage.targets (target, layer, kind, warehouse, rows_relation, load_routine)
        SELECT %(table)s || g, 'silver', 'append', 'bench', %(table)s || g, 'dwh_etl.load_bench_step'
        FROM generate_series(1, %(steps)s) AS g
        """,
        {"table": TABLE, "steps": steps},
    )
    if chain:
        connection.execute(
            "INSERT INTO dwh_lineage.target_inputs (consumer, source)"
            " SELECT %(table)s || g, %(table)s || g - 1 FROM generate_series(2, %(steps)s) AS g",
            {"table": TABLE, "steps": steps},
        )

    class BenchSteps(Pipeline):
        targets = [f"{TABLE}{number}" for number in range(1, steps + 1)]

    warehouse().pipelines["bench_steps"] = BenchSteps
    try:
        yield
    finally:
        close_connection()
        del warehouse().pipelines["bench_steps"]
        PipelineRun.objects.filter(pipeline_name="bench_steps").delete()
        connection.execute("DELETE FROM dwh_lineage.target_inputs WHERE starts_with(consumer, %s)", (TABLE,))
        connection.execute("DELETE FROM dwh_lineage.targets WHERE starts_with(target, %s)", (TABLE,))
        connection.execute("DROP PROCEDURE dwh_etl.load_bench_step(uuid)")
