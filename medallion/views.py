"""The pages of files: what came, and one to upload."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from lineage.pages import page_response
from lineage.permissions import may, targets_of, within
from medallion.ingestion.spec import BronzeSpec
from medallion.ingestion.upload import CappedUpload, keep, receive
from medallion.models import Pull, ReceivedFile
from medallion.registry import warehouse
from medallion.tables import PullTable, ReceivedFileTable

SHOWN = 200


def files(request: HttpRequest) -> HttpResponse:
    """Files that came by pickup or by upload, pulls, the latest first, and where a file can be uploaded."""
    seen = targets_of(request.user, "medallion.view_receivedfile")
    specs = [s for s in warehouse().bronze_specs.values() if seen is None or s.target in seen]
    specs.sort(key=lambda spec: spec.target)
    received = within(ReceivedFile.objects.order_by("-seen_at"), request.user, "medallion.view_receivedfile")
    context = {
        "table": ReceivedFileTable(received[:SHOWN]),
        "specs": [spec for spec in specs if may(request.user, "medallion.add_receivedfile", spec.target)],
        "pulls": PullTable(Pull.objects.order_by("-pk")[:SHOWN]) if warehouse().pulled else None,
        "picked_up": [spec for spec in specs if spec.source.pickup],
    }
    return page_response(request, "medallion/files.html", "Files", context)


@csrf_exempt  # the token is among what is uploaded, so it is looked for when our handler stands ready
def upload(request: HttpRequest, table: str) -> HttpResponse:
    """A form to upload one file to a bronze table; afterwards the list, or the form with what is wrong."""
    spec = warehouse().bronze_specs.get(table)
    if spec is None:
        raise Http404(f"No bronze table is called {table}.")
    handler = CappedUpload(request, Path(settings.ASSAY_DATA_ROOT), spec.source.max_bytes)
    if request.method == "POST":
        request.upload_handlers = [handler]
    try:
        response: HttpResponse = csrf_protect(_upload)(request, spec, handler)
        return response
    finally:
        handler.discard()


def _upload(request: HttpRequest, spec: BronzeSpec, handler: CappedUpload) -> HttpResponse:
    if request.method != "POST":
        return _form(request, spec)
    sent = request.FILES.get("file")
    if handler.exceeded:
        limit = f"{spec.source.max_bytes:,}"
        return _form(request, spec, f"The file has more than the {limit} bytes that {spec.source.name} allows.")
    if sent is None:
        return _form(request, spec, "Choose a file first.")
    path = keep(handler, sent.name or "")
    received = receive(spec, path, Path(settings.ASSAY_DATA_ROOT), request.user.get_username())
    if received.state == ReceivedFile.State.FAILED:
        return _form(request, spec, received.error)
    said = messages.success if received.state == ReceivedFile.State.INGESTED else messages.info
    said(request, _sentence(received, sent.name or ""))
    return HttpResponseRedirect(reverse("admin:files"))


def _form(request: HttpRequest, spec: BronzeSpec, error: str = "") -> HttpResponse:
    context: dict[str, Any] = {"spec": spec, "source": spec.source, "error": error}
    return page_response(request, "medallion/upload.html", f"Upload to {spec.target}", context, 400 if error else None)


def _sentence(received: ReceivedFile, name: str) -> str:
    if received.state == ReceivedFile.State.SKIPPED:
        return f"{name}: its content was ingested into {received.target} before (batch {received.batch_no}); skipped."
    unreadable = f", {received.unreadable:,} unreadable lines kept" if received.unreadable else ""
    return (
        f"{name}: {received.rows or 0:,} rows ingested into {received.target}{unreadable} (batch {received.batch_no})."
    )
