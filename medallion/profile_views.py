"""The page of a table's profile."""

from __future__ import annotations

from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from lineage.models import Target
from lineage.pages import page_response
from medallion.profiling import SAMPLE, profile
from medallion.suggesting import suggest

SECONDS = 20


def profile_of(request: HttpRequest, name: str) -> HttpResponse:
    """What the columns of a table hold, from a sample of its rows, and a declaration that this suggests."""
    target = get_object_or_404(Target, pk=name)
    context = {"target": target, "sample": SAMPLE}
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SECONDS}s"])
            found = profile(cursor, target.rows_relation)
            cursor.execute("SELECT set_config('statement_timeout', '0', true)")
    except DatabaseError as error:
        context["problem"] = str(error).split("\n")[0]
        return page_response(request, "medallion/profile.html", f"Profile of {name}", context, 503)
    context |= {
        "profiles": found,
        "rows": found[0].rows if found else 0,
        "code": "\n".join(f"{suggestion}" for suggestion in suggest(found)),
    }
    return page_response(request, "medallion/profile.html", f"Profile of {name}", context)
