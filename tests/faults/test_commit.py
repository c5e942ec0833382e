"""The server ends while a step commits: before its commit record is written, and after."""

from __future__ import annotations

import time

from django.db import connection

from lineage.models import Attempt, PipelineRun, Step
from tests.faults.conftest import Measure
from tests.faults.site import Site, insist, wait_until
from tests.faults.works import Works


def test_a_server_that_ends_during_commit_loses_nothing_and_doubles_nothing(
    site: Site, works: Works, measure: Measure
) -> None:
    """`pg_ctl restart -m immediate` in a load, in what COMMIT does before its record, and after it: of two loads the
    second waits for a standby that does not exist, so its record is written and nobody is told."""
    works.pace(works.chain("working"), 600)
    works.pace(works.chain("before"), 0, pause=600)
    works.chain("after")
    works.load("silver.after", "PERFORM set_config('synchronous_commit', 'on', true);")
    with site.superuser() as server:
        server.execute("ALTER DATABASE assay SET synchronous_commit = local")
        server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        server.execute("SELECT pg_reload_conf()")
    connection.close()  # the next one does not wait for a standby
    try:
        site.worker("worker", 3)
        wait_until(lambda: "ready." in site.log("worker"), 60)
        steps = {name: Step.objects.get(run=works.run(name)) for name in ("working", "before", "after")}
        wait_until(lambda: _waiting(site) == {"PgSleep": 2, "SyncRep": 1}, 60)
        for name in ("working", "before"):
            works.pace(f"silver.{name}", 0)
        site.restart_postgres()
    finally:
        time.sleep(0.5)
        insist(lambda: _forget_the_standby(site))
    site.beat("beat")
    wait_until(lambda: not PipelineRun.objects.exclude(status="completed").exists(), 120)

    ends = {name: list(insist(lambda s=step: _outcomes(s))) for name, step in steps.items()}
    measure("restart -m immediate in a load, in COMMIT, after its record", f"{ends}")
    assert ends["working"][-1] == ends["before"][-1] == "succeeded"
    assert len(ends["working"]) > 1
    assert len(ends["before"]) > 1
    assert ends["after"] == ["succeeded"]
    assert works.verdict().faults == {}


def _outcomes(step: Step) -> list[str | None]:
    return list(Attempt.objects.filter(step=step).order_by("token").values_list("outcome", flat=True))


def _waiting(site: Site) -> dict[str, int]:
    with site.superuser() as server:
        return dict(
            server.execute(
                "SELECT wait_event, count(*) FROM pg_stat_activity"
                " WHERE application_name = 'assay load' AND wait_event IN ('PgSleep', 'SyncRep') GROUP BY 1"
            ).fetchall()
        )


def _forget_the_standby(site: Site) -> None:
    with site.superuser() as server:
        server.execute("ALTER SYSTEM RESET synchronous_standby_names")
        server.execute("SELECT pg_reload_conf()")
        server.execute("ALTER DATABASE assay RESET synchronous_commit")
