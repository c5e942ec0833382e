"""The pages of this app, as the admin site mounts them."""

from lineage.pages import Page
from lineage.subjects import of_name, of_table
from quality import csv_views, decision_views, gate_views, issue_views, row_views, saved_views, views
from quality.permissions import APPROVE as _APPROVE
from quality.permissions import DECIDE as _DECIDE
from quality.permissions import PROPOSE as _PROPOSE
from quality.permissions import VIEW as _VIEW
from quality.subjects import of_chosen, of_correction_rule, of_decision, of_exception, of_issue

_CAUSE, _ROWS = "exceptions/causes/<int:issue_id>/", "exceptions/rows/"
_ROW, _DECISION = f"{_ROWS}<int:exception_id>/", "exceptions/decisions/<int:decision_id>/"

PAGES = (
    Page("exceptions/", views.exceptions, "exceptions", "Exceptions", _VIEW, order=20, in_navigation=True),
    Page(_CAUSE, views.issue, "issue", "Cause", _VIEW, parent="exceptions", about=of_issue),
    Page(_ROWS, views.exception_rows, "exception_rows", "Rows", _VIEW, parent="exceptions"),
    Page(f"{_ROWS}csv/", csv_views.export, "exceptions_csv", "CSV", _VIEW, parent="exceptions", about=of_chosen),
    Page(
        f"{_ROWS}csv/back/", csv_views.bring_back, "bring_back", "Bring a file back", _DECIDE, parent="exceptions",
        or_permission=_PROPOSE,
    ),
    Page(
        f"{_ROW}try/", row_views.try_row, "try_row", "Check", _DECIDE, parent="exceptions", or_permission=_PROPOSE,
        about=of_exception,
    ),
    Page(
        f"{_ROW}correct/", row_views.correct_row, "correct_row", "Correct", _DECIDE, parent="exceptions",
        or_permission=_PROPOSE, about=of_exception,
    ),
    Page("exceptions/views/", saved_views.keep_view, "exception_view", "Keep a view", _VIEW, parent="exceptions"),
    Page(_ROW, views.exception, "exception", "Exception", _VIEW, parent="exceptions", about=of_exception),
    Page(
        f"{_ROWS}decide/", decision_views.decide_rows, "decide_rows", "Decide", _DECIDE, parent="exceptions",
        or_permission=_PROPOSE, about=of_chosen,
    ),
    Page(
        f"{_CAUSE}decide/", decision_views.decide, "decide", "Decide", _DECIDE, parent="exceptions",
        or_permission=_PROPOSE, about=of_issue,
    ),
    Page(
        f"{_CAUSE}fix/", issue_views.fix, "fix", "Correct", _DECIDE, parent="exceptions", or_permission=_PROPOSE,
        about=of_issue,
    ),
    Page(f"{_CAUSE}assign/", issue_views.assign, "assign", "Assign", _DECIDE, parent="exceptions", about=of_issue),
    Page(f"{_CAUSE}snooze/", issue_views.snooze, "snooze", "Snooze", _DECIDE, parent="exceptions", about=of_issue),
    Page(f"{_CAUSE}comment/", issue_views.comment, "comment", "Comment", _VIEW, parent="exceptions", about=of_issue),
    Page(
        "exceptions/corrections/", issue_views.correction_rules, "correction_rules", "Correction rules", _VIEW,
        parent="exceptions",
    ),
    Page(
        "exceptions/corrections/<int:rule_id>/end/", issue_views.end_correction_rule, "correction_rule-end",
        "Switch off", _DECIDE, parent="correction_rules", about=of_correction_rule,
    ),
    Page("exceptions/decisions/", decision_views.decisions, "decisions", "Decisions", _VIEW, parent="exceptions"),
    Page(_DECISION, decision_views.decision, "decision", "Decision", _VIEW, parent="decisions", about=of_decision),
    Page(
        f"{_DECISION}approve/", decision_views.approve, "decision-approve", "Approve", _APPROVE, parent="decisions",
        about=of_decision,
    ),
    Page(
        f"{_DECISION}stop/", decision_views.stop, "decision-stop", "Stop", _DECIDE, parent="decisions",
        or_permission=_PROPOSE, about=of_decision,
    ),
    Page(
        f"{_DECISION}undo/", decision_views.undo, "decision-undo", "Undo", _DECIDE, parent="decisions",
        about=of_decision,
    ),
    Page(
        "exceptions/unreadable/", views.unreadable_lines, "unreadable_lines", "Unreadable lines", _VIEW,
        parent="exceptions",
    ),
    Page("gates/", gate_views.held, "gates", "Gates", _VIEW, order=25, in_navigation=True),
    Page("gates/<str:name>/", gate_views.gate, "gate", "Gate", _VIEW, parent="gates", about=of_name),
    Page("rules/", gate_views.rule, "rule", "Rule", _VIEW, parent="exceptions", about=of_table),
)  # fmt: skip
