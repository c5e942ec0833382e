"""What to do about an error of a step, by its SQLSTATE: the code itself, else its class (the first two characters)."""

from __future__ import annotations

_ADVICE = {
    "40001": "Another load changed the same table first. The step is tried again by itself.",
    "40P01": "Two transactions waited for each other. The step is tried again by itself.",
    "55P03": "A lock was not free in time. The step is tried again by itself; see what else works on the table.",
    "57014": "The query was cancelled or met its time limit. Resume the run; if it happens again, raise the limit.",
    "AS001": "Start the load through a run: it sets the isolation level that a load needs.",
    "AS010": "Declare the table in a warehouse.py, then run makemigrations and migrate.",
    "AS011": "Nothing is to be done: the file's rows are there already.",
    "AS041": "Move the watermark of the silver table that it reads instead.",
    "AS050": "Look at the table's exceptions; correct the rows or the rules, or let the batch pass (override_gate).",
    "AS051": "See whether the extract is whole; if so many keys are gone indeed, let the batch pass (override_gate).",
    "AS052": "Name a batch that waits for the table, and a reason.",
    "AS070": "A check does not hold on what the load computed. See its evidence; correct, or let the batch pass.",
    "AS082": "Rows break rules that no row may break. Correct the rows or the rules, or let the batch pass.",
    "08": "The connection to the database was lost. The step is tried again by itself.",
    "22": "A value did not fit where the SQL put it. Add a rule for it, and the row is set aside instead.",
    "23502": "A row lacks a value that the table needs. See the hint: a waived rule may have let it in.",
    "23": "A constraint of the table refused a row. Add a rule for it, or correct the declaration's key.",
    "25": "The transaction was in a state that the load does not allow. Resume the run.",
    "28": "The database refused the worker's role. Compare DATABASE_URL with the roles of the server.",
    "42": "The SQL does not fit the tables. Run makemigrations and migrate, then resume the run.",
    "53": "The server is short of memory, disk or connections. Free some, then resume the run.",
    "57": "The server stopped or was restarted. The step is tried again by itself.",
    "58": "The server met an error of its operating system. See its log, then resume the run.",
    "XX": "The server met an internal error. See its log before resuming the run.",
}


def what_to_do(sqlstate: str | None) -> str:
    """A sentence for a person; "" where the code says nothing more than the message."""
    code = sqlstate or ""
    return _ADVICE.get(code) or _ADVICE.get(code[:2], "")
