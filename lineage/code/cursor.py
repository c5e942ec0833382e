"""What Django's cursors and psycopg's have in common."""

from __future__ import annotations

from typing import Any, Protocol


class Cursor(Protocol):
    """Executes a query with its parameters, and gives its rows."""

    def execute(self, query: str, parameters: Any = None) -> Any: ...
    def fetchall(self) -> list[Any]: ...
