"""What moves the fold horizon of a table, and the rule for events that come from before it."""

from __future__ import annotations

from typing import Any

from medallion.compile import absence, horizon, text
from medallion.compile.fold import as_events, attributes, changes
from medallion.compile.loading import evaluated
from medallion.compile.text import Contract
from medallion.naming import ident, literal

UNRESOLVED = "x.state IN ('open', 'proposed', 'queued')"


def rule(contract: Contract) -> dict[str, Any] | None:
    """`updated_at:before_horizon`: an event must not change what is settled. Asked of a row as layer `v` of the
    evaluation has it. None where the time is that of the ingestion: no row can be older than its partition."""
    name = contract.get("effective")
    if not name:
        return None
    message = f"{name} lies before the fold horizon, and would change history that is settled"
    live = horizon.is_live(contract, _since(contract))
    return {
        "name": f"{name}:before_horizon", "column": name, "kind": "before_horizon",
        "definition": {"kind": "before_horizon", "message": message}, "message": message,
        "holds": f"({live} OR ({_settled(contract)}) OR {_agrees(contract)})",
        "broken": f"NOT ({live} OR ({_settled(contract)}) OR {_agrees(contract)})",
        "binds_deletes": True,
    }  # fmt: skip


def _since(contract: Contract) -> str:
    return f"v.{ident(contract['effective'])}::timestamptz"


def _settled(contract: Contract) -> str:
    """A load that has ended took the row, and it is before no person: what it says is in the settled history."""
    target = literal(text.target(contract))
    return f"""EXISTS (
            SELECT 1 FROM dwh_lineage.batch_inputs AS i
            JOIN dwh_lineage.batches AS l ON l.batch_no = i.batch_no
            WHERE i.input_batch_no = v._batch_no AND l.target = {target} AND l.completed_at IS NOT NULL
        ) AND NOT EXISTS (
            SELECT 1 FROM dwh_lineage.quality_exceptions AS x
            WHERE x.target_table = {target} AND x.bronze_id = v._bronze_id AND {UNRESOLVED}
        )"""


def _agrees(contract: Contract) -> str:
    """The event says what the settled history says of its time."""
    key, since = contract["key"], _since(contract)
    said = f"{text.row(attributes(contract), 's')} IS NOT DISTINCT FROM {text.row(attributes(contract), 'v')}"
    at_horizon = f"SELECT 1 FROM {horizon.base(contract)} AS s WHERE {text.equal(key, 's', 'v')}"
    if contract["kind"] == "scd1":  # what is older than the row is superseded
        older = f"s._effective < {horizon.value(contract)} AND (s._effective > {since} OR {said})"
        return f"""CASE WHEN v._deleted THEN NOT EXISTS ({at_horizon} AND s._effective <= {since})
            ELSE EXISTS ({at_horizon} AND {older}) END"""
    ended = f"""SELECT 1 FROM {text.relation(contract)} AS s WHERE {text.equal(key, "s", "v")}
                AND s.valid_from <= {since} AND s.valid_to > {since} AND s.valid_to < {horizon.value(contract)}"""
    at_horizon += f" AND s._effective <= {since}"
    return f"""CASE WHEN v._deleted THEN NOT EXISTS ({ended}) AND NOT EXISTS ({at_horizon})
            ELSE EXISTS ({ended} AND {said}) OR EXISTS ({at_horizon} AND {said}) END"""


def routine(contract: Contract) -> str:
    """`dwh_etl.freeze_silver_x(in_horizon)`."""
    key, columns = contract["key"], [*contract["key"], *attributes(contract)]
    target, base = literal(text.target(contract)), horizon.base(contract)
    before = changes(contract, "(SELECT f.* FROM pg_temp.fold_events AS f WHERE f._effective < in_horizon)")
    return text.procedure(
        text.routine(contract, "freeze"),
        "in_horizon timestamptz",
        "l_read bigint;",
        f"""\
{evaluated(contract, "NULL")}
-- What no load has taken, what waits for a person, and what one has rejected meanwhile is no part of the history.
DELETE FROM pg_temp.evaluated AS e
USING dwh_lineage.pendings AS p
WHERE p.consumer = {target} AND p.batch_no = e._batch_no;
{as_events(contract, "fold_events", "pg_temp.evaluated")}
DELETE FROM pg_temp.fold_events AS f
USING dwh_lineage.quality_exceptions AS x
WHERE x.target_table = {target} AND x.bronze_id = f._bronze_id
    AND ({UNRESOLVED} OR x.state = 'rejected');
{horizon.add(contract, columns)}{absence.add(contract, columns, "fold_events", "pg_temp.evaluated")}
DROP TABLE IF EXISTS pg_temp.frozen;
CREATE TEMP TABLE frozen ON COMMIT DROP AS
SELECT k._bronze_id, k._effective, k._deleted, NULL::text AS _file, NULL::text AS _checksum, {text.names(columns, "k")}
FROM (
    SELECT DISTINCT ON ({text.names(key, "k")}) k.*
    FROM (
{text.indented(before, 2)}
    ) AS k
    ORDER BY {text.names(key, "k")}, k._effective DESC
) AS k
WHERE NOT k._deleted
UNION ALL
-- Events of rows that go, or went, which take effect only after the horizon.
SELECT e.*
FROM pg_temp.fold_events AS e
WHERE e._effective >= in_horizon AND e._bronze_id <> 0 AND NOT EXISTS (
    SELECT 1 FROM pg_temp.evaluated AS v WHERE v._bronze_id = e._bronze_id AND v._ingested_at >= in_horizon
);

DELETE FROM {base};
INSERT INTO {base} ({", ".join(horizon.EVENT)}, {text.names(columns)})
SELECT {", ".join(f"f.{name}" for name in horizon.EVENT)}, {text.names(columns, "f")} FROM pg_temp.frozen AS f;""",
        f"Keeps what {text.target(contract)} says at in_horizon, as the base of later folds. Called by "
        "dwh_etl.retire_partitions before it drops rows, which holds the table's row and moves its horizon.",
    )
