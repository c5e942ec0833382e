"""Schedules: pipelines that run by themselves, at every time of theirs exactly once.

declared → rows of `schedules` (declared.py) → beat ticks (tick.py): each time that has come is recorded as a slot, and
a slot is started, waits for the run before it, or is skipped with a reason (slots.py). People change rows (change.py).
Whoever changes a schedule or its slots holds the schedule's row. Time is `dwh_lineage.clock()`.
"""
