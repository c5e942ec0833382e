"""The demo: from an empty database to a warehouse that a person can look at, through the same doors as everybody."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import httpx
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client
from django.urls import reverse

import ecommerce.generator
import retail.generator
from lineage.connections import work_connection
from lineage.models import PipelineRun
from medallion import bronze, declaration
from medallion.execution.create import create_run
from medallion.ingestion.ingest import Failed, Ingested, ingest_source
from medallion.ingestion.reporting import summary
from medallion.ingestion.spec import BronzeSpec
from medallion.registry import warehouse
from medallion.sources import Files

USER = "demo"


@dataclass(frozen=True)
class Example:
    """What an example needs: its pipeline, and what writes its files: write(folder, scale). The paths of its sources
    begin with its name; what follows is where its files lie in a folder of them."""

    name: str
    pipeline: str
    write: Callable[[Path, float], object]

    def tables(self) -> dict[str, type[declaration.Table]]:
        """The tables that it declares; none where it is not installed."""
        return warehouse().of_app(self.name)

    def files(self, folder: Path) -> list[tuple[BronzeSpec, list[Path]]]:
        """Each bronze table with its files in a folder, sorted by name; tables without any are left out."""
        found = []
        for table in self.tables().values():
            if issubclass(table, bronze.Table) and issubclass(table.source, Files):
                pattern = PurePosixPath(table.source.path).relative_to(self.name)
                found.append((table.spec(), sorted(path for path in folder.glob(str(pattern)) if path.is_file())))
        return [(spec, files) for spec, files in found if files]


EXAMPLES = {
    example.name: example
    for example in (
        Example("ecommerce", "daily_etl", ecommerce.generator.write),
        Example("retail", "retail_daily", retail.generator.write),
    )
}


def generate(example: Example, scale: float) -> Path:
    """Writes the example's files under the data root and returns their folder."""
    folder = Path(settings.ASSAY_DATA_ROOT) / example.name
    example.write(folder, scale)
    return folder


def ingest(example: Example, folder: Path) -> list[str]:
    """Ingests the example's files in a folder; a line for each table says what came of it. Raises CommandError."""
    found = example.files(folder)
    if not found:
        raise CommandError(
            f"No file in {folder} is named as those of {example.name} are. Give a folder with daily files: "
            f"make demo EXAMPLE={example.name} DATA=folder."
        )
    lines, failed = [], list[Failed]()
    with work_connection("demo") as work:
        for spec, files in found:
            results: list[Ingested | Failed] = ingest_source(work, spec, files, root=folder.resolve())
            failed += [result for result in results if isinstance(result, Failed)]
            lines.append(f"{spec.target}: {summary(results)}")
    if failed:
        raise CommandError("\n".join(str(failure.error) for failure in failed))
    return lines


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


def rows_by_layer(example: Example) -> list[tuple[str, str, int]]:
    """(layer, table, rows) of each table of the example, in the layers' order."""
    rows = []
    with connection.cursor() as cursor:
        for target, table in example.tables().items():
            layer, name = target.split(".")
            quoted = connection.ops.quote_name
            cursor.execute(f"SELECT count(*) FROM {quoted(layer)}.{quoted(name)}")  # noqa: S608 - quoted
            rows.append((table.layer, target, int(cursor.fetchone()[0])))
    return sorted(rows, key=lambda row: ("bronze", "silver", "gold").index(row[0]))


def open_causes(example: Example) -> list[tuple[str, str, int]]:
    """(table, cause, rows) of the example's open exceptions, the largest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT i.target, i.title, sum(d.delta)::bigint
            FROM dwh_lineage.quality_issues AS i
            JOIN dwh_lineage.issue_deltas AS d ON d.issue_id = i.id
            WHERE i.target = ANY (%s)
            GROUP BY i.id, i.target, i.title
            HAVING sum(d.delta) > 0
            ORDER BY 3 DESC, 1, 2
            """,
            [list(example.tables())],
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
    client.force_login(user, settings.AUTHENTICATION_BACKENDS[-1])
    cookies = {settings.SESSION_COOKIE_NAME: client.cookies[settings.SESSION_COOKIE_NAME].value}
    names = ("index", "runs", "exceptions", "tables", "watermarks", "lineage")
    paths = ["/healthz/web", *(reverse(f"admin:{name}") for name in names)]
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
