"""Whatever arrives and whenever months go: silver is what it would be if all rows were still there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouses import bench_database as bench
from tests.warehouses import model
from tests.warehouses.aging import MONTHS, month, old_months, on, retire
from tests.warehouses.conftest import Renewed
from tests.warehouses.decisions import changing_states, value
from tests.warehouses.examples import examples
from tests.warehouses.lab import warehouse
from tests.warehouses.test_histories import HISTORIES as ALL
from tests.warehouses.world import everything, multiset, quarantined, without_surrogate

pytestmark = pytest.mark.django_db

#: What refers to other tables has no history that is settled by its own rows alone; the model here knows no warnings.
HISTORIES = [target for target in ALL if target not in {*model.PARENTS, *model.WARNING}]


@dataclass(frozen=True)
class Arrival:
    """Rows of one file that came so many months ago (or, if those have gone, as early as may be)."""

    file: str
    ago: int
    second: int
    block: int
    rows: tuple[dict[str, str | None], ...]
    loaded: bool


@dataclass(frozen=True)
class Maintenance:
    """Exceptions are rejected or not, then what is past the retention goes."""

    retention: str
    rejected: bool


DAYS = [on(ago, day) for ago in range(-1, MONTHS) for day in (1, 10)]
MEMBER = st.fixed_dictionaries(
    {
        "region": st.sampled_from(["n"] * 12 + ["s", "s", None]),
        "id": st.sampled_from(["1", "1.0", "2"] * 10 + ["x"]),
        "name": st.sampled_from([None, "A", "A", "B"]),
        "score": st.sampled_from([*["5"] * 16, None, None, "-1"]),
        "state": st.sampled_from([*["a", "b"] * 8, None, "z"]),
        "updated": st.sampled_from([*DAYS, *DAYS, None]),
        "op": st.sampled_from(["U", "U", "U", "D"]),
    }
)
ARRIVAL = st.builds(
    Arrival,
    file=st.sampled_from(["a.csv", "b.csv", "c.csv"]),
    ago=st.integers(0, MONTHS - 1),
    second=st.integers(0, 2),
    block=st.integers(0, 10**6),
    rows=st.lists(MEMBER, min_size=1, max_size=6).map(tuple),
    loaded=st.booleans(),
)
MAINTENANCE = st.builds(
    Maintenance,
    retention=st.sampled_from(["1 day", "1 month", "2 months", "90 days", "4 months", "1 year"]),
    rejected=st.sampled_from([True, True, True, False]),
)
EVENTS = st.lists(
    st.one_of(ARRIVAL, ARRIVAL, MAINTENANCE), min_size=3, max_size=7,
    unique_by=lambda event: event.block if isinstance(event, Arrival) else id(event),
)  # fmt: skip


@dataclass
class Settled:
    """What the model knows of one silver table."""

    history: Any
    #: The broken rules of each row that is an exception.
    broken: dict[int, set[str]] = field(default_factory=dict)
    #: Rows from before the horizon that say what is settled.
    agreed: set[int] = field(default_factory=set)
    rejected: set[int] = field(default_factory=set)

    @property
    def judge(self) -> model.Judge:
        found: model.Judge = self.history.judge
        return found

    @property
    def refusal(self) -> str:
        return f"{self.history.effective}:before_horizon"

    def taken(self, rows: list[model.BronzeRow]) -> list[model.BronzeRow]:
        """The rows that have a part in the history: all that ever came, but those that came too late. Of a rejected row
        only its extract is left."""
        late = {row for row, broken in self.broken.items() if self.refusal in broken}
        return [
            replace(row, values={}) if row.bronze_id in self.rejected else row
            for row in rows if row.bronze_id not in late | self.agreed
        ]  # fmt: skip

    def look_at(self, row: model.BronzeRow, before: list[model.BronzeRow], horizon: datetime | None) -> None:
        """A load judges a row. before: the rows of earlier loads."""
        judged = self.judge(row)
        settled = self.is_before(judged, horizon)
        if settled and not self._agrees(judged, before, horizon):
            judged.broken.add(self.refusal)
        self.broken.pop(row.bronze_id, None)
        if judged.wanted and judged.broken:
            self.broken[row.bronze_id] = judged.broken
        elif settled and judged.wanted:
            self.agreed.add(row.bronze_id)

    def is_before(self, judged: model.Judged, horizon: datetime | None) -> bool:
        since = judged.values.get(self.history.effective) if self.history.effective else None
        return since is not None and horizon is not None and since < horizon

    def at(self, before: list[model.BronzeRow], horizon: datetime | None) -> list[dict[str, Any]]:
        """The history up to the horizon, as SCD2 keeps it."""
        old = [row for row in self.taken(before) if self.is_before(self.judge(row), horizon)]
        return model.History.fold(self.history, old)[0]

    def _agrees(self, judged: model.Judged, before: list[model.BronzeRow], horizon: datetime | None) -> bool:
        key = {name: judged.values.get(name) for name in self.history.key}
        since = judged.values[self.history.effective or ""]
        versions = [v for v in self.at(before, horizon) if all(v[name] == key[name] for name in key)]
        if isinstance(self.history, model.Newest):
            stands = next((v for v in versions if v["is_current"]), None)
            if judged.deleted:
                return stands is None or stands["valid_from"] > since
            return stands is not None and (stands["valid_from"] > since or self._same(stands, judged))
        covering = [v for v in versions if v["valid_from"] <= since and (not v["valid_to"] or v["valid_to"] > since)]
        if judged.deleted:
            return not covering
        return any(self._same(version, judged) for version in covering)

    def _same(self, version: dict[str, Any], judged: model.Judged) -> bool:
        return all(version[name] == judged.values.get(name) for name in self.history.attributes)


@dataclass
class World:
    """What was ingested, loaded and dropped in the transaction of a connection, beside what the model makes of it."""

    lab: bench.Connection
    tables: dict[str, Settled]
    rows: list[model.BronzeRow] = field(default_factory=list)
    loaded: int = 0

    @property
    def horizon(self) -> datetime | None:
        found: datetime | None = value(
            self.lab, "SELECT max(fold_horizon) FROM dwh_lineage.targets WHERE target = ANY (%s)", list(self.tables)
        )
        return found

    def take(self, arrival: Arrival) -> None:
        at = max(month(arrival.ago), self.horizon or month(arrival.ago)) + timedelta(seconds=arrival.second)
        first = bench.EXPLICIT_IDS + arrival.block * 100
        written = bench.ingest(self.lab, warehouse.RawMembers, arrival.rows, arrival.file, at, first)
        self.rows += [
            model.BronzeRow(bronze_id, written.batch_no, written.file, written.checksum, at, row)
            for bronze_id, row in zip(written.ids, arrival.rows, strict=True)
        ]
        if arrival.loaded:
            self.load()

    def load(self) -> None:
        before, horizon = self.rows[: self.loaded], self.horizon
        for target, table in self.tables.items():
            bench.call(self.lab, target)
            known = list(before)
            for row in self.rows[self.loaded :]:
                table.look_at(row, known, horizon)
        self.loaded = len(self.rows)

    def rebuild(self) -> None:
        """Rebuilds everything; an exception is looked at anew, since the horizon may have moved."""
        self.load()
        loaded, horizon = self.rows[: self.loaded], self.horizon
        for target, table in self.tables.items():
            bench.call(self.lab, target, "rebuild")
            for row in loaded:
                if row.bronze_id in table.broken:
                    table.look_at(row, loaded, horizon)

    def maintain(self, maintenance: Maintenance) -> None:
        if maintenance.rejected:
            with changing_states(self.lab):
                self.lab.execute("UPDATE dwh_lineage.quality_exceptions SET state = 'rejected' WHERE state = 'open'")
            for table in self.tables.values():
                table.rejected |= set(table.broken)
                table.broken.clear()
            self.rebuild()
        waiting = {row.bronze_id for row in self.rows[self.loaded :]}
        undecided = {bronze_id for table in self.tables.values() for bronze_id in table.broken}
        retire(self.lab, warehouse.RawMembers, maintenance.retention)
        assert (waiting | undecided) <= self.there()

    def there(self) -> set[int]:
        return {row for (row,) in self.lab.execute("SELECT _bronze_id FROM bronze.raw_members_rows")}

    def check(self) -> None:
        """Silver is what it would be if all rows were still there; the accounting line is exact for those that are."""
        there, taken = self.there(), self.rows[: self.loaded]
        for target, table in self.tables.items():
            expected, outcomes = table.history.fold(table.taken(taken))
            assert without_surrogate(bench.rows(self.lab, target)) == multiset(expected), target
            assert quarantined(self.lab, target) == table.broken, target
            counts = Counter(self._outcome(table, row, outcomes) for row in taken if row.bronze_id in there)
            counts += Counter(waiting=len(self.rows) - self.loaded)
            line = value(self.lab, "SELECT dwh_etl.measure_accounting(%s)", target)
            assert line.pop("gap") == 0, (target, line)
            assert line.pop("bronze.raw_members rows") == len(there)
            assert Counter(line) == +counts, target

    def _outcome(self, table: Settled, row: model.BronzeRow, outcomes: dict[int, str]) -> str:
        bronze_id, horizon = row.bronze_id, self.horizon
        if bronze_id in table.rejected:
            return "rejected"
        if bronze_id in table.broken:
            return "quarantined"
        if bronze_id in table.agreed:
            return "frozen"
        outcome = outcomes[bronze_id]
        judged = table.judge(row)
        if outcome in ("current", "history") or not judged.is_event or not table.is_before(judged, horizon):
            return outcome
        base = [v["_source_bronze_id"] for v in table.at(self.rows[: self.loaded], horizon) if v["is_current"]]
        return outcome if bronze_id in base else "frozen"


@examples(0.03)
@given(events=EVENTS)
def test_silver_stays_what_it_would_be_if_all_rows_were_still_there(
    renewed: Renewed, part: int, events: list[Any]
) -> None:
    lab = renewed()
    lab.execute("ROLLBACK")
    lab.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    old_months(lab)
    world = World(lab, {target: Settled(model.TABLES[target]) for target in HISTORIES})
    for event in [*events, Maintenance("1 month", rejected=True)]:
        if isinstance(event, Arrival):
            world.take(event)
        else:
            world.maintain(event)
            world.check()
    world.load()
    world.check()
    world.rebuild()
    world.check()
    stood = everything(lab, *HISTORIES)
    retire(lab, warehouse.RawMembers, "1 day")
    world.check()
    assert everything(lab, *HISTORIES) == stood
    world.rebuild()
    assert everything(lab, *HISTORIES) == stood
    world.check()
