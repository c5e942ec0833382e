"""The doctor's look at the code that makes the tables: whether it does what was declared."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from assay.finding import Finding
from lineage.code.drift import find_drift

SHOWN = 5


def look_at_code() -> Iterator[Finding]:
    """Drift between declarations, code and runs."""
    with connection.cursor() as cursor:
        drifts = find_drift(cursor)
        cursor.execute("SELECT count(*) FROM dwh_lineage.code_versions WHERE is_current")
        (codes,) = cursor.fetchone()
    for drift in drifts[:SHOWN]:
        yield Finding(
            "Lineage", f"{drift.target}: {drift.sentence}", True,
            f"manage.py lineage {drift.target} shows what is known of it. Change the declaration or the routine.",
        )  # fmt: skip
    if len(drifts) > SHOWN:
        more = f"{len(drifts) - SHOWN} more disagreements"
        yield Finding("Lineage", more, True, "manage.py lineage lists all of them.")
    if not drifts:
        yield Finding("Lineage", f"{codes:,} routines and views do what the tables declare")
