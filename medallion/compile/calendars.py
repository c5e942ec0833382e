"""Calendars: a row for each day, made by one INSERT; the flags of today, turned by one UPDATE."""

from __future__ import annotations

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import literal

#: Column → (type, expression over a day d and the fiscal month f).
COLUMNS = {
    "date_key": ("integer", "to_char(d.day, 'YYYYMMDD')::integer"),
    "full_date": ("date", "d.day"),
    "year": ("smallint", "extract(year FROM d.day)"),
    "quarter": ("smallint", "extract(quarter FROM d.day)"),
    "month": ("smallint", "extract(month FROM d.day)"),
    "week": ("smallint", "extract(week FROM d.day)"),
    "iso_year": ("smallint", "extract(isoyear FROM d.day)"),
    "day_of_month": ("smallint", "extract(day FROM d.day)"),
    "day_of_week": ("smallint", "extract(dow FROM d.day)"),
    "day_of_year": ("smallint", "extract(doy FROM d.day)"),
    "month_name": ("text", "to_char(d.day, 'FMMonth')"),
    "month_short": ("text", "to_char(d.day, 'FMMon')"),
    "day_name": ("text", "to_char(d.day, 'FMDay')"),
    "day_short": ("text", "to_char(d.day, 'FMDy')"),
    "quarter_name": ("text", "'Q' || extract(quarter FROM d.day)"),
    "is_weekend": ("boolean", "extract(isodow FROM d.day) > 5"),
    "is_holiday": ("boolean", "d.holiday IS NOT NULL"),
    "holiday_name": ("text", "d.holiday"),
    "fiscal_year": ("smallint", "extract(year FROM d.day + make_interval(months => {shift}))"),
    "fiscal_quarter": ("smallint", "extract(quarter FROM d.day + make_interval(months => {shift}))"),
    "fiscal_month": ("smallint", "extract(month FROM d.day + make_interval(months => {shift}))"),
}
FLAGS = ("day", "week", "month", "quarter", "year")


def create(contract: Contract, warehouse: str) -> str:
    """The table with its days, and the routines that write them."""
    table = text.relation(contract)
    columns = [
        f"{name} {kind}{'' if name == 'holiday_name' else ' NOT NULL'}{_KEYS.get(name, '')}"
        for name, (kind, _) in COLUMNS.items()
    ]
    columns += [f"is_current_{flag} boolean NOT NULL DEFAULT false" for flag in FLAGS]
    unknown = [
        "-1",
        "'0001-01-01'",
        *("0" for _ in range(8)),
        *("'Unknown'" for _ in range(5)),
        "false, false, NULL, 0, 0, 0",
    ]
    return (
        f"CREATE TABLE {table} (\n{text.lines(columns)}\n);\n"
        f"{text.comment(f'TABLE {table}', contract.get('description', ''))}"
        f"-- The unknown day.\nINSERT INTO {table} ({text.names(COLUMNS)})\nVALUES ({', '.join(unknown)});\n\n"
        f"{_installed(contract, warehouse)}"
    )


def replace(contract: Contract, warehouse: str) -> str:
    """Days are added and corrected; those of an earlier, longer calendar stay, for facts may refer to them."""
    return _installed(contract, warehouse)


def drop(contract: Contract) -> str:
    return (
        f"DROP PROCEDURE {text.routine(contract, 'rebuild')}(uuid);\n"
        f"DROP PROCEDURE {text.routine(contract, 'load')}(uuid);\n"
        f"DROP PROCEDURE {text.routine(contract, 'generate')}(date, date, uuid);\n"
        f"DROP PROCEDURE {text.routine(contract, 'flags')}();\n"
        f"CALL dwh_etl.release_references({literal(text.relation(contract))});\nDROP TABLE {text.relation(contract)};\n"
    )


_KEYS = {"date_key": " PRIMARY KEY", "full_date": " UNIQUE"}


def _installed(contract: Contract, warehouse: str) -> str:
    verbs = {f"{verb}_routine": text.routine(contract, verb) for verb in ("load", "rebuild")}
    registered = text.register(contract, warehouse, text.relation(contract), verbs)
    routines = [_generate(contract), _flags(contract), _load(contract), _rebuild(contract)]
    return "\n".join([*routines, registered, f"CALL {text.routine(contract, 'load')}();\n"])


