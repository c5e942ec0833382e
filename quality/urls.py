"""The pages of this app, as the admin site mounts them."""

from lineage.pages import Page
from quality import views

_VIEW = "quality.view_qualityexception"

PAGES = (
    Page("exceptions/", views.exceptions, "exceptions", "Exceptions", _VIEW, order=20, in_navigation=True),
    Page("exceptions/causes/<int:issue_id>/", views.issue, "issue", "Cause", _VIEW, parent="exceptions"),
    Page("exceptions/rows/", views.exception_rows, "exception_rows", "Rows", _VIEW, parent="exceptions"),
    Page("exceptions/rows/<int:exception_id>/", views.exception, "exception", "Exception", _VIEW, parent="exceptions"),
    Page(
        "exceptions/unreadable/",
        views.unreadable_lines,
        "unreadable_lines",
        "Unreadable lines",
        _VIEW,
        parent="exceptions",
    ),
)
