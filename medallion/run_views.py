"""The pages on which a person does something to a run: each says what will happen, asks, and does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse

from lineage.actions import Action
from lineage.models import PipelineRun, Step, Target
from lineage.pages import page_response
from lineage.states import RunStatus
from medallion.execution import intervene
from medallion.execution.errors import RunRefused

MAY_OPERATE = "lineage.change_pipelinerun"


def cancel(request: HttpRequest, run_id: int) -> HttpResponse:
    """Cancels a run."""
    run = get_object_or_404(PipelineRun, pk=run_id)
    states = list(run.steps.values_list("state", flat=True))
    happens = [
        f"{_steps(states, 'running')} at work: stopped within 15 seconds, and nothing of that stays.",
        f"{_steps(states, 'blocked', 'queued', 'retrying')} waiting: not begun.",
        f"{_steps(states, 'succeeded', 'skipped')} done: what they loaded stays.",
    ]
    return _confirmed(request, run, "Cancel run", happens, intervene.cancel_run, "is being cancelled")


def resume(request: HttpRequest, run_id: int) -> HttpResponse:
    """Lets a failed run go on."""
    run = get_object_or_404(PipelineRun, pk=run_id)
    states = list(run.steps.values_list("state", flat=True))
    happens = [
        f"{_steps(states, 'failed', 'cancelled')} tried again.",
        f"{_steps(states, 'upstream_failed')} that waited for those: carried out after them.",
        f"{_steps(states, 'succeeded', 'skipped')} done: not done again.",
    ]
    return _confirmed(request, run, "Resume run", happens, intervene.resume_run, "goes on")


def skip(request: HttpRequest, run_id: int, target: str) -> HttpResponse:
    """Lets a run do without a step."""
    step = _step(run_id, target)
    happens = [f"{target} is not loaded in this run; what waits for it goes on waiting for the next."]
    if following := intervene.following(run_id, target):
        happens.append(f"What follows goes on with {target} as it is: {', '.join(sorted(following))}.")
    if step.run.status == RunStatus.FAILED:
        happens.append("The run has failed: resume it afterwards, so that the rest goes on.")

    def act(run_id: int, by: str, reason: str) -> PipelineRun:
        return intervene.skip_step(run_id, target, by, reason)

    return _confirmed(request, step.run, f"Skip {target}", happens, act, f"goes on without {target}")


def rerun(request: HttpRequest, run_id: int, target: str) -> HttpResponse:
    """Carries out a step again, and what follows it."""
    step = _step(run_id, target)
    happens = [f"{target} loads what waits for it by now."]
    if following := intervene.following(run_id, target):
        happens.append(f"So does what follows it: {', '.join(sorted(following))}.")
    can_rebuild = Target.objects.filter(pk=target, rebuild_routine__isnull=False).exists()

    def act(run_id: int, by: str, reason: str) -> PipelineRun:
        rebuild = can_rebuild and "rebuild" in request.POST
        return intervene.rerun_step(run_id, target, by, reason, rebuild=rebuild)

    title, done = f"Run {target} again", f"runs {target} again"
    return _confirmed(request, step.run, title, happens, act, done, rebuild=can_rebuild)


def _confirmed(
    request: HttpRequest,
    run: PipelineRun,
    title: str,
    happens: list[str],
    act: Callable[[int, str, str], PipelineRun],
    done: str,
    rebuild: bool = False,
) -> HttpResponse:
    """The form; when it is sent, the act and then the run's page, or the form with why it was refused."""
    refused: RunRefused | None = None
    if request.method == "POST":
        try:
            act(run.pk, request.user.get_username(), request.POST.get("reason", "").strip())
        except RunRefused as refusal:
            refused = refusal
        else:
            messages.success(request, f"Run {run.pk} of {run.pipeline_name} {done}.")
            return HttpResponseRedirect(reverse("admin:run", args=[run.pk]))
    happens = [line for line in happens if not line.startswith("No steps")]
    context: dict[str, Any] = {"run": run, "happens": happens, "refused": refused, "rebuild": rebuild}
    return page_response(request, "medallion/intervene.html", title, context, 409 if refused else None)


def _step(run_id: int, target: str) -> Step:
    step = Step.objects.select_related("run").filter(run=run_id, target=target).first()
    if step is None:
        raise Http404(f"Run {run_id} has no step {target}.")
    return step


def _steps(states: list[str], *those: str) -> str:
    count = sum(state in those for state in states)
    return f"{count or 'No'} step{'' if count == 1 else 's'}"


def _may_skip(run: PipelineRun, step: Step | None) -> bool:
    return step is not None and run.status in intervene.SKIPPABLE_IN and step.state in intervene.SKIPPABLE


def _may_rerun(run: PipelineRun, step: Step | None) -> bool:
    return step is not None and run.status in intervene.RERUNNABLE_IN and step.state in intervene.RERUNNABLE


ACTIONS = (
    Action("run-cancel", "Cancel", MAY_OPERATE, lambda run, _: run.status in (RunStatus.PENDING, RunStatus.RUNNING)),
    Action("run-resume", "Resume", MAY_OPERATE, lambda run, _: run.status == RunStatus.FAILED),
    Action("step-skip", "Skip", MAY_OPERATE, _may_skip, of_step=True),
    Action("step-rerun", "Run again", MAY_OPERATE, _may_rerun, of_step=True),
)
