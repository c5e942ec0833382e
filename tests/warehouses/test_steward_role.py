"""People who sign in to the database as stewards: what they can do there, and what they cannot, however they try."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.warehouses import bench_database as bench
from tests.warehouses.bench_database import Connection
from tests.warehouses.conftest import Connect, Parameters, connecting, copy_of
from tests.warehouses.decisions import value
from tests.warehouses.lab.warehouse import RawReadings, Readings
from tests.warehouses.test_overlay import GOOD

TARGET = Readings.target
#: Roles belong to the cluster: other sessions of tests have others.
ADA, BOB = f"ada_{os.getpid()}", f"bob_{os.getpid()}"
MAY_CALL = {
    "approve", "assign_issue", "comment_on_issue", "decide", "end_correction_rule", "keep_correcting",
    "my_targets", "override_gate", "override_rule", "snooze_issue", "stop_decision", "try_patch", "undo",
}  # fmt: skip


@dataclass(frozen=True)
class Desk:
    """The owner's connection, and those of ada, a steward, and bob, an approver."""

    owner: Connection
    ada: Connection
    bob: Connection

    def decide(self, connection: Connection, by: str = ADA, **more: Any) -> int:
        parts = {"in_patch": json.dumps({"state": "on"}), **more}
        named = ", ".join(f"{name} => %s" for name in parts)
        query = f"SELECT dwh_lineage.decide('correct', %s, '{{}}', %s, {named})"
        return int(value(connection, query, TARGET, by, *parts.values()))

    def replay(self, decision: int) -> None:
        with bench.repeatable_read(self.owner):
            self.owner.execute("SELECT dwh_lineage.replay_chunk(%s)", (decision,))

    def states(self) -> list[str]:
        return [s for (s,) in self.owner.execute("SELECT state FROM dwh_lineage.quality_exceptions ORDER BY id")]


@pytest.fixture(scope="module")
def signed_in(lab_parameters: Parameters) -> Iterator[Connect]:
    """A laboratory with three bad readings, in which roles of a steward and of an approver may sign in."""
    with copy_of(lab_parameters, "_desk") as parameters, connecting(parameters) as connect:
        owner = connect()
        for name, group in ((ADA, "Steward"), (BOB, "Approver")):
            owner.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE steward_role").format(sql.Identifier(name)))
            owner.execute(
                "WITH made AS (INSERT INTO auth_user (username, password, first_name, last_name, email, is_staff, "
                "is_active, is_superuser, date_joined) VALUES (%s, '', '', '', '', true, true, false, now()) "
                "RETURNING id) INSERT INTO auth_user_groups (user_id, group_id) "
                "SELECT m.id, g.id FROM made AS m, auth_group AS g WHERE g.name = %s",
                (name, group),
            )
        with bench.repeatable_read(owner):
            bench.ingest(owner, RawReadings, [GOOD | {"state": "onn"}] * 3)
            bench.call(owner, TARGET)
        try:
            yield connect
        finally:
            for name in (ADA, BOB):
                owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def desk(signed_in: Connect) -> Desk:
    return Desk(signed_in(), signed_in(user=ADA), signed_in(user=BOB))


