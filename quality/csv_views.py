"""Exceptions out as CSV, and back with corrected cells: shown first, written when it is confirmed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadhandler import FileUploadHandler, MemoryFileUploadHandler, StopUpload
from django.core.signing import BadSignature, dumps, loads
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from lineage.models import Target
from lineage.pages import page_response
from quality import resolution
from quality.exporting import csv_lines
from quality.filters import ExceptionFilter
from quality.importing import MOST_BYTES, Difference, difference
from quality.models import QualityException
from quality.permissions import may_propose
from quality.resolution import Decision, DecisionRefused, Selection
from quality.states import DecisionVerb

SHOWN = 500  # changes and refused lines that a page lists
#: Bytes of a file that the page carries from the difference to the confirmation.
_CARRIED = 1_500_000
_SALT = "quality.csv_views"


def export(request: HttpRequest) -> HttpResponseBase:
    """What the list is narrowed to, as a file. It has the columns of one source, so one table must be chosen."""
    narrowed = ExceptionFilter(request.GET, queryset=QualityException.objects.all(), request=request)
    target = narrowed.form.cleaned_data["target"] if narrowed.form.is_valid() else ""
    if not target:
        messages.error(request, "Choose a table in the filter: a file has the columns of one source.")
        return HttpResponseRedirect(f"{reverse('admin:exception_rows')}?{request.GET.urlencode()}")
    columns = Target.objects.get(pk=target).contract.get("source_columns", [])
    response = StreamingHttpResponse(csv_lines(narrowed.qs, columns), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="exceptions_{target}.csv"'
    return response


class _Capped(FileUploadHandler):
    """Stops reading where the file has more bytes than are taken."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.size, self.exceeded = 0, False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.size += len(raw_data)
        if self.size > MOST_BYTES:
            self.exceeded = True
            raise StopUpload(connection_reset=True)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


class _InMemory(MemoryFileUploadHandler):
    """Keeps the file, which the handler before it has capped, in memory."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        super().handle_raw_input(*args, **kwargs)
        self.activated = True


@csrf_exempt  # the token is among what is uploaded, so it is looked for when our handlers stand ready
def bring_back(request: HttpRequest) -> HttpResponse:
    """A form for the file; then what it would change; then one decision with a patch for each row."""
    capped = _Capped(request)
    if request.method == "POST":
        request.upload_handlers = [capped, _InMemory(request)]
    response: HttpResponse = csrf_protect(_bring_back)(request, capped)
    return response


def _bring_back(request: HttpRequest, capped: _Capped) -> HttpResponse:
    if request.method != "POST":
        return _page(request, {})
    try:
        content = _content(request, capped)
        found = difference(content)
        if found.target and not may_propose(request.user, found.target):
            raise PermissionDenied(f"You may not decide about rows of {found.target}.")
        if "confirm" in request.POST:
            return _decided(request, found)
        carried = dumps(content.decode("utf-8-sig"), salt=_SALT, compress=True)
        if len(carried) > _CARRIED:
            raise DecisionRefused("The file is too large to be shown and confirmed here.", "Bring it back in parts.")
    except DecisionRefused as refusal:
        return _page(request, {"refused": refusal}, 400)
    return _page(request, {"found": found, "carried": carried, "shown": SHOWN})


def _content(request: HttpRequest, capped: _Capped) -> bytes:
    sent = request.FILES.get("file")  # reads what was sent
    if capped.exceeded:
        raise DecisionRefused(f"The file has more than {MOST_BYTES:,} bytes.", "Bring it back in parts.")
    if "carried" in request.POST:
        try:
            return bytes(loads(request.POST["carried"], salt=_SALT, max_age=86_400), "utf-8")
        except BadSignature:
            raise DecisionRefused("What was shown is too old, or not from here.", "Choose the file again.") from None
    if sent is None:
        raise DecisionRefused("Choose a file first.")
    return bytes(sent.read())


def _decided(request: HttpRequest, found: Difference) -> HttpResponse:
    """Decides as was shown; where something has changed since, shows it anew."""
    if found.seen != request.POST.get("seen"):
        raise DecisionRefused("Something has changed since this was shown.", "Choose the file again.")
    made = resolution.decide(
        Decision(
            DecisionVerb.CORRECT,
            Selection(found.target),
            request.user.get_username(),
            reason=request.POST.get("reason", "").strip(),
            patches=found.patches,
        )
    )
    messages.success(request, f"Decision {made.pk} is {made.state}.")
    return HttpResponseRedirect(reverse("admin:decision", args=[made.pk]))


def _page(request: HttpRequest, context: dict[str, Any], status: int | None = None) -> HttpResponse:
    return page_response(request, "quality/bring_back.html", "Bring a file back", context, status)
