"""Issues without rows: a check of a table or a pipeline as a whole that fails, until it passes again."""

from __future__ import annotations

from django.db import connection


def raise_issue(fingerprint: str, target: str, rule: str, title: str) -> bool:
    """Opens the issue, or opens it again; False where it is open. People are notified once for each time it opens.

    `target`: the installed table at which it shows; `fingerprint` names the issue for ever.
    """
    return _said("SELECT dwh_lineage.raise_issue(%s, %s, %s, %s)", fingerprint, target, rule, title)


def resolve_issue(fingerprint: str) -> bool:
    """Closes the issue; False where it is not open."""
    return _said("SELECT dwh_lineage.resolve_issue(%s)", fingerprint)


def _said(statement: str, *values: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return bool(cursor.fetchone()[0])
