"""What keeps a run from being started, resumed or cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.db import DatabaseError


class RunRefused(Exception):
    """Nothing was changed. `str()` says what is wrong; `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint

    @classmethod
    def of(cls, error: DatabaseError) -> RunRefused:
        """What a routine of ours refused, in its own words. Any other error of the database is raised again."""
        diagnosis = getattr(error.__cause__, "diag", None)
        if diagnosis is None or not (diagnosis.sqlstate or "").startswith("AS"):
            raise error
        return cls(diagnosis.message_primary or "", diagnosis.message_hint or "")


class RunIsLive(RunRefused):
    """Another run of the same pipeline is on its way; `run_id` names it."""

    def __init__(self, name: str, run_id: int | None) -> None:
        which = f"run {run_id}" if run_id is not None else "another run"
        super().__init__(
            f"The pipeline {name} is running already: {which} has not ended.",
            f"Wait for it, or cancel it: manage.py run --cancel {run_id}" if run_id is not None else "Try again.",
        )
        self.run_id = run_id
