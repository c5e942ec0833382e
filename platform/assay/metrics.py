"""`/metrics` for Prometheus: what PostgreSQL knows, asked at each scrape.

No client library: it counts in each process, and where there are several (gunicorn's) its multiprocess mode supports no
collectors of one's own (https://prometheus.github.io/client_python/multiprocess/). Our truth is in one place already.
Each query reads counters, what is live, or a window: none grows with the history.
"""

from __future__ import annotations

from importlib.metadata import version

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from assay.exposition import CONTENT_TYPE, Family, render
from lineage.totals import totals
from lineage.workers import workers_alive

PERMISSION = "lineage.view_pipelinerun"

_QUERIES = {
    "assay_runs_total": (
        "counter", "Runs that have ended, by pipeline and how.", ("pipeline", "status"),
        "SELECT pipeline_name, status, runs FROM dwh_lineage.pipeline_totals ORDER BY 1, 2",
    ),
    "assay_run_seconds_total": (
        "counter", "Seconds that those runs took.", ("pipeline", "status"),
        "SELECT pipeline_name, status, seconds FROM dwh_lineage.pipeline_totals ORDER BY 1, 2",
    ),
    "assay_pipeline_seconds_since_success": (
        "gauge", "Age of each pipeline's last completed run.", ("pipeline",),
        """
        SELECT pipeline_name, extract(epoch FROM clock_timestamp() - last_at)::float8
        FROM dwh_lineage.pipeline_totals WHERE status = 'completed' ORDER BY 1
        """,
    ),
    # Uses index pipeline_runs_status_idx.
    "assay_runs_live": (
        "gauge", "Runs that have not ended.", ("pipeline", "status"),
        """
        SELECT pipeline_name, status, count(*) FROM dwh_lineage.pipeline_runs
        WHERE status IN ('pending', 'running', 'cancelling') GROUP BY 1, 2 ORDER BY 1, 2
        """,
    ),
    # Uses indexes pipeline_runs_status_idx and run_steps_once.
    "assay_steps": (
        "gauge", "Steps of runs that have not ended, by state.", ("state",),
        """
        SELECT s.state, count(*)
        FROM dwh_lineage.pipeline_runs AS r JOIN dwh_lineage.run_steps AS s ON s.run_id = r.run_id
        WHERE r.status IN ('pending', 'running', 'cancelling') GROUP BY 1 ORDER BY 1
        """,
    ),
    # Uses index step_attempts_ended_idx; so does the next.
    "assay_recent_attempts": (
        "gauge", "Attempts at steps that ended within 15 minutes, by outcome.", ("table", "outcome"),
        """
        SELECT s.target, a.outcome, count(*)
        FROM dwh_lineage.step_attempts AS a JOIN dwh_lineage.run_steps AS s ON s.id = a.step_id
        WHERE a.ended_at > now() - interval '15 minutes' GROUP BY 1, 2 ORDER BY 1, 2
        """,
    ),
    "assay_recent_attempt_seconds": (
        "gauge", "How long the succeeded among them took: median, 95 % and longest.", ("table", "quantile"),
        """
        SELECT t.target, q.quantile, t.seconds[q.position]
        FROM (
            SELECT s.target, percentile_cont(ARRAY[0.5, 0.95, 1]) WITHIN GROUP (
                ORDER BY extract(epoch FROM a.ended_at - a.started_at)::float8) AS seconds
            FROM dwh_lineage.step_attempts AS a JOIN dwh_lineage.run_steps AS s ON s.id = a.step_id
            WHERE a.ended_at > now() - interval '15 minutes' AND a.outcome = 'succeeded' GROUP BY 1
        ) AS t
        CROSS JOIN (VALUES ('0.5', 1), ('0.95', 2), ('1', 3)) AS q (quantile, position)
        ORDER BY 1, 2
        """,
    ),
    "assay_open_exceptions": (
        "gauge", "Open exceptions by the rule they break; one that breaks two counts twice.", ("table", "rule"),
        """
        SELECT i.target, i.rule, sum(d.delta)::bigint
        FROM dwh_lineage.issue_deltas AS d JOIN dwh_lineage.quality_issues AS i ON i.id = d.issue_id
        GROUP BY 1, 2 ORDER BY 1, 2
        """,
    ),
    # Uses index pendings_once.
    "assay_waiting_batches": (
        "gauge", "Batches that wait for a table's load.", ("table",),
        """
        SELECT t.target, (SELECT count(*) FROM dwh_lineage.pendings AS p WHERE p.consumer = t.target)
        FROM dwh_lineage.targets AS t WHERE t.load_routine IS NOT NULL ORDER BY 1
        """,
    ),
    "assay_waiting_seconds": (
        "gauge", "Age of the oldest batch that waits for a table's load; 0 where none does.", ("table",),
        """
        SELECT t.target, coalesce(extract(epoch FROM clock_timestamp() - b.ingested_at)::float8, 0)
        FROM dwh_lineage.targets AS t
        LEFT JOIN LATERAL (
            SELECT b.ingested_at
            FROM dwh_lineage.pendings AS p JOIN dwh_lineage.batches AS b ON b.batch_no = p.batch_no
            WHERE p.consumer = t.target ORDER BY p.batch_no LIMIT 1
        ) AS b ON true
        WHERE t.load_routine IS NOT NULL ORDER BY 1
        """,
    ),
    "assay_tick_age_seconds": (
        "gauge", "Age of the last sign of life of what beat asks for.", ("name",),
        """
        SELECT name, extract(epoch FROM clock_timestamp() - at)::float8 FROM dwh_lineage.ticks ORDER BY 1
        """,
    ),
    "assay_leases": (
        "gauge", "Steps that a worker has now.", (), "SELECT count(*) FROM dwh_lineage.step_leases",
    ),
}  # fmt: skip


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures as text, for who has the token or may see runs; 401 for others."""
    if not _may_read(request):
        return HttpResponse(
            "Send the token of ASSAY_METRICS_TOKEN as a bearer token, or log in as staff who may view runs.\n",
            status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"},
        )  # fmt: skip
    return HttpResponse(render(families()), content_type=CONTENT_TYPE)


def families() -> list[Family]:
    """All figures. Raises OperationalError where a query takes longer than five seconds."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '5s'")
        found = [
            Family("assay_info", "gauge", "Assay itself.", ("version",), [(version("assay"), 1)]),
            Family("assay_workers", "gauge", "Workers that are alive.", (), [(workers_alive(),)]),
            *_ledger(),
        ]
        for name, (kind, text, labels, query) in _QUERIES.items():
            cursor.execute(query)
            found.append(Family(name, "counter" if kind == "counter" else "gauge", text, labels, cursor.fetchall()))
    return found


def _ledger() -> list[Family]:
    kinds = ("read", "inserted", "updated", "deleted", "unchanged", "rejected")
    sums = totals()
    rows: list[tuple[object, ...]] = [(t.target, kind, getattr(t, kind)) for t in sums.values() for kind in kinds]
    batches: list[tuple[object, ...]] = [(t.target, t.batches) for t in sums.values()]
    return [
        Family("assay_rows_total", "counter", "Rows by what loads did with them.", ("table", "kind"), rows),
        Family("assay_batches_total", "counter", "Batches in the ledger.", ("table",), batches),
    ]


def _may_read(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.ASSAY_METRICS_TOKEN
    if wanted and scheme.lower() == "bearer" and constant_time_compare(token.strip(), wanted):
        return True
    user = request.user
    return not isinstance(user, AnonymousUser) and user.is_staff and user.has_perm(PERMISSION)
