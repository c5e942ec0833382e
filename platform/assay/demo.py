"""The demo: from an empty database to a warehouse that a person can look at, through the same doors as everybody."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.urls import reverse

from lineage.models import PipelineRun
from medallion.connections import work_connection
from medallion.execution.create import create_run
from medallion.ingestion.ingest import Failed, Ingested, ingest_source
from medallion.ingestion.reporting import summary
from medallion.registry import warehouse
from retail import generator

USER = "demo"


@dataclass(frozen=True)
class Example:
    """What an example needs: its source, its pipeline, and who makes its files."""

    source_table: str
    pipeline: str


EXAMPLES = {"retail": Example("bronze.raw_invoice_lines", "retail_daily")}


def generate(scale: float) -> Path:
    """Writes the example's files under the data root and returns their folder."""
    folder = Path(settings.ASSAY_DATA_ROOT) / "retail"
    generator.write(folder, scale)
    return folder


def ingest(example: Example, folder: Path) -> str:
    """Ingests every .csv file of a folder and says in one line what came of it. Raises CommandError."""
    files: Sequence[Path] = sorted(path for path in folder.glob("*.csv") if path.is_file())
    if not files:
        raise CommandError(f"There is no .csv file in {folder}. Give a folder with daily files: make demo DATA=folder.")
    with work_connection("demo") as work:
        results: list[Ingested | Failed] = ingest_source(
            work, warehouse().bronze_specs[example.source_table], files, root=folder.resolve()
        )
    if failed := [result for result in results if isinstance(result, Failed)]:
        raise CommandError("\n".join(str(failure.error) for failure in failed))
    return summary(results)


def run(example: Example, seconds: float = 300) -> PipelineRun:
    """Runs the example's pipeline on the worker and waits for its end. Raises CommandError unless it completes."""
    started = create_run(example.pipeline, requested_by=USER)
    deadline = time.monotonic() + seconds
    while started.status not in ("completed", "failed", "cancelled"):
        if time.monotonic() > deadline:
            raise CommandError(f"Run {started.pk} has not ended in {seconds:.0f} s. Its page says where it stands.")
        time.sleep(0.1)
        started.refresh_from_db()
    if started.status != "completed":
        raise CommandError(f"Run {started.pk} {started.status}: {started.error_message}")
    return started


def rows_by_layer() -> list[tuple[str, str, int]]:
    """(layer, table, rows) of each declared table, in the layers' order."""
    rows = []
    with connection.cursor() as cursor:
        for target, table in warehouse().tables.items():
            layer, name = target.split(".")
            quoted = connection.ops.quote_name
            cursor.execute(f"SELECT count(*) FROM {quoted(layer)}.{quoted(name)}")  # noqa: S608 - quoted
            rows.append((table.layer, target, int(cursor.fetchone()[0])))
    return sorted(rows, key=lambda row: ("bronze", "silver", "gold").index(row[0]))


def open_causes() -> list[tuple[str, str, int]]:
    """(table, cause, rows) of the open exceptions, the largest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT i.target, i.title, sum(d.delta)::bigint
            FROM dwh_lineage.quality_issues AS i
            JOIN dwh_lineage.issue_deltas AS d ON d.issue_id = i.id
            GROUP BY i.id, i.target, i.title
            HAVING sum(d.delta) > 0
            ORDER BY 3 DESC, 1, 2
            """
        )
        return list(cursor.fetchall())


def superuser() -> tuple[User, str | None]:
    """The demo's superuser, and its password where it has just been made."""
    existing = User.objects.filter(username=USER).first()
    if existing is not None:
        return existing, None
    password = secrets.token_urlsafe(9)
    return User.objects.create_superuser(USER, password=password), password


def check_pages(address: str, user: User) -> list[str]:
    """Asks the running server for the main pages, logged in, and returns their paths. Raises CommandError."""
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    cookies = {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}
    names = ("index", "runs", "exceptions", "tables", "watermarks", "lineage")
    paths = ["/healthz", *(reverse(f"admin:{name}") for name in names)]
    with httpx.Client(base_url=address, cookies=cookies, trust_env=False, timeout=30) as web:
        for path in paths:
            answer = _patiently(web, path)
            if answer.status_code != 200:
                raise CommandError(f"{address}{path} answered {answer.status_code}.\n{answer.text[:500]}")
    client.logout()
    return paths


def _patiently(web: httpx.Client, path: str, seconds: float = 30) -> httpx.Response:
    """The first page is asked for while the server still starts."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return web.get(path)
        except httpx.ConnectError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
