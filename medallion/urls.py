"""The pages of files that arrive, for the admin site."""

from __future__ import annotations

from lineage.pages import Page
from medallion import views

PAGES = (
    Page("files/", views.files, "files", "Files", "medallion.view_receivedfile", order=30, in_navigation=True),
    Page("files/upload/<str:table>/", views.upload, "upload", "Upload", "medallion.add_receivedfile", parent="files"),
)
