"""A warehouse whose effects can be counted: three rows for each load that took effect, and which batches it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from psycopg import sql

from lineage.models import PipelineRun, Target
from medallion.execution.create import create_run
from medallion.pipelines import Pipeline
from medallion.registry import warehouse

# The rows of a load sum up to 6. `pause` holds its COMMIT back, so that faults fall into it.
_TABLES = """
CREATE TABLE IF NOT EXISTS dwh_staging.effects (target text, run uuid, part integer, pause float);
CREATE TABLE IF NOT EXISTS dwh_staging.taken (target text, batch_no bigint);
CREATE TABLE IF NOT EXISTS dwh_staging.paces (target text PRIMARY KEY, work float, pause float, ledger boolean);
CREATE TABLE IF NOT EXISTS dwh_staging.counters (name text PRIMARY KEY, n integer);
CREATE OR REPLACE FUNCTION dwh_staging.hold_back() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(NEW.pause); RETURN NULL; END $$;
DROP TRIGGER IF EXISTS hold_back ON dwh_staging.effects;
CREATE CONSTRAINT TRIGGER hold_back AFTER INSERT ON dwh_staging.effects DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.pause > 0) EXECUTE FUNCTION dwh_staging.hold_back();
TRUNCATE dwh_staging.effects, dwh_staging.taken, dwh_staging.paces, dwh_staging.counters,
    dwh_lineage.pipeline_runs, dwh_lineage.run_steps, dwh_lineage.batches, dwh_lineage.pendings CASCADE;
