"""The pages of this app, as the admin site mounts them."""

from lineage.pages import Page
from quality import decision_views, issue_views, views

_VIEW = "quality.view_qualityexception"
_DECIDE = "quality.decide"
_APPROVE = "quality.approve"

PAGES = (
    Page("exceptions/", views.exceptions, "exceptions", "Exceptions", _VIEW, order=20, in_navigation=True),
    Page("exceptions/causes/<int:issue_id>/", views.issue, "issue", "Cause", _VIEW, parent="exceptions"),
    Page("exceptions/rows/", views.exception_rows, "exception_rows", "Rows", _VIEW, parent="exceptions"),
    Page("exceptions/rows/<int:exception_id>/", views.exception, "exception", "Exception", _VIEW, parent="exceptions"),
    Page(
        "exceptions/causes/<int:issue_id>/decide/",
        decision_views.decide,
        "decide",
        "Decide",
        _DECIDE,
        parent="exceptions",
    ),
    Page("exceptions/causes/<int:issue_id>/fix/", issue_views.fix, "fix", "Correct", _DECIDE, parent="exceptions"),
    Page(
        "exceptions/causes/<int:issue_id>/assign/", issue_views.assign, "assign", "Assign", _DECIDE, parent="exceptions"
    ),
    Page(
        "exceptions/causes/<int:issue_id>/snooze/", issue_views.snooze, "snooze", "Snooze", _DECIDE, parent="exceptions"
    ),
    Page(
        "exceptions/causes/<int:issue_id>/comment/",
        issue_views.comment,
        "comment",
        "Comment",
        _VIEW,
        parent="exceptions",
    ),
    Page(
        "exceptions/corrections/",
        issue_views.correction_rules,
        "correction_rules",
        "Correction rules",
        _VIEW,
        parent="exceptions",
    ),
    Page(
        "exceptions/corrections/<int:rule_id>/end/",
        issue_views.end_correction_rule,
        "correction_rule-end",
        "Switch off",
        _DECIDE,
        parent="correction_rules",
    ),
    Page("exceptions/decisions/", decision_views.decisions, "decisions", "Decisions", _VIEW, parent="exceptions"),
    Page(
        "exceptions/decisions/<int:decision_id>/",
        decision_views.decision,
        "decision",
        "Decision",
        _VIEW,
        parent="decisions",
    ),
    Page(
        "exceptions/decisions/<int:decision_id>/approve/",
        decision_views.approve,
        "decision-approve",
        "Approve",
        _APPROVE,
        parent="decisions",
    ),
    Page(
        "exceptions/decisions/<int:decision_id>/stop/",
        decision_views.stop,
        "decision-stop",
        "Stop",
        _DECIDE,
        parent="decisions",
    ),
    Page(
        "exceptions/decisions/<int:decision_id>/undo/",
        decision_views.undo,
        "decision-undo",
        "Undo",
        _DECIDE,
        parent="decisions",
    ),
    Page(
        "exceptions/unreadable/",
        views.unreadable_lines,
        "unreadable_lines",
        "Unreadable lines",
        _VIEW,
        parent="exceptions",
    ),
)
