"""Issues without rows: a check of a table or a pipeline as a whole that fails, until it passes again."""

from __future__ import annotations

from django.db import connection, transaction

_RAISE = """
INSERT INTO dwh_lineage.quality_issues AS i (fingerprint, target, rule, title)
VALUES (%(fingerprint)s, %(target)s, %(rule)s, %(title)s)
ON CONFLICT (fingerprint) DO UPDATE SET title = excluded.title
RETURNING i.id, i.xmax = 0
"""
_COUNTS = "SELECT coalesce(sum(delta), 0), count(*) FROM dwh_lineage.issue_deltas WHERE issue_id = %s"
_CHANGE = "INSERT INTO dwh_lineage.issue_deltas (issue_id, delta) VALUES (%s, %s)"
_AGAIN = "SELECT dwh_lineage.notify_once(%s, 'issue_again', %s, %s, %s)"


def raise_issue(fingerprint: str, target: str, rule: str, title: str) -> bool:
    """Opens the issue, or opens it again; False where it is open. People are notified once for each time it opens.

    `target`: the installed table at which it shows; `fingerprint` names the issue for ever.
    """
    values = {"fingerprint": fingerprint, "target": target, "rule": rule, "title": title}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RAISE, values)  # and locks its row: who raises or resolves the same issue waits
        issue, is_new = cursor.fetchone()
        cursor.execute(_COUNTS, [issue])
        open_now, changes = cursor.fetchone()
        if open_now > 0:
            return False
        cursor.execute(_CHANGE, [issue, 1])
        if not is_new:  # a new one is notified by the trigger, whoever inserts it
            cursor.execute(_AGAIN, [f"issue {issue} again {changes}", issue, title, f"{target}, rule {rule}"])
    return True


def resolve_issue(fingerprint: str) -> bool:
    """Closes the issue; False where it is not open."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM dwh_lineage.quality_issues WHERE fingerprint = %s FOR NO KEY UPDATE", [fingerprint]
        )
        if (row := cursor.fetchone()) is None:
            return False
        cursor.execute(_COUNTS, row)
        open_now, _ = cursor.fetchone()
        if open_now <= 0:
            return False
        cursor.execute(_CHANGE, [row[0], -open_now])
    return True
