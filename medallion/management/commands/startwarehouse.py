"""`manage.py startwarehouse NAME --from FILE …`: a first warehouse from files or tables."""

from __future__ import annotations

import re
import shutil
from argparse import ArgumentParser
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from medallion.ingestion.errors import IngestionError
from medallion.naming import is_name, snake_case
from medallion.registry import warehouse
from medallion.starting.exporting import export
from medallion.starting.guessing import Guess, guess, snake
from medallion.starting.reading import Look, look
from medallion.starting.writing import camel, write


class Command(BaseCommand):
    help = "Writes a first warehouse from CSV files or tables: columns, types, rules and keys, each with its evidence."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the warehouse's name, which is the name of its folder")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--from", dest="files", nargs="+", type=Path, metavar="FILE", help="CSV files with a header")
        what.add_argument(
            "--from-table", dest="tables", nargs="+", metavar="TABLE",
            help="tables, as schema.table or postgresql://user@host/database#schema.table; they are written to files",
        )  # fmt: skip
        parser.add_argument("--into", type=Path, metavar="FOLDER", help="where its folder is made (warehouses)")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        folder = (options["into"] or Path(settings.BASE_DIR) / "warehouses") / name
        if not is_name(name):
            raise CommandError(
                f"{name} is no name for a warehouse: lower-case letters, digits and _, as in north_shop."
            )
        if folder.exists():
            raise CommandError(f"{folder} is there already. Choose another name, or take it away.")
        root = Path(settings.ASSAY_DATA_ROOT)
        connection = psycopg.connect(**_parameters(), autocommit=True)
        try:
            _require_migrated(connection)
            keys: dict[Path, list[str]] = {}
            files = [_under(root, name, file) for file in options["files"] or ()]
            for table in options["tables"] or ():
                file, key = export(connection, table, root / name)
                files.append(file)
                keys[file] = key
            looks = [look(file) for file in dict.fromkeys(files)]
            guesses = _guesses(connection, name, root, looks, keys)
        except IngestionError as error:
            raise CommandError(str(error)) from None
        finally:
            connection.close()
        for path in write(folder, name, guesses):
            self.stdout.write(f"wrote {path}")
        for found, _glob in guesses:
            told = f"key {', '.join(found.key)}" if found.key else "no key"
            seen = f"{len(found.columns)} columns, {found.rows:,} rows looked at"
            self.stdout.write(f"{found.name}: {seen}, {told}, {found.history}")
        self.stdout.write(
            f"Read {folder / 'warehouse.py'}, then: export ASSAY_WAREHOUSES={name}; manage.py makemigrations; "
            f"manage.py migrate; manage.py ingest SOURCE; manage.py run {name}_daily --here"
        )


def _parameters() -> dict[str, Any]:
    parameters: dict[str, Any] = connections["default"].get_connection_params()
    for django_only in ("cursor_factory", "context"):
        parameters.pop(django_only, None)
    return parameters


def _require_migrated(connection: psycopg.Connection[Any]) -> None:
    found = connection.execute("SELECT to_regprocedure('dwh_etl.to_numeric(text)') IS NOT NULL").fetchone()
    if found != (True,):
        raise CommandError("The database is not migrated, and values are tried in it. Run: manage.py migrate")


def _under(root: Path, name: str, file: Path) -> Path:
    """A file under the data root; one that lies elsewhere is copied there."""
    path = file if file.exists() else root / file
    if not path.is_file():
        raise CommandError(f"There is no file {file}.")
    if path.resolve().is_relative_to(root.resolve()):
        return path.resolve()
    copy = root / name / path.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    if not copy.exists():
        shutil.copyfile(path, copy)
    return copy.resolve()


def _guesses(
    connection: psycopg.Connection[Any], name: str, root: Path, looks: list[Look], keys: dict[Path, list[str]]
) -> list[tuple[Guess, str]]:
    """A table, and the glob of its files, for each kind of file: those with the same header and like names are one."""
    taken = {target.split(".")[1] for target in warehouse().tables}
    taken |= {row[0] for row in connection.execute("SELECT split_part(target, '.', 2) FROM dwh_lineage.targets")}
    guesses = []
    for same, glob in _alike(root, looks):
        stem = snake(re.sub(r"\d[\d_. -]*", "", same[0].path.name.split(".")[0]), name) or name
        for free in (stem, f"{name}_{stem}", *(f"{name}_{stem}_{number}" for number in range(2, 1000))):
            table = snake_case(camel(free))  # which is what a class of that name declares
            if not {table, f"raw_{table}"} & taken:
                break
        taken |= {table, f"raw_{table}"}
        guesses.append((guess(connection, same, table, keys.get(same[0].path, ())), glob))
    return guesses


def _alike(root: Path, looks: list[Look]) -> Iterator[tuple[list[Look], str]]:
    """The files of each kind, and what finds all of that kind and no others."""
    by_header: dict[tuple[str, ...], list[Look]] = {}
    for found in looks:
        by_header.setdefault(found.headers, []).append(found)
    for same in by_header.values():
        names = [found.path.relative_to(root.resolve()).as_posix() for found in same]
        common = next((glob for glob in _globs(names) if {*_found(root, glob)} == {*names}), None)
        if common:
            yield same, common
        else:
            yield from (([found], _escaped(name)) for found, name in zip(same, names, strict=True))


def _globs(names: list[str]) -> Iterator[str]:
    """The one name; the name of all with * for the numbers in it; what all names begin and end with."""
    if len(names) == 1:
        yield _escaped(names[0])
        return
    starred = {re.sub(r"\d+(?:[-_.]\d+)*", "*", _escaped(name)) for name in names}
    if len(starred) == 1:
        yield starred.pop()
    begin = _common(names)
    end = _common([name[len(begin) :][::-1] for name in names])[::-1]
    yield f"{_escaped(begin)}*{_escaped(end)}"


def _common(names: list[str]) -> str:
    """What all names begin with."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike)


def _escaped(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)


def _found(root: Path, glob: str) -> Iterator[str]:
    """The files under the data root that a glob finds."""
    return (path.relative_to(root).as_posix() for path in root.glob(glob) if path.is_file())
