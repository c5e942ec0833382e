"""What `migrate` writes of the declarations beside the tables: the pipelines, for runs from SQL alone."""

from __future__ import annotations

import inspect
from typing import Any

from django.db import connection, transaction

from medallion.models import InstalledPipeline
from medallion.registry import warehouse


def install_pipelines(**signal: Any) -> None:
    """Makes `dwh_lineage.pipelines` say what the installed warehouses declare, where that table is there.

    A receiver of `post_migrate`.
    """
    declared = warehouse().pipelines
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('dwh_lineage.pipelines') IS NOT NULL")
        if cursor.fetchone() == (False,):  # migrated backward, or not yet so far
            return
        InstalledPipeline.objects.exclude(name__in=declared).delete()
        for name, pipeline in declared.items():
            described = {
                "targets": pipeline.target_names(),
                "description": inspect.getdoc(pipeline) or "",
                "time_limit": pipeline.time_limit,
                "step_time_limit": pipeline.step_time_limit,
            }
            InstalledPipeline.objects.update_or_create(name=name, defaults=described)
