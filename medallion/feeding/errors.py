"""Why a delivery is refused, in words for the person who runs what sends it. Nothing of it has landed then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """What is wrong with one record; they are counted from 1."""

    record: int
    reason: str


class RefusedDeliveryError(Exception):
    """A delivery that is refused. `status`: of HTTP; of 5xx it may be sent again as it is."""

    def __init__(self, status: int, message: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(message)
        self.status, self.faults = status, faults
