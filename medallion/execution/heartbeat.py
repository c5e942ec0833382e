"""The heartbeat of a claim: keeps its lease while the work goes on, and sees when the work should stop."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Self

import psycopg

from medallion.connections import work_connection
from medallion.execution.claim import LEASE_SECONDS, Claim

if TYPE_CHECKING:
    from types import TracebackType

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
_CANCEL_AGAIN_SECONDS = 0.5


class Heartbeat(threading.Thread):
    """Renews the lease of `claim` every `beat_seconds` while the `with` block runs.

    `cancelled`: somebody asked to stop. `lost`: the lease is another's now. Either cancels the query that `work` runs.
    Its connection is its own, opened at the first beat: most loads are over before that.
    """

    def __init__(
        self,
        claim: Claim,
        work: psycopg.Connection[Any],
        beat_seconds: float = BEAT_SECONDS,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        super().__init__(name=f"heartbeat of step {claim.step_id}", daemon=True)
        self.claim, self.work = claim, work
        self.beat_seconds, self.lease_seconds = beat_seconds, lease_seconds
        self.cancelled = self.lost = False
        self._over = threading.Event()
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    @property
    def should_stop(self) -> bool:
        return self.cancelled or self.lost

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Waits for a cancel that is under way: it must not hit the next query of the same connection.
        self._over.set()
        self.join()

    def run(self) -> None:
        pause = self.beat_seconds
        while not self._over.wait(pause):
            try:
                self._beat()
            except psycopg.Error as error:  # the next beat connects anew; without one the lease ends, and that is right
                logger.warning("The lease of step %s was not renewed: %s", self.claim.step_id, error)
                self._disconnect()
            if self.should_stop:
                # Again and again: a cancel that falls between two statements is lost.
                self.work.cancel_safe(timeout=5)
                pause = _CANCEL_AGAIN_SECONDS
        self._disconnect()

    def _beat(self) -> None:
        if self._connection is None:
            self._connection = work_connection("heartbeat", statement_timeout=5)
            self._connection.execute("RESET ROLE")  # a load's role may not touch leases
        row = self._connection.execute(
            "UPDATE dwh_lineage.step_leases SET until = clock_timestamp() + make_interval(secs => %s)"
            " WHERE step_id = %s AND token = %s RETURNING cancel_requested",
            (self.lease_seconds, self.claim.step_id, self.claim.token),
        ).fetchone()
        self.lost = row is None
        self.cancelled = row is not None and bool(row[0])

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