def _generate(contract: Contract) -> str:
    table, target = text.relation(contract), literal(text.target(contract))
    values = [f"({expression})::{kind} AS {name}" for name, (kind, expression) in _expressions(contract).items()]
    others = [name for name in COLUMNS if name != "date_key"]
    return text.procedure(
        text.routine(contract, "generate"),
        "in_first date, in_last date, in_batch_id uuid DEFAULT NULL",
        "l_load_no bigint;\nl_batch bigint;\nl_inserted bigint;\nl_updated bigint;\nl_all bigint;",
        f"""\
UPDATE dwh_lineage.targets AS t SET load_no = t.load_no + 1 WHERE t.target = {target}
RETURNING t.load_no INTO l_load_no;
DROP TABLE IF EXISTS pg_temp.computed;
CREATE TEMP TABLE computed ON COMMIT DROP AS
SELECT
{text.lines(values)}
FROM (
    SELECT s.day::date AS day, h.name AS holiday
    FROM generate_series(in_first, in_last, interval '1 day') AS s (day)
    LEFT JOIN jsonb_each_text({_holidays(contract)}) AS h (day, name) ON h.day::date = s.day::date
) AS d;
GET DIAGNOSTICS l_all = ROW_COUNT;

UPDATE {table} AS g
SET {", ".join(f"{name} = c.{name}" for name in others)}
FROM pg_temp.computed AS c
WHERE g.date_key = c.date_key AND {text.row(others, "g")} IS DISTINCT FROM {text.row(others, "c")};
GET DIAGNOSTICS l_updated = ROW_COUNT;

INSERT INTO {table} ({text.names(COLUMNS)})
SELECT {text.names(COLUMNS, "c")}
FROM pg_temp.computed AS c
WHERE NOT EXISTS (SELECT 1 FROM {table} AS g WHERE g.date_key = c.date_key);
GET DIAGNOSTICS l_inserted = ROW_COUNT;

IF l_inserted + l_updated > 0 THEN
    l_batch := dwh_lineage.open_batch({target}, 'load', in_batch_id, in_load_no => l_load_no);
    PERFORM dwh_lineage.finish_load(
        l_batch, 'transform', '{{}}', l_inserted, l_updated, 0, l_all - l_inserted - l_updated
    );
END IF;
CALL {text.routine(contract, "flags")}();""",
        f"Adds the days from in_first to in_last to {text.target(contract)}, and corrects those that are there. "
        "Holidays are those of the declared years. Takes the run's id. Locks the table's row in dwh_lineage.targets.",
    )


def _expressions(contract: Contract) -> dict[str, tuple[str, str]]:
    """A fiscal period is the calendar's, moved by whole months."""
    shift = str((13 - int(contract.get("fiscal_year_starts", 1))) % 12)
    return {name: (kind, expression.format(shift=shift)) for name, (kind, expression) in COLUMNS.items()}


def _holidays(contract: Contract) -> str:
    days = [(day, literal(name)) for day, name in contract.get("holidays", {}).items()]
    return text.json_object(days) if days else "'{}'::jsonb"


def _flags(contract: Contract) -> str:
    """By whole periods, so that a week begins with its Monday whatever the year."""
    table = text.relation(contract)
    today = {flag: f"date_trunc('{flag}', g.full_date) = date_trunc('{flag}', l_today)" for flag in FLAGS}
    current = ", ".join(f"g.is_current_{flag}" for flag in FLAGS)
    return text.procedure(
        text.routine(contract, "flags"),
        "",
        "l_today timestamp := date_trunc('day', now() AT TIME ZONE 'UTC');",
        f"UPDATE {table} AS g\nSET\n"
        f"{text.lines(f'is_current_{flag} = {condition}' for flag, condition in today.items())}\n"
        f"WHERE ROW({current})\n    IS DISTINCT FROM ROW({', '.join(today.values())});",
        f"Turns the flags of {text.target(contract)} to today (UTC). They are no batch: nothing is loaded again "
        "because a day went by.",
    )


def _load(contract: Contract) -> str:
    return text.procedure(
        text.routine(contract, "load"),
        "in_batch_id uuid DEFAULT NULL",
        "",
        f"CALL {text.routine(contract, 'generate')}({literal(contract['first'])}, {literal(contract['last'])}, "
        "in_batch_id);",
        f"Makes the declared days of {text.target(contract)} what they should be, and the flags those of today. Takes "
        "the run's id.",
    )


def _rebuild(contract: Contract) -> str:
    return text.procedure(
        text.routine(contract, "rebuild"),
        "in_batch_id uuid DEFAULT NULL",
        "",
        f"CALL {text.routine(contract, 'load')}(in_batch_id);",
        f"The load of {text.target(contract)}, which looks at every day anyway. Takes the run's id.",
    )
