"""Records behind the pages, for reading one by one; and pools, to be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from lineage.models import Batch, DroppedPartition, Pool, Target

if TYPE_CHECKING:  # Django's own classes take no type arguments when the code runs
    _ModelAdmin = admin.ModelAdmin[Any]
    _Paginator = Paginator[Any]
    _PoolForm = forms.ModelForm[Pool]
else:
    _ModelAdmin = admin.ModelAdmin
    _Paginator = Paginator
    _PoolForm = forms.ModelForm


class ReadOnlyAdmin(_ModelAdmin):
    """A list that is only read, and costs the same whatever the table's size: nothing is counted but the page."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    actions = None

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class CappedPaginator(_Paginator):
    """Counts no further than a person pages: COUNT(*) of ten million rows takes seconds."""

    most = 5_000

    @property
    def count(self) -> int:
        rows = self.object_list
        return len(rows.values_list("pk")[: self.most] if isinstance(rows, QuerySet) else rows)


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """The ledger."""

    paginator = CappedPaginator
    list_display = ("batch_no", "target", "kind", "source_file", "rows_inserted", "rows_rejected", "completed_at")
    list_select_related = ("target",)
    search_fields = ("=batch_id", "=batch_no")
    search_help_text = "A run id or a batch number"
    sortable_by = ()
    ordering = ("-batch_no",)


@admin.register(DroppedPartition)
class DroppedPartitionAdmin(ReadOnlyAdmin):
    """What went by retention."""

    list_display = ("partition", "retention", "rows", "until", "dropped_by", "dropped_at")
    search_fields = ("=target",)
    search_help_text = "A table's full name, as in bronze.raw_customers"
    sortable_by = ()
    ordering = ("-id",)


class PoolForm(_PoolForm):
    """A pool, with the tables whose loads share its slots."""

    tables = forms.ModelMultipleChoiceField(
        Target.objects.filter(load_routine__isnull=False),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="A table is in one pool: chosen here, it leaves the one it was in",
    )

    class Meta:
        model = Pool
        fields = ("name", "slots", "queue")
        widgets = {"name": forms.TextInput, "queue": forms.TextInput}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["tables"] = self.instance.targets.all()


@admin.register(Pool)
class PoolAdmin(_ModelAdmin):
    """Pools: how many loads of some tables run at once, and which workers take them."""

    form = PoolForm
    list_display = ("name", "slots", "queue", "table_names")
    show_facets = admin.ShowFacets.NEVER

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

    @admin.display(description="Tables")
    def table_names(self, pool: Pool) -> str:
        return ", ".join(target.pk for target in pool.targets.all())

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pool]:
        return super().get_queryset(request).prefetch_related("targets")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            obj.targets.exclude(pk__in=form.cleaned_data["tables"]).update(pool=None)
            form.cleaned_data["tables"].update(pool=obj)
