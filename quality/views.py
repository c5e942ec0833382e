"""The pages of exceptions: by cause first, then the rows of a cause, then one row."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from lineage.keyset import keyset_page
from lineage.pages import page_response
from lineage.permissions import targets_of, within
from quality.causes import open_causes, open_rows
from quality.evidence import origins, raw_cells
from quality.exporting import with_patches
from quality.filters import BreachFilter, ExceptionFilter
from quality.issue_views import about
from quality.models import QualityException, UnreadableLine
from quality.neighbours import held, record_number, with_neighbours
from quality.permissions import DECIDE, PROPOSE, VIEW, may_propose
from quality.rows_of_cause import rows_of_cause
from quality.states import ExceptionState
from quality.tables import BreachTable, ExceptionTable, UnreadableLineTable
from quality.view_models import SavedView


def exceptions(request: HttpRequest) -> TemplateResponse:
    """The causes of all open exceptions, those first that hold up most; `?mine` those of the person who asks."""
    seen = targets_of(request.user, VIEW)
    rows = open_rows(seen)
    causes = open_causes(rows, seen)
    mine = "mine" in request.GET
    context = {
        "rows": rows,
        "causes": causes,
        "shown": [cause for cause in causes if not mine or cause.issue.assignee_id == request.user.pk],
        "mine": mine,
        "unreadable": within(UnreadableLine.objects.all(), request.user, VIEW, "batch__target").exists(),
    }
    return page_response(request, "quality/exceptions.html", "Exceptions", context)


def issue(request: HttpRequest, issue_id: int) -> TemplateResponse:
    """One cause: what is known of it, its frequent values, its rows."""
    known = about(issue_id)
    shown = known["issue"]
    narrowed = BreachFilter(request.GET, queryset=QualityException.objects.defer("source_data"))
    page = rows_of_cause(request, shown, narrowed.qs, narrowed.leaves_few)
    context = {
        "filter": narrowed,
        "table": BreachTable(page.rows, keyset=page),
        **known,
        "may_decide": may_propose(request.user, shown.target_id),
    }
    return page_response(request, "quality/issue.html", shown.title, context | known)


def exception_rows(request: HttpRequest) -> HttpResponseBase:
    """Exceptions of all causes, narrowed by a filter; those of one cause are on its own page."""
    narrowed = ExceptionFilter(request.GET, queryset=QualityException.objects.defer("source_data"), request=request)
    said = narrowed.form.cleaned_data if narrowed.form.is_valid() else {}
    if said.get("rule") and not any(said[name] for name in ("batch", "file", "assignee", "found_before")):
        rule = said["rule"]
        kept = {name: request.GET[name] for name in ("state", "key") if request.GET.get(name)}
        return redirect(f"{reverse('admin:issue', args=[rule.pk])}?{urlencode(kept)}")
    page = keyset_page(request, narrowed.qs, "pk", are_few=narrowed.leaves_few)
    target = said.get("target")
    may = may_propose(request.user, target) if target else any(map(request.user.has_perm, (DECIDE, PROPOSE)))
    context = {
        "filter": narrowed,
        "table": ExceptionTable(page.rows, keyset=page, exclude=() if may else ("chosen",)),
        "may_decide": may,
        "views": SavedView.objects.filter(user__username=request.user.get_username()).order_by("name"),
        "target": target,
    }
    return page_response(request, "quality/exception_rows.html", "Rows", context)


def exception(request: HttpRequest, exception_id: int) -> TemplateResponse:
    """One exception: its raw row, its broken rules, where it came from, what happened to it."""
    given = request.GET.get("cause", "")
    cause = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
    rows = with_patches(QualityException.objects.select_related("batch", "target_table"))
    shown = get_object_or_404(with_neighbours(rows, cause), pk=exception_id)
    came_from = origins(shown)
    breaches = list(shown.breaches.select_related("issue").order_by("pk"))
    context = {
        "exception": shown,
        "breaches": breaches,
        "cells": raw_cells(shown, breaches, shown.lies_over),
        "may_decide": shown.state == ExceptionState.OPEN and may_propose(request.user, shown.target_table_id),
        "origins": came_from,
        "record": record_number(shown, came_from),
        "held": held(shown),
        "place": f"?cause={cause}" if cause is not None else "",
        "events": shown.events.select_related("batch", "decision__author").order_by("at", "pk"),
    }
    return page_response(request, "quality/exception.html", f"Exception {exception_id}", context)


def unreadable_lines(request: HttpRequest) -> TemplateResponse:
    """Lines of source files that are no rows, kept verbatim."""
    lines = UnreadableLine.objects.select_related("batch")
    page = keyset_page(request, within(lines, request.user, VIEW, "batch__target"), "pk")
    context = {"table": UnreadableLineTable(page.rows, keyset=page), "is_empty": not page.rows}
    return page_response(request, "quality/unreadable_lines.html", "Unreadable lines", context)
