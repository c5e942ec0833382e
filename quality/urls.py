"""The pages of this app, as the admin site mounts them."""

from lineage.pages import Page
from quality import csv_views, decision_views, gate_views, issue_views, row_views, saved_views, views
from quality.permissions import APPROVE as _APPROVE
from quality.permissions import DECIDE as _DECIDE
from quality.permissions import PROPOSE as _PROPOSE
from quality.permissions import VIEW as _VIEW

PAGES = (
    Page("exceptions/", views.exceptions, "exceptions", "Exceptions", _VIEW, order=20, in_navigation=True),
    Page("exceptions/causes/<int:issue_id>/", views.issue, "issue", "Cause", _VIEW, parent="exceptions"),
    Page("exceptions/rows/", views.exception_rows, "exception_rows", "Rows", _VIEW, parent="exceptions"),
    Page("exceptions/rows/csv/", csv_views.export, "exceptions_csv", "CSV", _VIEW, parent="exceptions"),
    Page(
        "exceptions/rows/csv/back/", csv_views.bring_back, "bring_back", "Bring a file back", _DECIDE,
        parent="exceptions", or_permission=_PROPOSE,
    ),
    Page(
        "exceptions/rows/<int:exception_id>/try/", row_views.try_row, "try_row", "Check", _DECIDE,
        parent="exceptions", or_permission=_PROPOSE,
    ),
    Page(
        "exceptions/rows/<int:exception_id>/correct/", row_views.correct_row, "correct_row", "Correct", _DECIDE,
        parent="exceptions", or_permission=_PROPOSE,
    ),
    Page("exceptions/views/", saved_views.keep_view, "exception_view", "Keep a view", _VIEW, parent="exceptions"),
    Page("exceptions/rows/<int:exception_id>/", views.exception, "exception", "Exception", _VIEW, parent="exceptions"),
    Page(
        "exceptions/rows/decide/", decision_views.decide_rows, "decide_rows", "Decide", _DECIDE, parent="exceptions",
        or_permission=_PROPOSE,
    ),
    Page(
        "exceptions/causes/<int:issue_id>/decide/", decision_views.decide, "decide", "Decide", _DECIDE,
        parent="exceptions", or_permission=_PROPOSE,
    ),
    Page(
        "exceptions/causes/<int:issue_id>/fix/", issue_views.fix, "fix", "Correct", _DECIDE, parent="exceptions",
        or_permission=_PROPOSE,
    ),
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
        or_permission=_PROPOSE,
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
    Page("gates/", gate_views.held, "gates", "Gates", _VIEW, order=25, in_navigation=True),
    Page("gates/<str:name>/", gate_views.gate, "gate", "Gate", _VIEW, parent="gates"),
    Page("rules/", gate_views.rule, "rule", "Rule", _VIEW, parent="exceptions"),
)  # fmt: skip
