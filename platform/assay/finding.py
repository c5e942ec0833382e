"""What a look at the installation found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One look. `problem` is empty where all is well; `advice` says what to do."""

    subject: str
    detail: str
    problem: bool = False
    advice: str = ""