DELETE FROM dwh_lineage.target_inputs WHERE consumer IN (SELECT target FROM dwh_lineage.targets WHERE warehouse = 'faults');
DELETE FROM dwh_lineage.targets WHERE warehouse = 'faults';
"""  # noqa: E501

# Without the ledger nothing but the step's token keeps an effect from coming twice.
_LOAD = """
CREATE OR REPLACE PROCEDURE dwh_etl.{routine}(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql AS $body$
DECLARE
    l_pace dwh_staging.paces;
    l_batch bigint;
    l_taken bigint[];
BEGIN
    SELECT * INTO l_pace FROM dwh_staging.paces WHERE target = {target};
    IF {ledger} THEN
        SELECT b.load_batch, b.taken INTO l_batch, l_taken FROM dwh_lineage.begin_load({target}, in_batch_id) AS b;
        INSERT INTO dwh_staging.taken (target, batch_no) SELECT {target}, unnest(l_taken);
    END IF;
    INSERT INTO dwh_staging.effects (target, run, part, pause)
    SELECT {target}, in_batch_id, n, CASE n WHEN 1 THEN l_pace.pause ELSE 0 END FROM generate_series(1, 3) AS n;
    PERFORM pg_sleep(l_pace.work);
    {body}
    IF l_batch IS NOT NULL THEN
        PERFORM dwh_lineage.finish_load(l_batch, 'transform', '{{"silver.any": 3}}', 3);
    END IF;
END
$body$
"""

_VERDICT = """
WITH found AS (
    SELECT target, run, count(*) AS n, sum(part) AS parts FROM dwh_staging.effects GROUP BY target, run
), steps AS (
    SELECT s.target, r.batch_id AS run, s.state, s.id FROM dwh_lineage.run_steps AS s
    JOIN dwh_lineage.pipeline_runs AS r ON r.run_id = s.run_id
    WHERE s.target IN (SELECT p.target FROM dwh_staging.paces AS p)
), expected AS (
    SELECT i.consumer AS target, b.batch_no FROM dwh_lineage.batches AS b
    JOIN dwh_lineage.target_inputs AS i ON i.source = b.target
    JOIN dwh_staging.paces AS p ON p.target = i.consumer AND p.ledger
), taken AS (
    SELECT target, batch_no, count(*) AS n FROM dwh_staging.taken GROUP BY target, batch_no
)
SELECT
    (SELECT count(*) FROM steps) AS steps,
    (SELECT count(*) FROM steps WHERE state = 'succeeded') AS succeeded,
    (SELECT count(*) FROM found WHERE n > 3) AS doubled,
    (SELECT count(*) FROM steps LEFT JOIN found USING (target, run) WHERE state = 'succeeded' AND n IS NULL) AS lost,
    (SELECT count(*) FROM found LEFT JOIN steps USING (target, run) WHERE state IS DISTINCT FROM 'succeeded') AS stale,
    (SELECT count(*) FROM found WHERE (n, parts) <> (3, 6)) AS torn,
    (SELECT count(*) FROM expected) AS batches,
    (SELECT count(*) FROM taken WHERE n > 1) AS batches_doubled,
    (SELECT count(*) FROM expected LEFT JOIN taken USING (target, batch_no) WHERE n IS NULL) AS batches_lost,
    (SELECT count(*) FROM dwh_lineage.step_attempts) AS attempts,
    (SELECT count(*) FROM dwh_lineage.step_attempts WHERE outcome IS NULL) AS attempts_open,
    (SELECT count(*) FROM (
        SELECT a.step_id FROM dwh_lineage.step_attempts AS a WHERE a.outcome = 'succeeded'
        GROUP BY a.step_id HAVING count(*) > 1
    ) AS twice) AS succeeded_twice,
    (SELECT count(*) FROM dwh_lineage.pipeline_runs) AS runs,
    (SELECT count(*) FROM dwh_lineage.pipeline_runs WHERE status IN ('pending', 'running', 'cancelling')) AS runs_open
"""


@dataclass(frozen=True)
class Verdict:
    """What became of all steps: effects that came twice, not at all, without a success, in part; the same of batches;
    attempts and runs that did not end."""

    steps: int
    succeeded: int
    doubled: int
    lost: int
    stale: int
    torn: int
    batches: int
    batches_doubled: int
    batches_lost: int
    attempts: int
    attempts_open: int
    succeeded_twice: int
    runs: int
    runs_open: int

    @property
    def faults(self) -> dict[str, int]:
        """What is wrong, by name; empty where all is well."""
        harmless = {"steps", "succeeded", "batches", "attempts", "runs"}
        return {name: n for name, n in vars(self).items() if n and name not in harmless}


class Works:
    """Makes tables, their loads and pipelines; makes batches arrive; counts what loads did."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch
        self.execute(_TABLES)

    def pipeline(self, name: str, tables: dict[str, list[str]], *, ledger: bool = True) -> None:
        """A pipeline of `tables` (each with its inputs) that ends in the last of them. Loads take no time at first."""
        for target, inputs in tables.items():
            self._table(target, inputs, ledger)
        made = type(name, (Pipeline,), {"name": name, "targets": [list(tables)[-1]]})
        self.monkeypatch.setitem(warehouse().pipelines, name, made)

    def chain(self, name: str, *, ledger: bool = False) -> str:
        """The smallest pipeline: bronze.<name> → silver.<name>; returns the latter."""
        self.pipeline(name, {f"bronze.{name}": [], f"silver.{name}": [f"bronze.{name}"]}, ledger=ledger)
        return f"silver.{name}"

    def run(self, name: str) -> PipelineRun:
        return create_run(name, requested_by="faults")

    def load(self, target: str, body: str = "", *, ledger: bool = False) -> None:
        """Writes a table's load anew, which does `body` at its end."""
        statement = sql.SQL(_LOAD).format(
            routine=sql.Identifier(_routine(target)), target=sql.Literal(target), ledger=sql.Literal(ledger),
            body=sql.SQL(body),
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute(statement)

    def pace(self, target: str, work: float, pause: float = 0.0) -> None:
        """From now on a load of the table works for `work` seconds, and its COMMIT takes `pause` seconds."""
        self.execute("UPDATE dwh_staging.paces SET work = %s, pause = %s WHERE target = %s", work, pause, target)

    def effects(self, target: str) -> int:
        """How many loads of a table have taken effect."""
        return self.scalar("SELECT count(*) FILTER (WHERE part = 1) FROM dwh_staging.effects WHERE target = %s", target)

    def verdict(self) -> Verdict:
        with connection.cursor() as cursor:
            cursor.execute(_VERDICT)
            return Verdict(*cursor.fetchone())

    def waiting(self) -> list[str]:
        """The pipelines of whose tables a batch waits."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT p.consumer FROM dwh_lineage.pendings AS p JOIN dwh_staging.paces AS t"
                           " ON t.target = p.consumer AND t.ledger")  # fmt: skip
            return sorted({target.split(".")[1].split("_")[0] for (target,) in cursor.fetchall()})

    def ends(self) -> str:
        """How the attempts ended, the most frequent end first."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT string_agg(format('%s %s', n, what), ', ' ORDER BY n DESC) FROM ("
                "  SELECT count(*) AS n, concat_ws(' ', outcome, sqlstate) AS what FROM dwh_lineage.step_attempts"
                "  GROUP BY outcome, sqlstate) AS ends"
            )
            return str(cursor.fetchone()[0])

    def execute(self, statement: str, *values: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)

    def scalar(self, statement: str, *values: object) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchone()[0]

    def _table(self, target: str, inputs: list[str], ledger: bool) -> None:
        layer = target.split(".")[0]
        routine = None if layer == "bronze" else f"dwh_etl.{_routine(target)}"
        Target.objects.create(target=target, layer=layer, kind="append", warehouse="faults", rows_relation=target,
                              load_routine=routine)  # fmt: skip
        for source in inputs:
            self.execute("SELECT dwh_lineage.register_input(%s, %s)", target, source)
        if routine:
            self.execute("INSERT INTO dwh_staging.paces VALUES (%s, 0, 0, %s)", target, ledger)
            self.load(target, ledger=ledger)


def _routine(target: str) -> str:
    return f"load_{target.replace('.', '_')}"
