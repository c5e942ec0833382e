"""The pages of files that arrive and of schedules, for the admin site."""

from __future__ import annotations

from lineage.pages import Page
from medallion import schedule_views, views

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
    Page(_SCHEDULE, schedule_views.schedule, "schedule", "Schedule", "medallion.view_schedule", parent="schedules"),
    Page(f"{_SCHEDULE}edit/", schedule_views.edit_schedule, "schedule_edit", "Change", _CHANGE, parent="schedules"),
    Page(f"{_SCHEDULE}pause/", schedule_views.pause_schedule, "schedule_pause", "Pause", _CHANGE, parent="schedules"),
    Page(f"{_SCHEDULE}resume/", schedule_views.resume_schedule, "schedule_resume", "Resume", _CHANGE),
    Page(f"{_SCHEDULE}follow/", schedule_views.follow_schedule, "schedule_follow", "As declared", _CHANGE),
    Page("files/", views.files, "files", "Files", "medallion.view_receivedfile", order=30, in_navigation=True),
    Page("files/upload/<str:table>/", views.upload, "upload", "Upload", "medallion.add_receivedfile", parent="files"),
)  # fmt: skip
