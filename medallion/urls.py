"""The pages of files that arrive, of schedules and backfills, and of what people do to runs, for the admin site."""

from __future__ import annotations

from functools import partial

from lineage.pages import Page
from lineage.subjects import of_name, of_run, of_step
from medallion import backfill_views, change_views, profile_views, run_views, schedule_views, start_views, views
from medallion.run_views import MAY_OPERATE
from medallion.subjects import of_backfill, of_bronze, of_schedule

_SCHEDULE = "schedules/<int:schedule_id>/"
_CHANGE = "medallion.change_schedule"

PAGES = (
    Page(
        "schedules/", schedule_views.schedules, "schedules", "Schedules", "medallion.view_schedule",
        order=15, in_navigation=True,
    ),
    Page(
        "schedules/add/", schedule_views.add_schedule, "schedule_add", "New schedule", "medallion.add_schedule",
        parent="schedules",
    ),
    Page(
        _SCHEDULE, schedule_views.schedule, "schedule", "Schedule", "medallion.view_schedule", parent="schedules",
        about=of_schedule,
    ),
    Page(
        f"{_SCHEDULE}edit/", schedule_views.edit_schedule, "schedule_edit", "Change", _CHANGE, parent="schedules",
        about=of_schedule,
    ),
    Page(
        f"{_SCHEDULE}pause/", schedule_views.pause_schedule, "schedule_pause", "Pause", _CHANGE, parent="schedules",
        about=of_schedule,
    ),
    Page(
        f"{_SCHEDULE}resume/", schedule_views.resume_schedule, "schedule_resume", "Resume", _CHANGE, about=of_schedule
    ),
    Page(
        f"{_SCHEDULE}follow/", schedule_views.follow_schedule, "schedule_follow", "As declared", _CHANGE,
        about=of_schedule,
    ),
    Page(
        "backfills/", backfill_views.backfills, "backfills", "Backfills", "lineage.view_backfill", parent="schedules"
    ),
    Page(
        "backfills/add/", backfill_views.add_backfill, "backfill_add", "New backfill", "lineage.add_backfill",
        parent="backfills",
    ),
    Page(
        "backfills/<int:backfill_id>/", backfill_views.backfill, "backfill", "Backfill", "lineage.view_backfill",
        parent="backfills", about=of_backfill,
    ),
    *(
        Page(
            f"backfills/<int:backfill_id>/{verb}/", partial(backfill_views.change_backfill, verb=verb),
            f"backfill_{verb}", verb.title(), "lineage.change_backfill", parent="backfills", about=of_backfill,
        )
        for verb in ("pause", "resume", "cancel")
    ),
    Page(
        "profile/<str:name>/", profile_views.profile_of, "profile", "Profile", "lineage.view_target",
        parent="tables", about=of_name,
    ),
    Page("files/", views.files, "files", "Files", "medallion.view_receivedfile", order=30, in_navigation=True),
    Page(
        "files/upload/<str:table>/", views.upload, "upload", "Upload", "medallion.add_receivedfile", parent="files",
        about=of_bronze,
    ),
    Page("runs/start/", start_views.start, "run-start", "Run a pipeline", MAY_OPERATE, parent="runs"),
    Page(
        "runs/<int:run_id>/cancel/", run_views.cancel, "run-cancel", "Cancel run", MAY_OPERATE, parent="runs",
        about=of_run,
    ),
    Page(
        "runs/<int:run_id>/resume/", run_views.resume, "run-resume", "Resume run", MAY_OPERATE, parent="runs",
        about=of_run,
    ),
    Page(
        "runs/<int:run_id>/<str:target>/changes/", change_views.changes, "step-changes", "Changes",
        change_views.SEE_ROWS, parent="runs", about=of_step,
    ),
    Page(
        "runs/<int:run_id>/<str:target>/skip/", run_views.skip, "step-skip", "Skip step", MAY_OPERATE, parent="runs",
        about=of_step,
    ),
    Page(
        "runs/<int:run_id>/<str:target>/again/", run_views.rerun, "step-rerun", "Again", MAY_OPERATE, parent="runs",
        about=of_step,
    ),
)  # fmt: skip
