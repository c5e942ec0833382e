"""Records behind the pages, for reading one by one."""

from __future__ import annotations

from django.contrib import admin

from lineage.admin import CappedPaginator, ReadOnlyAdmin
from quality.models import QualityMetric, QualityRule


@admin.register(QualityRule)
class QualityRuleAdmin(ReadOnlyAdmin):
    """The rules that the declarations state, with their older versions."""

    target_field = "target"
    list_display = ("target", "rule", "message", "kind", "severity", "active", "created_at")
    list_filter = ("active",)
    list_select_related = ("target",)
    search_fields = ("rule", "message")
    ordering = ("target", "-active", "position")


@admin.register(QualityMetric)
class QualityMetricAdmin(ReadOnlyAdmin):
    """Measured figures, the accounting lines among them."""

    paginator = CappedPaginator
    target_field = "table_name"
    list_display = ("table_name", "metric_name", "metric_value", "threshold", "passed", "measured_at")
    search_fields = ("=table_name",)
    search_help_text = "A table's full name, as in silver.customers"
    sortable_by = ()
    ordering = ("-id",)
