"""Records behind the pages, for reading one by one; and pools, to be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin
from django.contrib.auth.models import Group
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from lineage.models import Batch, DroppedPartition, GroupScope, Pool, Target
from lineage.permissions import within

if TYPE_CHECKING:  # Django's own classes take no type arguments when the code runs
    _ModelAdmin = admin.ModelAdmin[Any]
    _Paginator = Paginator[Any]
    _PoolForm = forms.ModelForm[Pool]
    _TabularInline = admin.TabularInline[GroupScope, Group]
else:
    _ModelAdmin = admin.ModelAdmin
    _Paginator = Paginator
    _PoolForm = forms.ModelForm
    _TabularInline = admin.TabularInline


class ReadOnlyAdmin(_ModelAdmin):
    """A list that is only read, and costs the same whatever the table's size: nothing is counted but the page."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    actions = None
    #: What leads from a record to its table's name.
    target_field = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        permission = f"{self.opts.app_label}.view_{self.opts.model_name}"
        return within(rows, request.user, permission, self.target_field) if self.target_field else rows

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
    target_field = "target"
    list_display = ("batch_no", "target", "kind", "source_file", "rows_inserted", "rows_rejected", "completed_at")
    list_select_related = ("target",)
    search_fields = ("=batch_id", "=batch_no")
    search_help_text = "A run id or a batch number"
    sortable_by = ()
    ordering = ("-batch_no",)


@admin.register(DroppedPartition)
class DroppedPartitionAdmin(ReadOnlyAdmin):
    """What went by retention."""

    target_field = "target"
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


class ScopeInline(_TabularInline):
    """Where a group may act."""

    model = GroupScope
    extra = 0
    verbose_name = "place where its permissions hold"
    verbose_name_plural = "Where its permissions hold (none: everywhere)"

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Domains are chosen among those of the tables; one that no table has any more stays to be seen."""
        if db_field.name == "layer":
            return forms.ChoiceField(choices=[("", "every layer"), *Target.Layer.choices], required=False)
        if db_field.name == "domain":
            tables, scopes = Target.objects.values_list("domain"), GroupScope.objects.values_list("domain")
            known = sorted({name for (name,) in (*tables, *scopes)} - {""})
            return forms.ChoiceField(choices=[("", "every domain"), *((name, name) for name in known)], required=False)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


admin.site.unregister(Group)


@admin.register(Group)
class PlacedGroupAdmin(GroupAdmin):
    """Groups, with their permissions and the places where these hold."""

    inlines = (ScopeInline,)
