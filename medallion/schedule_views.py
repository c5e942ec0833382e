"""The pages of schedules: all of them, one with its times, and those where a person changes one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from lineage.keyset import keyset_page
from lineage.pages import page_response
from lineage.ticks import clock
from medallion.forms import NewScheduleForm, ScheduleForm
from medallion.models import Schedule
from medallion.schedule_tables import ScheduleTable, SlotTable
from medallion.schedules.change import DECLARABLE, ScheduleRefused, add, change, pause, resume
from medallion.schedules.declared import back_to_declaration, differences
from medallion.schedules.reading import changed_fields, coming, readable, summarise, words
from medallion.schedules.times import MeansNothing
from medallion.subjects import pipelines_of, require_pipeline

SHOWN = 200


def schedules(request: HttpRequest) -> HttpResponse:
    """All schedules by their pipelines, or those whose pipelines begin with what was asked for."""
    begins = request.GET.get("pipeline", "").strip()
    found = Schedule.objects.filter(pipeline__startswith=begins).order_by("pipeline")
    if (allowed := pipelines_of(request.user, "medallion.view_schedule")) is not None:
        found = found.filter(pipeline__in=allowed)
    rows = summarise(found[: SHOWN + 1])
    context = {
        "table": ScheduleTable(rows[:SHOWN]),
        "zone": timezone.get_current_timezone_name(),
        "begins": begins,
        "is_empty": not rows and not begins,
        "more": len(rows) > SHOWN,
        "shown": SHOWN,
    }
    return page_response(request, "medallion/schedules.html", "Schedules", context)


def schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """One schedule: what it says, its next times, what became of those that have passed, who changed it."""
    shown = get_object_or_404(Schedule, pk=schedule_id)
    page = keyset_page(request, shown.slots.select_related("run"), "pk")
    context = {
        "schedule": shown,
        "words": words(shown),
        "coming": coming(shown, clock()),
        "zone": timezone.get_current_timezone_name(),
        "parameters": readable("parameters", shown.parameters or None),
        "differences": [(name, readable(name, value)) for name, value in differences(shown).items()],
        "table": SlotTable(page.rows, keyset=page),
        "changes": [(each, changed_fields(each)) for each in shown.changes.all()[:20]],
    }
    return page_response(request, "medallion/schedule.html", shown.pipeline, context)


def edit_schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """A form; “Check” shows the next times and saves nothing."""
    shown = get_object_or_404(Schedule, pk=schedule_id)
    initial = {name: getattr(shown, name) for name in DECLARABLE}
    form = ScheduleForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and "check" not in request.POST:
        change(shown.pipeline, _person(request), **{name: form.cleaned_data[name] for name in DECLARABLE})
        messages.success(request, f"The schedule of {shown.pipeline} was changed. It counts from now on.")
        return _to(shown)
    return _form(request, form, f"Change the schedule of {shown.pipeline}", shown)


def add_schedule(request: HttpRequest) -> HttpResponse:
    """The same for a pipeline that has none."""
    form = NewScheduleForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and "check" not in request.POST:
        require_pipeline(request.user, "medallion.add_schedule", form.cleaned_data["pipeline"])
        try:
            made = add(by=_person(request), **form.cleaned_data)
        except ScheduleRefused as refusal:  # somebody else was quicker
            form.add_error("pipeline", str(refusal))
        else:
            messages.success(request, f"The pipeline {made.pipeline} has a schedule.")
            return _to(made)
    return _form(request, form, "New schedule")


def pause_schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """Asks why, and pauses."""
    shown = get_object_or_404(Schedule, pk=schedule_id)
    if request.method == "POST":
        pause(shown.pipeline, _person(request), request.POST.get("reason", "").strip())
        messages.success(request, f"The schedule of {shown.pipeline} is paused.")
        return _to(shown)
    context = {"schedule": shown, "waiting": shown.slots.filter(state="waiting").count()}
    return page_response(request, "medallion/schedule_pause.html", f"Pause {shown.pipeline}", context)


@require_POST
def resume_schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """Lets a paused schedule go on."""
    shown = get_object_or_404(Schedule, pk=schedule_id)
    try:
        resume(shown.pipeline, _person(request))
        messages.success(request, f"The schedule of {shown.pipeline} goes on with its next time.")
    except MeansNothing as error:
        messages.error(request, f"{error} Change it first.")
    return _to(shown)


@require_POST
def follow_schedule(request: HttpRequest, schedule_id: int) -> HttpResponse:
    """Sets a schedule back to what its pipeline declares."""
    shown = get_object_or_404(Schedule, pk=schedule_id)
    back_to_declaration(shown.pipeline, _person(request))
    messages.success(request, f"The schedule of {shown.pipeline} is as declared.")
    return _to(shown)


def _form(request: HttpRequest, form: ScheduleForm, title: str, shown: Schedule | None = None) -> HttpResponse:
    wrong = form.is_bound and not form.is_valid()
    said = form.cleaned_data if form.is_bound else form.initial
    context: dict[str, Any] = {"form": form, "schedule": shown, "zone": timezone.get_current_timezone_name()}
    if said and not wrong:
        as_said = Schedule(cron=said["cron"], time_zone=said["time_zone"], paused=False)
        context |= {"times": coming(as_said, clock()), "words": words(as_said), "zone_of_form": as_said.time_zone}
    # htmx shows no page that is refused; what is only checked is none.
    status = 400 if wrong and "check" not in request.POST else None
    return page_response(request, "medallion/schedule_form.html", title, context, status)


def _person(request: HttpRequest) -> str:
    return request.user.get_username()


def _to(shown: Schedule) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:schedule", args=[shown.pk]))
