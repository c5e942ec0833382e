"""The fold of a key's events into its history, as SQL that SCD1, SCD2 and the accounting line share."""

from __future__ import annotations

from medallion.compile import absence, horizon, text
from medallion.compile.text import Contract
from medallion.naming import ident, literal


def attributes(contract: Contract) -> list[str]:
    """The columns whose change makes a new version: all but the key and the effective time."""
    apart = {*contract["key"], contract.get("effective")}
    return [column["name"] for column in contract["columns"] if column["name"] not in apart]


def tracked(contract: Contract) -> list[str]:
    """The attributes whose change makes a new version; the others have the values of the version's latest event."""
    named = contract.get("tracked", attributes(contract))
    return [name for name in attributes(contract) if name in named and name != contract.get("sequence")]


def untracked(contract: Contract) -> list[str]:
    """The attributes whose change makes no new version."""
    return [name for name in attributes(contract) if name not in tracked(contract)]


def effective(contract: Contract, alias: str) -> str:
    """Since when an event's values hold. `b` is the ledger's row of its batch."""
    if absence.is_full(contract):
        return "b.ingested_at"
    column = contract.get("effective")
    return f"{alias}.{ident(column)}::timestamptz" if column else f"{alias}._ingested_at"


def event_columns(contract: Contract, alias: str) -> list[str]:
    """An evaluated row as an event."""
    return [
        f"{alias}._bronze_id",
        f"{effective(contract, alias)} AS _effective",
        f"{alias}._deleted",
        "b.source_file AS _file",
        "b.source_checksum AS _checksum",
        *(f"{alias}.{ident(name)}" for name in [*contract["key"], *attributes(contract)]),
    ]


def winners(contract: Contract, events: str) -> str:
    """Of several events of a key at one time the last; its source is the first row that said the same."""
    key, values = contract["key"], attributes(contract)
    moment = f"{text.names(key, 'e')}, e._effective"
    last = [*_sequence(contract), 'e._file COLLATE "C"', "e._checksum"]
    return f"""\
SELECT w._effective, w._deleted, false AS _stands, {text.names([*key, *values], "w")}, w._first AS _bronze_id
FROM (
    SELECT e.*, row_number() OVER last_first AS _place, min(e._bronze_id) OVER same AS _first
    FROM {events} AS e
    WINDOW
        last_first AS (
            PARTITION BY {moment}
            ORDER BY {", ".join(f"{value} DESC NULLS LAST" for value in last)}, e._bronze_id DESC
        ),
        same AS (PARTITION BY {moment}, e._deleted, {text.names(tracked(contract), "e")})
) AS w
WHERE w._place = 1"""


def _sequence(contract: Contract) -> list[str]:
    """What orders events of one time before their files do."""
    name = contract.get("sequence")
    of_text = any(column["name"] == name and column["type"] == "text" for column in contract["columns"])
    return [f"e.{ident(name)}" + (' COLLATE "C"' if of_text else "")] if name else []


def changes(contract: Contract, events: str) -> str:
    """The moments at which something changed, in full histories."""
    key = contract["key"]
    return chained(
        contract,
        f"""\
    SELECT h.*, lag(h._deleted) OVER history AS _was_absent, {lagged(tracked(contract))}
    FROM (
{text.indented(winners(contract, events), 2)}
    ) AS h
    WINDOW history AS (PARTITION BY {text.names(key, "h")} ORDER BY h._effective)""",
    )


def chained(contract: Contract, history: str) -> str:
    """The beginnings of versions among moments that know what stood before them, with their versions' values."""
    key, last = contract["key"], untracked(contract)
    if not last:
        return f"SELECT c.*\nFROM (\n{history}\n) AS c\nWHERE {differs(tracked(contract))}"
    apart = [f"c.{name}" for name in ("_bronze_id", "_effective", "_deleted", "_stands", "_begins")]
    values = [f"last_value(c.{ident(name)}) OVER version AS {ident(name)}" for name in last]
    return f"""\
SELECT d.*
FROM (
    SELECT {", ".join([*apart, text.names([*key, *tracked(contract)], "c"), *values])}
    FROM (
        SELECT m.*, count(*) FILTER (WHERE m._begins) OVER (
            PARTITION BY {text.names(key, "m")} ORDER BY m._effective
        ) AS _version
        FROM (
            SELECT c.*, {differs(tracked(contract))} AS _begins
            FROM (
{text.indented(history, 3)}
            ) AS c
        ) AS m
    ) AS c
    WINDOW version AS (
        PARTITION BY {text.names(key, "c")}, c._version ORDER BY c._effective
        ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
    )
) AS d
WHERE d._begins"""


def known(contract: Contract, stands: str) -> str:
    """Whether a key had events before one at `n._effective`: a condition in loads. stands: whether it has a row.

    A key without a row has had none, unless it had deletes alone; none of those is later than l_gone_until.
    """
    if absence.is_full(contract):
        return "true"
    return f"({stands} OR n._effective <= l_gone_until)" if _has_deletes(contract) else stands


def set_gone(contract: Contract) -> str:
    """One more column for the update of `targets` at a load's end: the latest delete whose key has no row."""
    return (
        f",\n    last_gone_at = greatest(last_gone_at, {_gone(contract, 'events')})" if _has_deletes(contract) else ""
    )


def record_seen(contract: Contract) -> str:
    """The end of a fold: what the next loads must know of its events. A replay may bring the latest of all, or take a
    key's last row away; after a fold of everything the latest delete is exact."""
    latest = "(SELECT max(e._effective) FROM pg_temp.fold_events AS e)"
    gone = ""
    if _has_deletes(contract):
        gone = (
            """,
    last_gone_at = CASE WHEN in_all THEN g.latest ELSE greatest(t.last_gone_at, g.latest) END
FROM (SELECT """
            + _gone(contract, "fold_events")
            + " AS latest) AS g"
        )
    return f"""

UPDATE dwh_lineage.targets AS t
SET last_event_at = greatest(t.last_event_at, {latest}){gone}
WHERE t.target = {literal(text.target(contract))};"""


def _has_deletes(contract: Contract) -> bool:
    return bool(contract.get("deleted_when"))


def _gone(contract: Contract, events: str) -> str:
    stands = f"SELECT 1 FROM {text.relation(contract)} AS x WHERE {text.equal(contract['key'], 'x', 'e')}"
    return f"(SELECT max(e._effective) FROM pg_temp.{events} AS e WHERE e._deleted AND NOT EXISTS ({stands}))"


def as_events(contract: Contract, name: str, source: str) -> str:
    """Good rows as events, with what orders those of one time. What is before the horizon is settled."""
    return f"""\
DROP TABLE IF EXISTS pg_temp.{name};
CREATE TEMP TABLE {name} ON COMMIT DROP AS
SELECT
{text.lines(event_columns(contract, "e"))}
FROM {source} AS e
JOIN dwh_lineage.batches AS b ON b.batch_no = e._batch_no
WHERE e._broken IS NULL AND {horizon.is_live(contract, effective(contract, "e"))};"""


def lagged(values: list[str]) -> str:
    return ", ".join(f"lag(h.{ident(name)}) OVER history AS {ident('was.' + name)}" for name in values)


def differs(values: list[str]) -> str:
    """A change against what stood before: from absent to there, from there to absent, or other values."""
    was = f"ROW({', '.join('c.' + ident('was.' + name) for name in values)})"
    return (
        "(c._deleted <> coalesce(c._was_absent, true)"
        f" OR (NOT c._deleted AND {text.row(values, 'c')} IS DISTINCT FROM {was}))"
    )
