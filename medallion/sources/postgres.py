"""Sources that are tables of other PostgreSQL databases.

class Customers(sources.PostgresTable):
    \"\"\"The shop's customers.\"\"\"
    url = "${SHOP_DATABASE_URL}"
    table = "data.customers"
    cursor = "updated_at"
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from medallion.sources.pulled import VARIABLE, Pulled


class PostgresTable(Pulled):
    """Rows of a table, or of a query, of another PostgreSQL database.

    url         of the database, as libpq reads it; ${NAME} is an environment variable, which is never written anywhere
    table       its name as SQL spells it: "data.customers"
    query       a SELECT instead of a table
    cursor      a column that grows with every change of a row: a time or a number. A pull then reads what is at or
                after the place of the one before. None: each pull reads everything, and a row that is not there is gone
    overlap     how far before that place a pull begins, for rows that become visible late: a timedelta, or a number
    page_rows   with a cursor: about so many rows are landed in one transaction
    """

    url: ClassVar[str] = ""
    table: ClassVar[str | None] = None
    query: ClassVar[str | None] = None
    cursor: ClassVar[str | None] = None
    overlap: ClassVar[timedelta | int] = timedelta(hours=1)
    page_rows: ClassVar[int] = 100_000
    _limits = (*Pulled._limits, "page_rows")

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls._check_url()
        if not all(value is None or (isinstance(value, str) and value.strip()) for value in (cls.table, cls.query)):
            raise cls._invalid("table and query must be texts.")
        if (cls.table is None) == (cls.query is None):
            raise cls._invalid('Give one of both: table = "data.customers", or query = "SELECT …".')
        if cls.cursor is not None and not (isinstance(cls.cursor, str) and cls.cursor):
            raise cls._invalid(f'cursor = {cls.cursor!r} must be the name of a column, as in "updated_at".')
        length = cls.overlap.total_seconds() if isinstance(cls.overlap, timedelta) else cls.overlap
        if not isinstance(length, int | float) or isinstance(length, bool) or length < 0:
            raise cls._invalid(f"overlap = {cls.overlap!r} must be a timedelta, or a whole number from 0 on.")

    @classmethod
    def _check_url(cls) -> None:
        hint = '"${SHOP_DATABASE_URL}", or "postgresql://reader:${SHOP_PASSWORD}@db.example/shop"'
        if not isinstance(cls.url, str) or not cls.url.strip():
            raise cls._invalid(f"url is missing: {hint}.")
        if VARIABLE.fullmatch(cls.url.strip()):
            return
        try:
            said = conninfo_to_dict(VARIABLE.sub("VARIABLE", cls.url))
        except psycopg.ProgrammingError as error:
            raise cls._invalid(f"url is no connection string ({str(error).strip()}). Write {hint}.") from None
        if said.get("password", "VARIABLE") != "VARIABLE":
            raise cls._invalid(f"url has a password in it, for all who read the code. Write {hint}.")

    @classmethod
    def what(cls) -> str:
        """What is read, for messages and the ledger."""
        return cls.table or "query"
