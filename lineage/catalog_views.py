"""The pages about tables: the catalog, one table, the watermarks."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from django.db.models import Count, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import NullIf
from django.http import HttpRequest, HttpResponse

from lineage import catalog
from lineage.catalog_history import read_open_causes, read_volume
from lineage.catalog_tables import CatalogTable, WatermarkMoveTable, WatermarkTable
from lineage.code.drift import find_drift
from lineage.code.showing import read_versions
from lineage.facts import read_facts
from lineage.models import Target, Watermark, WatermarkMove
from lineage.pages import page_response
from lineage.permissions import SEE_TABLES, may, within
from lineage.personal import PERMISSION, personal_columns

SHOWN_PER_LAYER = 100
SHOWN_OF_ONE_LAYER = 1_000
MOVES_SHOWN = 50


def tables(request: HttpRequest) -> HttpResponse:
    """All tables by layer, or those whose name or description holds `q`."""
    wanted = request.GET.get("q", "").strip().lower().replace("\0", "")
    layer = request.GET.get("layer", "")
    if layer not in Target.Layer.values:
        layer = ""
    limit = SHOWN_OF_ONE_LAYER if layer else SHOWN_PER_LAYER
    seen = within(Target.objects.all(), request.user, SEE_TABLES)
    matching = seen.filter(Q(target__icontains=wanted) | Q(description__icontains=wanted))
    names: dict[str, list[str]] = {}
    for name, value in matching.values_list("target", "layer"):
        if layer in ("", value):
            names.setdefault(value, []).append(name)
    facts = read_facts([name for found in names.values() for name in found[:limit]])
    sections = [
        {
            "layer": value,
            "label": label,
            "total": len(names[value]),
            "limit": limit,
            "table": CatalogTable([row for row in facts if row.layer == value]),
        }
        for value, label in Target.Layer.choices
        if value in names
    ]
    context = {
        "sections": sections,
        "total": seen.count(),
        "q": wanted,
        "layer": layer,
        "layers": Target.Layer.choices,
    }
    return page_response(request, "lineage/tables.html", "Tables", context)


def table(request: HttpRequest, name: str) -> HttpResponse:
    """One table: what it is, what it is made of, what made it, what was loaded."""
    target = Target.objects.filter(target=name).first()
    if target is None:
        return page_response(request, "lineage/no_table.html", "No such table", {"name": name}, status=404)
    (facts,) = read_facts([name])
    upstream, downstream = catalog.read_neighbours(target)
    personal = personal_columns([name]).get(name, set())
    columns = catalog.read_columns(target, personal)
    may_see = may(request.user, PERMISSION, name)
    context: dict[str, Any] = {
        "target": target,
        "facts": facts,
        "keys": _keys(target.contract),
        "columns": columns,
        "has_sources": any(column.sources for column in columns),
        "rules": catalog.read_rules(target),
        "codes": catalog.read_code(target),
        "contract": json.dumps(target.contract, indent=2, ensure_ascii=False, sort_keys=True),
        "about": target.contract.get("about", {}),
        "volume": read_volume(target),
        "causes": read_open_causes(target),
        "sample": catalog.read_sample(target, () if may_see else personal),
        "is_masked": bool(personal) and not may_see,
        "upstream": upstream,
        "downstream": downstream,
        "loads": catalog.read_loads(target),
        **_code(name),
    }
    return page_response(request, "lineage/table.html", name, context)


def watermarks(request: HttpRequest) -> HttpResponse:
    """How far each consumer has come."""
    # Python has no -infinity among its moments: who has taken nothing yet has no watermark here.
    up_to = NullIf("watermark_value", RawSQL("'-infinity'::timestamptz", []))
    marks = Watermark.objects.values("table_name", "waiting_batches", "waiting_rows", "updated_at", up_to=up_to)
    marks = within(marks, request.user, SEE_TABLES, "table_name")
    rows = list(marks.order_by("-waiting_batches", "table_name")[:SHOWN_OF_ONE_LAYER])
    behind = sum(1 for row in rows if row["waiting_batches"])
    moves = (
        within(WatermarkMove.objects.all(), request.user, SEE_TABLES)
        .annotate(still_skipped=Count("skips"))
        .order_by("-id")[:MOVES_SHOWN]
    )
    moved = WatermarkMoveTable(list(moves))
    context = {"table": WatermarkTable(rows), "total": len(rows), "behind": behind, "moved": moved}
    return page_response(request, "lineage/watermarks.html", "Watermarks", context)


def _code(name: str) -> dict[str, Any]:
    """The versions of the table's code, how much of it was understood, and where it is not what was declared."""
    with connection.cursor() as cursor:
        return {"versions": read_versions(cursor, name), "drift": find_drift(cursor, name)}


def _keys(contract: dict[str, Any]) -> list[tuple[str, str]]:
    """What the declaration says of one row, as label and text."""
    found = []
    for label in ("key", "grain", "surrogate", "effective", "where", "deleted_when"):
        value = contract.get(label)
        if value:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            found.append((label.replace("_", " "), text))
    return found
