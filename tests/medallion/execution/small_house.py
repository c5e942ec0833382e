"""A warehouse in small, for the tests of runs: targets whose loads are written by hand."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

from django.db import connection
from psycopg import sql

from lineage.models import Attempt, PipelineRun, Step, Target
from medallion.pipelines import Pipeline

ROOT = Path(__file__).resolve().parents[3]

_LOAD = """
CREATE OR REPLACE PROCEDURE dwh_etl.{routine}(in_batch_id uuid DEFAULT NULL)
LANGUAGE plpgsql AS $body$
DECLARE
    l_load record;
BEGIN
    SELECT * INTO l_load FROM dwh_lineage.begin_load({target}, in_batch_id, {rebuild});
    IF l_load.load_batch IS NULL THEN
        RETURN;
    END IF;
    {body}
    UPDATE dwh_lineage.targets SET needs_rebuild = false WHERE target = {target} AND {rebuild};
    INSERT INTO dwh_staging.effects (target, run, rebuild) VALUES ({target}, in_batch_id, {rebuild});
    PERFORM dwh_lineage.finish_load(l_load.load_batch, 'transform', '{{"bronze.feed": 3}}', 2, 1, 0, 0, 0);
END
$body$
"""


@dataclass
class House:
    """Installs tables and their loads, makes rows arrive, and counts what loads did."""

    installed: list[str] = field(default_factory=list)

    def table(self, target: str, *inputs: str, body: str = "") -> None:
        """A table that takes from `inputs`; its load does `body` and leaves one row in dwh_staging.effects."""
        schema, name = target.split(".")
        has_load = schema != "bronze"
        Target.objects.create(
            target=target,
            layer=schema,
            kind="append",
            warehouse="tests",
            rows_relation=target,
            load_routine=f"dwh_etl.load_{schema}_{name}" if has_load else None,
            rebuild_routine=f"dwh_etl.rebuild_{schema}_{name}" if has_load else None,
        )
        self.installed.append(target)
        for source in inputs:
            self.execute("SELECT dwh_lineage.register_input(%s, %s)", target, source)
        if has_load:
            self.load(target, body)

    def load(self, target: str, body: str = "") -> None:
        """Writes a table's load anew."""
        for verb in ("load", "rebuild"):
            routine = sql.Identifier(f"{verb}_{target.replace('.', '_')}")
            rebuild = sql.Literal(verb == "rebuild")
            statement = sql.SQL(_LOAD).format(
                routine=routine, target=sql.Literal(target), rebuild=rebuild, body=sql.SQL(body)
            )
            with connection.cursor() as cursor:
                cursor.execute(statement)

    def arrive(self, target: str = "bronze.feed") -> None:
        """A batch of three rows comes into a table, and waits for all that take from it."""
        self.execute("SELECT dwh_lineage.close_batch(dwh_lineage.open_batch(%s, 'foreign'), 3, 3)", target)

    def effects(self, target: str) -> int:
        """How often the load of a table has taken effect."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM dwh_staging.effects WHERE target = %s", [target])
            return int(cursor.fetchone()[0])

    def execute(self, statement: str, *values: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)

    def expire_lease(self, step_id: int) -> None:
        self.execute("UPDATE dwh_lineage.step_leases SET until = now() - interval '1 s' WHERE step_id = %s", step_id)

    def states(self, run: PipelineRun) -> dict[str, str]:
        return dict(Step.objects.filter(run=run).values_list("target", "state"))

    def outcomes(self, step: Step) -> list[str | None]:
        return list(Attempt.objects.filter(step=step).order_by("token").values_list("outcome", flat=True))

    def clear(self) -> None:
        for target in self.installed:
            for verb in ("load", "rebuild"):
                routine = sql.Identifier(f"{verb}_{target.replace('.', '_')}")
                with connection.cursor() as cursor:
                    cursor.execute(sql.SQL("DROP PROCEDURE IF EXISTS dwh_etl.{}(uuid)").format(routine))


def environment_of_children(**more: str) -> dict[str, str]:
    """The environment in which another process finds the tests' database."""
    entry = connection.settings_dict
    values = {"host": entry["HOST"], "port": entry["PORT"], "user": entry["USER"], "password": entry["PASSWORD"]}
    query = urlencode({key: str(value) for key, value in values.items() if value})
    path = os.pathsep.join(str(ROOT / folder) for folder in ("platform", "examples", "."))
    inherited = os.environ | {"PYTHONPATH": path + os.pathsep + os.environ.get("PYTHONPATH", "")}
    return inherited | {"DATABASE_URL": f"postgresql:///{quote(entry['NAME'])}?{query}"} | more


def in_another_process(statements: str, **environment: str) -> subprocess.Popen[str]:
    """Starts a process that sets Django up and runs `statements`."""
    program = f"import django; django.setup()\n{statements}"
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment_of_children(**environment),
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


class Daily(Pipeline):
    """The tests' pipeline: gold.c, and so all that the house has."""

    targets = ["gold.c"]


# Other processes know the pipeline by this.
WITH_DAILY = """
from medallion.registry import warehouse
from tests.medallion.execution.small_house import Daily
warehouse().pipelines["daily"] = Daily
"""


def command_in_another_process(*words: str, **environment: str) -> subprocess.Popen[str]:
    """Starts `manage.py` with `words`, as in a terminal, in a process that knows `daily`."""
    program = f"{WITH_DAILY}\nfrom django.core.management import execute_from_command_line"
    line = ["manage.py", *words]
    return in_another_process(f"{program}\nexecute_from_command_line({line!r})", **environment)


def wait_until(happened: Callable[[], object], seconds: float = 15) -> None:
    """Waits for something; fails where it does not happen in time."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "It did not happen in time."
        time.sleep(0.05)
