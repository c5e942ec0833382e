"""What `migrate` writes of the settings for people who sign in to the database."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import connections

from quality.override_models import DecisionLimit


def keep_limit(using: str = "default", **signal: Any) -> None:
    """Makes `dwh_lineage.decision_limits` say what ASSAY_FOUR_EYES_ABOVE says, where that table is there.

    A receiver of `post_migrate`.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass('dwh_lineage.decision_limits') IS NOT NULL")
        if cursor.fetchone() == (True,):
            limit = {"alone_up_to": settings.FOUR_EYES_ABOVE}
            DecisionLimit.objects.using(using).update_or_create(pk=1, defaults=limit)
