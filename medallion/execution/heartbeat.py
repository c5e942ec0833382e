"""Heartbeats: keep the leases of claims while their work goes on, and see when the work should stop."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.types.json import Jsonb

from lineage.connections import work_connection
from lineage.logs import about
from medallion.execution.claim import LEASE_SECONDS, Claim
from medallion.execution.notices import Notices

if TYPE_CHECKING:
    from types import TracebackType

logger = logging.getLogger(__name__)

# A cancelled run ends within 15 s even where its worker is dead: one beat, one sweep (5 s), and 2 s to spare.
BEAT_SECONDS = 8.0
PROGRESS_SECONDS = 2.0
_CANCEL_AGAIN_SECONDS = 0.5
# Enough for a worker that stops: should it die meanwhile, a cancelled run must not wait for a whole lease.
_STOPPING_SECONDS = 2.0
_IDLE_SECONDS = 60.0


class Heartbeat:
    """Renews the lease of `claim` every `beat_seconds` while the `with` block runs.

    `cancelled`: somebody asked to stop. `lost`: the lease is another's now. Either cancels the query that `work` runs.
    """

    def __init__(
        self,
        claim: Claim,
        work: psycopg.Connection[Any],
        beat_seconds: float = BEAT_SECONDS,
        lease_seconds: float = LEASE_SECONDS,
        notices: Notices | None = None,
    ) -> None:
        self.claim, self.work, self.notices = claim, work, notices or Notices()
        self.backend = work.info.backend_pid
        self.beat_seconds, self.lease_seconds = beat_seconds, lease_seconds
        self.next_beat = time.monotonic() + min(beat_seconds, PROGRESS_SECONDS)
        self.last_beat = time.monotonic()
        self.said: dict[str, Any] | None = None
        self.cancelled = self.lost = False

    @property
    def progress(self) -> dict[str, Any]:
        """Which backend works, and what it said last: `pid`, and `at` and `message` if it said something."""
        return {"pid": self.backend} | {name: (self.said or {})[name] for name in ("at", "message") if self.said}

    @property
    def due(self) -> float:
        """When to beat next: soon where there is news, so that a person who watches sees it."""
        news = self.notices.latest is not self.said
        return min(self.next_beat, self.last_beat + PROGRESS_SECONDS) if news else self.next_beat

    @property
    def should_stop(self) -> bool:
        return self.cancelled or self.lost

    def __enter__(self) -> Self:
        _pulse.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        _pulse.remove(self)

    def beat(self, connection: psycopg.Connection[Any]) -> None:
        """Renews the lease, says how far the work is, and passes on what the lease's row says."""
        self.said = self.notices.latest
        row = connection.execute(
            "UPDATE dwh_lineage.step_leases"
            " SET until = clock_timestamp() + make_interval(secs => CASE WHEN cancel_requested THEN %s ELSE %s END),"
            "     progress = %s"
            " WHERE step_id = %s AND token = %s RETURNING cancel_requested",
            (_STOPPING_SECONDS, self.lease_seconds, Jsonb(self.progress), self.claim.step_id, self.claim.token),
        ).fetchone()
        self.lost = row is None
        self.cancelled = row is not None and bool(row[0])
        if self.should_stop:
            self.work.cancel_safe(timeout=5)
        self.last_beat = time.monotonic()
        # A cancel that falls between two statements does nothing: it is repeated.
        self.next_beat = self.last_beat + (_CANCEL_AGAIN_SECONDS if self.should_stop else self.beat_seconds)


class _Pulse:
    """One thread for all heartbeats of the process: starting and ending one for each step would cost 1.5 ms a step.

    Its connection is its own, opened at the first beat (most loads are over before that) and closed with the last
    heart.
    """

    def __init__(self) -> None:
        # Held while beating: who leaves waits for a cancel that is under way, lest it hit the connection's next query.
        self._changed = threading.Condition()
        self._hearts: set[Heartbeat] = set()
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def add(self, heart: Heartbeat) -> None:
        with self._changed:
            self._hearts.add(heart)
            if self._thread is None or not self._thread.is_alive():  # a fork leaves its parent's threads behind
                self._thread = threading.Thread(target=self._run, name="heartbeats", daemon=True)
                self._thread.start()
            elif heart.next_beat < self._wakes_at:
                self._changed.notify()

    def remove(self, heart: Heartbeat) -> None:
        with self._changed:
            self._hearts.discard(heart)
            if not self._hearts:
                self._disconnect()

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for heart in [heart for heart in self._hearts if heart.due <= now]:
                    self._beat(heart)
                now = time.monotonic()
                self._wakes_at = min((heart.due for heart in self._hearts), default=now + _IDLE_SECONDS)
                if self._hearts:  # there may be news
                    self._wakes_at = min(self._wakes_at, now + PROGRESS_SECONDS)
                self._changed.wait(max(0.0, self._wakes_at - now))

    def _beat(self, heart: Heartbeat) -> None:
        with about(run=heart.claim.run_id, step=heart.claim.step_id):  # this thread works for many
            self._renew(heart)

    def _renew(self, heart: Heartbeat) -> None:
        try:
            if self._connection is None:
                self._connection = work_connection("heartbeat", statement_timeout=5)
                self._connection.execute("RESET ROLE")  # a load's role may not touch leases
            heart.beat(self._connection)
        except psycopg.Error as error:
            # The next beat connects anew. If none gets through, the lease ends, and that is right.
            logger.warning("The lease of step %s was not renewed: %s", heart.claim.step_id, error)
            heart.next_beat = time.monotonic() + min(heart.beat_seconds, 1.0)
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_pulse = _Pulse()
