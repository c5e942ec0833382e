"""The page on which a person starts a pipeline."""

from __future__ import annotations

import inspect
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from lineage.pages import page_response
from medallion.execution.create import create_run
from medallion.execution.errors import RunRefused
from medallion.registry import warehouse
from medallion.run_views import MAY_OPERATE
from medallion.subjects import pipelines_of, require_pipeline


def start(request: HttpRequest) -> HttpResponse:
    """The pipelines that there are; one that is sent is started, or it is said why not."""
    refused: RunRefused | None = None
    if request.method == "POST":
        asked = request.POST.get("pipeline", "")
        require_pipeline(request.user, MAY_OPERATE, asked)
        try:
            run = create_run(asked, requested_by=request.user.get_username())
        except RunRefused as refusal:
            refused = refusal
        else:
            messages.success(request, f"Run {run.pk} of {run.pipeline_name} is on its way.")
            return HttpResponseRedirect(reverse("admin:run", args=[run.pk]))
    allowed = pipelines_of(request.user, MAY_OPERATE)
    pipelines = [
        {"name": name, "description": inspect.getdoc(declared) or "", "targets": declared.target_names()}
        for name, declared in sorted(warehouse().pipelines.items())
        if allowed is None or name in allowed
    ]
    context: dict[str, Any] = {"pipelines": pipelines, "refused": refused}
    return page_response(request, "medallion/start.html", "Run a pipeline", context, 409 if refused else None)
