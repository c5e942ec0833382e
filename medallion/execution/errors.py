"""What keeps a run from being started, resumed or cancelled."""

from __future__ import annotations


class RunRefused(Exception):
    """Nothing was changed. `str()` says what is wrong; `hint` what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class RunIsLive(RunRefused):
    """Another run of the same pipeline is on its way; `run_id` names it."""

    def __init__(self, name: str, run_id: int | None) -> None:
        which = f"run {run_id}" if run_id is not None else "another run"
        super().__init__(
            f"The pipeline {name} is running already: {which} has not ended.",
            f"Wait for it, or cancel it: manage.py run --cancel {run_id}" if run_id is not None else "Try again.",
        )
        self.run_id = run_id
