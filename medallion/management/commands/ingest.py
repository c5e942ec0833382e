"""ingest SOURCE [PATH …]: files into a bronze table, or what an API or a database has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from lineage.connections import work_connection
from medallion import bronze
from medallion.ingestion.errors import IngestionError
from medallion.ingestion.ingest import Failed, ingest_source
from medallion.ingestion.reporting import shown, summary
from medallion.ingestion.spec import BronzeSpec
from medallion.pulling.errors import PullError
from medallion.registry import warehouse
from medallion.sources import Pulled

if TYPE_CHECKING:
    from medallion.pulling.advancing import Pull


class Command(BaseCommand):
    # `migrate` has checked the declarations that are installed; to import all pages and queries for it again would take
    # longer than a small load.
    requires_system_checks = ()
    help = (
        "Ingests the files of a source into its bronze table; a file whose content was ingested before is skipped. "
        "Pulls an API or a database; a pull that was interrupted goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="a declared source (crm), or its bronze table (bronze.raw_customers)")
        parser.add_argument(
            "paths", nargs="*", type=Path, metavar="path", help="files; without: what the source's path finds"
        )
        parser.add_argument(
            "--restart",
            action="store_true",
            help="of an API or a database: begin anew, instead of going on with an interrupted pull",
        )

    def handle(self, *args: Any, source: str, paths: Sequence[Path], restart: bool, **options: Any) -> None:
        pulled = _pulled(source)
        if pulled is not None and paths:
            raise CommandError(f"{pulled.name} is pulled; it has no files. Give no path.")
        if pulled is None and restart:
            raise CommandError("--restart is for what is pulled; a file that was ingested is skipped.")
        if pulled is not None:
            self._pull(pulled, restart)
        else:
            self._ingest(source, paths)

    def _pull(self, source: type[Pulled], restart: bool) -> None:
        from medallion.pulling.pull import pull  # which files do not need

        def tell(so_far: Pull) -> None:
            self.stdout.write(f"{source.name}: page {so_far.pages:,}, {so_far.rows:,} rows")

        try:
            done = pull(source, restart=restart, progress=tell)
        except PullError as error:
            raise CommandError(str(error)) from error
        except psycopg.OperationalError as error:
            raise CommandError(
                f"The connection to PostgreSQL was lost: {error}\n"
                "Pages that have landed stay. Run the command again: it goes on with the next one."
            ) from error
        self.stdout.write(f"{source.name}: {done.rows:,} rows of {done.pages:,} pages ingested.")

    def _ingest(self, source: str, paths: Sequence[Path]) -> None:
        specs = _matching(source)
        root = Path(settings.ASSAY_DATA_ROOT)
        named = [_from_here(path, root) for path in paths] or None
        interactive = self.stderr.isatty() and self.stdout.isatty()
        failed: list[Failed] = []
        with work_connection("ingest") as connection:
            for spec in specs:
                try:
                    with shown(self.stdout.write, interactive) as progress:
                        results = ingest_source(connection, spec, named, progress)
                except IngestionError as error:
                    raise CommandError(str(error)) from error
                except psycopg.OperationalError as error:
                    raise CommandError(
                        f"The connection to PostgreSQL was lost: {error}\n"
                        "Nothing of the file at hand has landed. Run the command again: files that have are skipped."
                    ) from error
                self.stdout.write(f"{spec.target}: {summary(results)}")
                failed += [result for result in results if isinstance(result, Failed)]
        if failed:
            listed = "\n".join(f"  {failure.error}" for failure in failed)
            raise CommandError(f"{len(failed)} not ingested, and nothing of them has landed:\n{listed}")


def _pulled(source: str) -> type[Pulled] | None:
    """The API or database that a name means, or whose table it is."""
    for pulled in warehouse().pulled.values():
        tables = [t for t in warehouse().tables.values() if issubclass(t, bronze.Table) and t.source is pulled]
        if source in (pulled.name, pulled.__name__, *(name for t in tables for name in (t.target, t.name))):
            return pulled
    return None


def _matching(source: str) -> list[BronzeSpec]:
    """The bronze tables that a name means: all those of a source, or one table."""
    specs = warehouse().bronze_specs
    found = [
        spec
        for target, spec in specs.items()
        if source in (target, target.split(".", 1)[1], spec.source.name, spec.source.__name__)
    ]
    if not found:
        names = [f"{spec.source.name} ({target})" for target, spec in sorted(specs.items())]
        known = ", ".join([*names, *sorted(warehouse().pulled)]) or "none"
        raise CommandError(f"No source or bronze table is called {source}. There are: {known}.")
    return found


def _from_here(path: Path, root: Path) -> Path:
    """A path as typed: under the data root, or, where that has no such file, from the folder one stands in."""
    return path if path.is_absolute() or (root / path).exists() or not path.exists() else Path.cwd() / path
