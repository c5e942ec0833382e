"""One exception: its cells corrected where they stand, checked while one types by what judges loads."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from quality import resolution
from quality.exporting import effective, with_patches
from quality.models import QualityException
from quality.resolution import Decision, DecisionRefused, Selection
from quality.states import DecisionVerb

#: Before a column's name in the form, so that none can be another field of it.
CELL = "cell."
REMOVED = "none."


@require_POST
def try_row(request: HttpRequest, exception_id: int) -> HttpResponse:
    """What the row would break with the cells as they are sent, as a part of the page. Nothing is written."""
    shown = _found(exception_id)
    context: dict[str, Any] = {}
    try:
        context["tried"] = resolution.try_patch(shown.pk, _patch(request, shown), by=request.user.get_username())
    except DecisionRefused as refusal:
        context["refused"] = refusal
    return render(request, "quality/_tried.html", context)


@require_POST
def correct_row(request: HttpRequest, exception_id: int) -> HttpResponse:
    """Decides that the cells that were changed are corrected; back to the exception."""
    shown = _found(exception_id)
    try:
        if not (patch := _patch(request, shown)):
            raise DecisionRefused("No cell is another than it was.")
        made = resolution.decide(
            Decision(
                DecisionVerb.CORRECT,
                Selection(shown.target_table_id, exceptions=(shown.pk,)),
                request.user.get_username(),
                reason=request.POST.get("reason", "").strip(),
                patch=patch,
            )
        )
        messages.success(request, f"Decision {made.pk} is {made.state}.")
    except DecisionRefused as refusal:
        messages.error(request, f"Nothing was done. {refusal} {refusal.hint}")
    return HttpResponseRedirect(reverse("admin:exception", args=[exception_id]))


def _found(exception_id: int) -> QualityException:
    found: QualityException = get_object_or_404(with_patches(QualityException.objects.all()), pk=exception_id)
    return found


def _patch(request: HttpRequest, shown: QualityException) -> dict[str, str | None]:
    """The cells that are sent with another text than the row has now. Browsers send line ends of their own."""
    now = effective(shown.source_data, shown.lies_over)  # type: ignore[attr-defined]
    patch: dict[str, str | None] = {}
    for name, sent in request.POST.items():
        if name.startswith(CELL) and isinstance(sent, str):
            column = name.removeprefix(CELL)
            becomes = None if REMOVED + column in request.POST else sent.replace("\r\n", "\n")
            was = now.get(column)
            if becomes is not None and was is not None and becomes == was.replace("\r\n", "\n"):
                continue
            if becomes != was and not (becomes == "" and was is None):
                patch[column] = becomes
    return patch