_UPDATE = "UPDATE dwh_lineage.quality_exceptions SET state = 'landed'"
CHEATS = {
    "a bulk update of the state": _UPDATE,
    "the same by the view": "UPDATE dwh_lineage.my_exceptions SET state = 'landed'",
    "the same by the guide's view": "UPDATE silver.quality_exceptions SET state = 'landed'",
    "an event by hand": "INSERT INTO dwh_lineage.exception_events (exception_id, to_state) VALUES (1, 'landed')",
    "a correction by hand": (
        "INSERT INTO dwh_lineage.corrections (target, bronze_id, version, patch, decision_id) "
        "VALUES ('silver.readings', 1, 1, '{}', 1)"
    ),
    "a decision by hand": (
        "INSERT INTO dwh_lineage.quality_decisions (verb, target, author_id) VALUES ('correct', 'silver.readings', 1)"
    ),
    "an approval by hand": "UPDATE dwh_lineage.quality_decisions SET state = 'queued', approver_id = 1",
    "another limit": "UPDATE dwh_lineage.decision_limits SET alone_up_to = NULL",
    "another group": "INSERT INTO auth_user_groups (user_id, group_id) SELECT 1, 1",
    "a scope less": "DELETE FROM dwh_lineage.group_scopes",
    "a look at passwords": "SELECT password FROM auth_user",
    "a look at all exceptions": "SELECT * FROM dwh_lineage.quality_exceptions",
    "a change of silver": "UPDATE silver.readings SET state = 'on'",
    "a row more in silver": "INSERT INTO silver.readings DEFAULT VALUES",
    "a change of bronze": "UPDATE bronze.raw_readings_rows SET state = 'on'",
    "a row more in bronze": "INSERT INTO bronze.raw_readings (state) VALUES ('on')",
    "exceptions thrown away": "TRUNCATE dwh_lineage.quality_exceptions CASCADE",
    "the trigger switched off": "ALTER TABLE dwh_lineage.quality_exceptions DISABLE TRIGGER ALL",
    "all triggers passed by": "SET session_replication_role = replica",
    "pgtrigger told to ignore": f"SET pgtrigger.ignore = 'x'; {_UPDATE}",
    "the routines' switch": f"SET assay.changes_states = 'on'; {_UPDATE}",
    "the replay by hand": "SELECT dwh_lineage.replay_chunk(1)",
    "the preview's routine": "SELECT dwh_lineage.try_decision(1)",
    "the states' routine": "SELECT dwh_lineage.move_decided(1, 'open', 'landed')",
    "a load": "CALL dwh_etl.load_silver_readings()",
    "a watermark": "CALL dwh_etl.set_watermark('silver.readings', '_ingested_at', '-infinity')",
    "the loads' role": "SET ROLE etl_service",
    "a routine in the schema": "CREATE FUNCTION dwh_lineage.may(bigint, text, text) RETURNS boolean RETURN true",
}


@pytest.mark.parametrize("attempt", CHEATS.values(), ids=CHEATS.keys())
def test_what_is_not_theirs_is_refused(desk: Desk, attempt: str) -> None:
    for connection in (desk.ada, desk.bob):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match=r"permission denied|must be owner"):
            connection.execute(attempt)
    assert desk.states() == ["open"] * 3


def test_they_may_call_the_routines_that_act_and_no_others(desk: Desk) -> None:
    found = desk.ada.execute(
        "SELECT p.proname FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace "
        "WHERE n.nspname IN ('dwh_lineage', 'dwh_etl', 'dwh_staging', 'bronze', 'silver', 'gold') "
        "AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')"
    )
    assert {name for (name,) in found} == MAY_CALL


def test_what_one_steward_decides_lands_and_is_undone(desk: Desk) -> None:
    assert value(desk.ada, "SELECT count(*) FROM dwh_lineage.my_exceptions WHERE state = 'open'") == 3
    issue, count = desk.ada.execute("SELECT id, open FROM dwh_lineage.my_issues").fetchone() or (0, 0)
    assert count == 3
    desk.ada.execute("SELECT dwh_lineage.comment_on_issue(%s, %s, 'a typing error')", (issue, ADA))
    desk.ada.execute("SELECT dwh_lineage.assign_issue(%s, %s, %s)", (issue, ADA, BOB))
    exception = value(desk.ada, "SELECT min(id) FROM dwh_lineage.my_exceptions")
    tried = value(desk.ada, 'SELECT dwh_lineage.try_patch(%s, \'{"state": "on"}\', %s)', exception, ADA)
    assert tried["broken"] == []
    decision = desk.decide(desk.ada)
    desk.replay(decision)
    assert desk.states() == ["landed"] * 3
    assert value(desk.bob, "SELECT landed FROM dwh_lineage.my_decisions WHERE id = %s", decision) == 3
    desk.replay(value(desk.bob, "SELECT dwh_lineage.undo(%s, %s)", decision, BOB))
    assert desk.states() == ["open"] * 3


def test_nobody_decides_or_approves_in_anothers_name(desk: Desk) -> None:
    for name in (BOB, "admin"):
        with pytest.raises(psycopg.Error, match="cannot decide as") as refused:
            desk.decide(desk.ada, by=name)
        assert refused.value.sqlstate == "AS086"
    # The owner may name anybody, but not in the stewards' role.
    desk.owner.execute("BEGIN; GRANT steward_role TO CURRENT_USER WITH SET TRUE; SET LOCAL ROLE steward_role")
    with pytest.raises(psycopg.Error, match="cannot decide as"):
        desk.decide(desk.owner)
    desk.owner.execute("ROLLBACK")
    decision = desk.decide(desk.bob, by=BOB, in_propose=True)
    his_own, anothers_name, no_permission = (desk.bob, BOB, "AS068"), (desk.bob, ADA, "AS086"), (desk.ada, ADA, "AS087")
    for connection, name, state in (his_own, anothers_name, no_permission):
        with pytest.raises(psycopg.Error) as refused:
            connection.execute("SELECT dwh_lineage.approve(%s, %s)", (decision, name))
        assert refused.value.sqlstate == state
    assert desk.states() == ["proposed"] * 3
    desk.bob.execute("SELECT dwh_lineage.stop_decision(%s, %s)", (decision, BOB))
    assert desk.states() == ["open"] * 3


