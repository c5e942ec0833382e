"""A history as it happens: batches ingested, tables loaded, people deciding, and everything compared with the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from medallion import bronze
from tests.warehouses import bench_database as bench
from tests.warehouses import decisions, histories, model
from tests.warehouses.standing import (
    everything,
    multiset,
    open_by_issue,
    open_rows,
    quarantined,
    rows_of,
    without_surrogate,
)


@dataclass(frozen=True)
class Replay:
    """What a replay did to a row, and its correction before and after."""

    target: str
    decision: int
    bronze_id: int
    before: dict[str, str | None] | None = None
    after: dict[str, str | None] | None = None
    rejected: bool = False
    waivers: Sequence[model.Waiver] = ()


@dataclass
class World:
    """A connection with what has been ingested, loaded and decided in its transaction."""

    lab: bench.Connection
    source: type[bronze.Table]
    silver: tuple[str, ...]
    gold: tuple[str, ...]
    rows: list[model.BronzeRow] = field(default_factory=list)
    batches: list[tuple[int, datetime]] = field(default_factory=list)
    #: How many of the rows each silver table has taken.
    taken: Counter[str] = field(default_factory=Counter)
    decided: dict[str, model.Decisions] = field(default_factory=dict)
    #: Tables about which people have decided since their rebuild.
    undecided: set[str] = field(default_factory=set)
    replays: list[Replay] = field(default_factory=list)
    surrogates: dict[str, dict[tuple[Any, ...], int]] = field(default_factory=dict)
    #: The parents' keys that each table with a reference has seen at its last load.
    present: dict[str, frozenset[Any]] = field(default_factory=dict)

    # --- What happens -------------------------------------------------------------------------------------------------
    def take(self, batch: histories.Batch) -> None:
        """Ingests a batch, and loads and decides where the history says so."""
        self.ingest(batch)
        if batch.loaded:
            self.load()
        for act in batch.acts:
            self.decide(act)

    def ingest(self, batch: histories.Batch) -> None:
        at = histories.time_of(batch)
        if batch.file is None:
            if not batch.rows:
                return
            written = bench.foreign(self.lab, self.source, batch.rows, at)
        else:
            first = bench.EXPLICIT_IDS + batch.block * 100
            written = bench.ingest(self.lab, self.source, batch.rows, batch.file, at, first)
        self.batches.append((written.batch_no, at))
        self.rows += [
            model.BronzeRow(bronze_id, written.batch_no, written.file, written.checksum, at, row)
            for bronze_id, row in zip(written.ids, batch.rows, strict=True)
        ]

    def call(self, target: str, verb: str = "load") -> None:
        self.carry(target, verb)
        if parent := model.PARENTS.get(target):
            self.present[target] = frozenset(row["id"] for row in bench.rows(self.lab, parent))

    def carry(self, target: str, verb: str) -> None:
        """Has a table's routine do its work."""
        bench.call(self.lab, target, verb)

    def load(self) -> None:
        for target in (*self.silver, *self.gold):
            self.call(target)
        self.taken.update({target: len(self.rows) - self.taken[target] for target in self.silver})

    def rebuild(self, target: str) -> None:
        """Rebuilds a silver table, which makes decisions about it hold, and loads what it feeds."""
        self.call(target, "rebuild")
        self.taken[target] = len(self.rows)
        self.undecided.discard(target)
        self.feed()

    def feed(self) -> None:
        """Loads what reads the silver tables, those that refer to others included."""
        for target in self.silver:
            if model.PARENTS.get(target) in self.silver and target in self.present:
                self.call(target)
                self.taken[target] = len(self.rows)
                self.surrogates.pop(target, None)  # a version may have gone and come again since it was looked at
        for target in self.gold:
            self.call(target)

    def settle(self) -> None:
        """Rebuilds all tables about which people have decided since."""
        for target in sorted(self.undecided):
            self.rebuild(target)

    # --- What people decide -------------------------------------------------------------------------------------------
    def decide(self, act: histories.Act) -> None:
        """Does what an act says, if there is anything to do it to. What replays carry out holds at once; the rest holds
        with the next rebuild."""
        target = self.silver[act.table % len(self.silver)]
        if not getattr(self, f"_{act.verb}")(act, target, self.decisions(target)):
            self.feed()
            if target not in self.undecided:
                self.check_silver(target)
            return
        self.undecided.add(target)
        self.surrogates.pop(target, None)
        if act.settled or act.verb == "expire":
            self.rebuild(target)
            self.check_silver(target)

    def decisions(self, target: str) -> model.Decisions:
        return self.decided.setdefault(target, model.Decisions(model.WARNING.get(target, frozenset())))

    def _mend(self, act: histories.Act, target: str, decided: model.Decisions) -> bool:
        """Corrects all broken columns of an open exception."""
        found = quarantined(self.lab, target)
        if not found:
            return False
        bronze_id = picked(sorted(found), act.pick)
        return self._patch(target, decided, bronze_id, mending(target, found[bronze_id]))

    def _correct(self, act: histories.Act, target: str, decided: model.Decisions) -> bool:
        """Corrects any row to anything."""
        return bool(self.rows) and self._patch(target, decided, picked(self.rows, act.pick).bronze_id, act.patch)

    def _patch(self, target: str, decided: model.Decisions, bronze_id: int, patch: Mapping[str, str | None]) -> bool:
        arrived = next(row.values for row in self.rows if row.bronze_id == bronze_id)
        decisions.correct(self.lab, target, bronze_id, patch, {name: arrived.get(name) for name in patch})
        decided.corrections[bronze_id] = dict(patch)
        return True

    def _withdraw(self, act: histories.Act, target: str, decided: model.Decisions) -> bool:
        if not decided.corrections:
            return False
        bronze_id = picked(sorted(decided.corrections), act.pick)
        decisions.correct(self.lab, target, bronze_id, decided.corrections.pop(bronze_id), withdrawn=True)
        return True

    # Carried out by a replay, which makes the decision hold at once.
    def _replay(self, act: histories.Act, target: str, decided: model.Decisions) -> bool:
        """Corrects an open exception, to what is good or to anything."""
        found = quarantined(self.lab, target)
        if found:
            bronze_id = picked(sorted(found), act.pick)
            patch = mending(target, found[bronze_id]) if act.other % 3 else act.patch
            before = decided.corrections.get(bronze_id)
            if decision := self.carry_out(target, "correct", bronze_id, patch):
                now = decided.corrections[bronze_id] = {**(before or {}), **patch}
                self.replays.append(Replay(target, decision, bronze_id, before, now))
        return False

    def _reject(self, act: histories.Act, target: str, decided: model.Decisions) -> bool:
        """Rejects an open exception; sometimes one that has just been corrected, so that it would pass."""
        mended = act.other % 2 == 1 and self._mend(act, target, decided)
        found = quarantined(self.lab, target)
        if found:
            bronze_id = picked(sorted(found), act.pick)
            if decision := self.carry_out(target, "reject", bronze_id):
                decided.rejected.add(bronze_id)
                self.replays.append(Replay(target, decision, bronze_id, rejected=True))
        return mended

    def _set_aside(self, act: histories.Act, target: str, decided: model.Decisions) -> bool:
        """Waives what an open exception breaks."""
        found = {
            bronze_id: sorted(rules & {*histories.WAIVABLE.get(target, ())})
            for bronze_id, rules in quarantined(self.lab, target).items()
        }
        can_be = sorted(bronze_id for bronze_id, rules in found.items() if rules)
        if can_be:
            bronze_id = picked(can_be, act.pick)
            if decision := self.carry_out(target, "waive", bronze_id):
                waivers = [model.Waiver(0, rule, bronze_id) for rule in found[bronze_id]]
                decided.waivers += waivers
                self.replays.append(Replay(target, decision, bronze_id, waivers=waivers))
        return False

    def _undo(self, act: histories.Act, target: str, decided: model.Decisions) -> bool:
        """Takes back the latest replay, if nobody has decided about its row since."""
        if not self.replays:
            return False
        replay = self.replays.pop()
        decided = self.decisions(replay.target)
        if replay.after is not None and decided.corrections.get(replay.bronze_id) is not replay.after:
            return False
        if self.carried_out(decisions.undo(self.lab, replay.decision)) == "overtaken":
            return False
        decided.rejected -= {replay.bronze_id} if replay.rejected else set()
        decided.waivers = [waiver for waiver in decided.waivers if not any(waiver is one for one in replay.waivers)]
        if replay.after is not None:
            del decided.corrections[replay.bronze_id]
            if replay.before is not None:
                decided.corrections[replay.bronze_id] = replay.before
        if replay.target not in self.undecided:
            self.check_silver(replay.target)
        return False

    def carry_out(
        self, target: str, verb: str, bronze_id: int, patch: Mapping[str, str | None] | None = None
    ) -> int | None:
        """Decides and replays; the decision, unless it was overtaken."""
        decision = decisions.queue(self.lab, target, verb, bronze_id, patch)
        return None if self.carried_out(decision) == "overtaken" else decision

    def carried_out(self, decision: int) -> str:
        """Replays a decision of one row; what became of that."""
        assert self.replay_chunk(decision) == 0
        outcome = "SELECT outcome FROM dwh_lineage.decision_rows WHERE decision_id = %s"
        return str(decisions.value(self.lab, outcome, decision))

    def replay_chunk(self, decision: int) -> int:
        return int(decisions.value(self.lab, "SELECT dwh_lineage.replay_chunk(%s)", decision))

    def _waive(
        self, act: histories.Act, target: str, decided: model.Decisions, expires: datetime | None = None
    ) -> bool:
        rules = histories.WAIVABLE.get(target)
        if not rules or not self.rows:
            return False
        bounds = [None, *(number for number, _ in self.batches)]
        waiver = model.Waiver(
            0,
            picked(rules, act.pick),
            bronze_id=picked(self.rows, act.pick).bronze_id if act.other % 2 else None,
            first=picked(bounds, act.other // 2),
            last=None if expires else picked(bounds, act.other // 3),
        )
        waiver.number = decisions.waive(
            self.lab, target, waiver.rule, waiver.bronze_id, waiver.first, waiver.last, expires
        )
        decided.waivers.append(waiver)
        return True

    def _override(self, act: histories.Act, target: str, decided: model.Decisions) -> bool:
        """Changes what follows from a rule, for batches that come later. No batch has more than all its rows broken."""
        if rules := histories.WAIVABLE.get(target):
            rule, severity = picked(rules, act.pick), picked(["warn", "quarantine", "fail", None], act.other)
            decided.overrides.append((rule, severity, decisions.override(self.lab, target, rule, severity, "100%")))
        return False

    def _expire(self, act: histories.Act, target: str, decided: model.Decisions) -> bool:
        """Sets a rule aside until a moment that is past."""
        expires = histories.time_of_second(act.pick % 6) - timedelta(milliseconds=500)
        if not self._waive(act, target, decided, expires):
            return False
        decided.waivers[-1].last = max((number for number, at in self.batches if at <= expires), default=0)
        return True

    def _end(self, act: histories.Act, target: str, decided: model.Decisions) -> bool:
        own = [waiver for waiver in decided.waivers if waiver.number]
        if not own:
            return False
        waiver = picked(own, act.pick)
        waiver.last = picked([0, *(number for number, _ in self.batches)], act.other)
        self.lab.execute(
            "UPDATE dwh_lineage.waivers SET last_batch_no = %s WHERE id = %s", (waiver.last, waiver.number)
        )
        return True

    def _again(self, act: histories.Act, target: str, decided: model.Decisions) -> bool:
        """No decision, but as much at random: the table takes a batch once more."""
        if self.batches:
            self.lab.execute(
                "INSERT INTO dwh_lineage.pendings (consumer, batch_no) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                (target, picked(self.batches, act.pick)[0]),
            )
            self.call(target)
            self.taken[target] = len(self.rows)
        return False

    # --- What must hold -----------------------------------------------------------------------------------------------
    def check(self) -> None:
        """Everything equals the model: rows, exceptions, issues, the accounting line, gold."""
        for target in self.silver:
            if target not in self.undecided:
                self.check_silver(target)
        for target in self.gold:
            assert rows_of(self.lab, target) == self._queried(target), target
        if all(self.taken[target] == len(self.rows) for target in self.silver):
            assert decisions.value(
                self.lab, "SELECT count(*) FROM dwh_lineage.pendings AS p JOIN dwh_lineage.batches AS b USING "
                "(batch_no) WHERE p.consumer = ANY (%s) AND b.rows_inserted > 0", [*self.silver, *self.gold]
            ) == 0  # fmt: skip

    def check_silver(self, target: str) -> None:
        table = self.model(target)
        taken = self.rows[: self.taken[target]]
        expected, outcomes = table.fold(taken)
        found = bench.rows(self.lab, target)
        assert without_surrogate(found) == multiset(expected), target
        self._check_surrogates(target, found)
        bad = model.exceptions(taken, table.judge)
        assert quarantined(self.lab, target) == bad, target
        assert open_by_issue(self.lab, target) == Counter(rule for broken in bad.values() for rule in broken), target
        assert open_rows(self.lab, target) == len(bad), target
        closed = "SELECT bronze_id FROM dwh_lineage.quality_exceptions WHERE target_table = %s AND state = 'superseded'"
        assert {outcomes[row] for (row,) in self.lab.execute(closed.encode(), (target,))} <= {"excluded"}, target
        line = decisions.outcomes(self.lab, target)
        assert line.pop("gap") == 0, (target, line)
        waiting = Counter({"waiting": len(self.rows) - len(taken)}) if len(self.rows) > len(taken) else Counter()
        assert Counter(line) == model.counted(outcomes) + waiting, target

    def model(self, target: str) -> model.Appended | model.History:
        table = model.TABLES[target]
        judge = table.judge
        if target in model.PARENTS:
            judge = model.at_home(judge, self.present.get(target, frozenset()))
        return replace(table, judge=self.decisions(target).over(judge))

    def _check_surrogates(self, target: str, found: list[dict[str, Any]]) -> None:
        """A version (its key and its begin) that was there before has the surrogate key that it had."""
        name = next((name for name in found[0] if name.endswith("_sk")), None) if found else None
        if name is None:
            return
        key = model.TABLES[target].key
        now = {(*(row[column] for column in key), row["valid_from"]): row[name] for row in found}
        before = self.surrogates.get(target, {})
        assert {version: now[version] for version in before if version in now} == {
            version: surrogate for version, surrogate in before.items() if version in now
        }
        self.surrogates[target] = now

    def _queried(self, target: str) -> Counter[Any]:
        table = next(table for table in bench.GOLD if table.target == target)
        query = table.parsed().among_standing(table.contract().get("standing", {}))
        return multiset(self.lab.execute(query).fetchall())


def mending(target: str, broken: set[str]) -> dict[str, str | None]:
    """A patch that makes a row good that breaks these rules."""
    good = histories.GOOD_READING if target == "silver.readings" else histories.GOOD_MEMBER
    columns = {rule.split(":")[0] for rule in broken}
    return {name: good[name] for name in sorted({"score" if column == "host" else column for column in columns})}


def picked(among: Any, number: int) -> Any:
    """One of several, by any number."""
    return among[number % len(among)]


__all__ = ["Replay", "World", "everything", "multiset", "picked", "quarantined", "without_surrogate"]