def test_the_limit_of_four_eyes_holds_for_them_whatever_they_say(desk: Desk) -> None:
    desk.owner.execute("UPDATE dwh_lineage.decision_limits SET alone_up_to = 2")
    try:
        for said in (None, 1_000_000):
            decision = desk.decide(desk.ada, in_alone_up_to=said)
            assert desk.states() == ["proposed"] * 3
            desk.ada.execute("SELECT dwh_lineage.stop_decision(%s, %s)", (decision, ADA))
    finally:
        desk.owner.execute("UPDATE dwh_lineage.decision_limits SET alone_up_to = NULL")


def test_what_they_put_before_the_search_path_changes_nothing(desk: Desk, signed_in: Connect) -> None:
    """The routines that work with their owner's rights look nowhere else than in pg_catalog."""
    ada = signed_in(user=ADA)
    ada.execute(
        "CREATE TEMP TABLE auth_user AS SELECT 1::bigint AS id, 'admin' AS username, true AS is_active;"
        "CREATE TEMP TABLE quality_exceptions AS SELECT 1 AS id;"
        "CREATE FUNCTION pg_temp.btrim(text) RETURNS text LANGUAGE plpgsql AS "
        "$$ BEGIN UPDATE dwh_lineage.quality_exceptions SET state = 'landed'; RETURN $1; END $$;"
        "CREATE FUNCTION pg_temp.same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';"
        "CREATE OPERATOR pg_temp.= (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.same);"
        "SET search_path = pg_temp, dwh_lineage, public, pg_catalog"
    )
    with pytest.raises(psycopg.Error, match="cannot decide as"):
        desk.decide(ada, by="admin")
    decision = desk.decide(ada)
    assert desk.states() == ["queued"] * 3
    ada.execute("SELECT dwh_lineage.stop_decision(%s, %s)", (decision, ADA))
    ada.close()  # what is temporary goes with it


def test_routines_with_their_owners_rights_pin_their_search_path(desk: Desk) -> None:
    loose = desk.owner.execute(
        "SELECT p.oid::regprocedure FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace "
        "WHERE p.prosecdef AND n.nspname ~ '^(dwh_|bronze|silver|gold|public)' AND NOT EXISTS ("
        "SELECT 1 FROM unnest(p.proconfig) AS c WHERE c LIKE 'search_path=pg_catalog%')"
    )
    assert loose.fetchall() == []


def test_a_steward_of_another_domain_sees_and_decides_nothing(desk: Desk) -> None:
    desk.owner.execute(
        "INSERT INTO dwh_lineage.group_scopes (group_id, layer, domain) "
        "SELECT g.id, '', 'elsewhere' FROM auth_group AS g WHERE g.name = 'Steward'"
    )
    try:
        for view in ("my_exceptions", "my_issues", "my_decisions"):
            assert value(desk.ada, f"SELECT count(*) FROM dwh_lineage.{view}") == 0
        with pytest.raises(psycopg.Error, match=r"may not do this with silver\.readings") as refused:
            desk.decide(desk.ada)
        assert refused.value.sqlstate == "AS087"
        desk.owner.execute("UPDATE dwh_lineage.group_scopes SET layer = 'silver', domain = 'lab'")
        assert value(desk.ada, "SELECT count(*) FROM dwh_lineage.my_exceptions") == 3
    finally:
        desk.owner.execute("DELETE FROM dwh_lineage.group_scopes")


def test_the_owner_cannot_change_states_in_bulk_either(desk: Desk) -> None:
    """What a `queryset.update(state=…)` would send, and a transition that routines do make."""
    for state in ("landed", "proposed"):
        with pytest.raises(psycopg.Error, match="Invalid transition") as refused:
            desk.owner.execute("UPDATE dwh_lineage.quality_exceptions SET state = %s", (state,))
        assert refused.value.sqlstate == "AS088"
