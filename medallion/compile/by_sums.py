"""The part of an aggregate's load that keeps its counts and sums by arithmetic: what changed rows add and take away.

`dwh_staging.sums_gold_x` has a row for each group: how many rows it is made of, of each value how many are not NULL,
and their sum. Every load brings it up to date, in full, for some keys or by what they gained, and takes the table's
columns from it.
"""

from __future__ import annotations

from medallion.affected import Plan, Sums
from medallion.compile import by_keys, text
from medallion.compile.stars import names
from medallion.compile.text import Contract
from medallion.naming import ident, literal

#: The variables of a load.
DECLARED = "l_summed boolean := false;\n"


def of(contract: Contract) -> Sums | None:
    """How a table's groups are kept by arithmetic; None where they are not."""
    found = by_keys.of(contract)
    return found.sums if contract["kind"] == "aggregate" and isinstance(found, Plan) else None


def relation(contract: Contract) -> str:
    """The table of the groups."""
    return ident("dwh_staging", f"sums_{contract['layer']}_{contract['name']}")


def create(contract: Contract) -> str:
    """That table, empty; nothing where there is none."""
    found = of(contract)
    if found is None:
        return ""
    table, said = relation(contract), f"Counts and sums of which {text.target(contract)} is made"
    return (
        f"CREATE TABLE {table} AS\n{_totals(contract, found, found.rows)}\nWITH NO DATA;\n"
        f"CREATE UNIQUE INDEX ON {table} ({text.names(contract['grain'])});\n{text.comment(f'TABLE {table}', said)}"
    )


def drop(contract: Contract) -> str:
    """Takes it away."""
    return f"DROP TABLE {relation(contract)};\n" if of(contract) else ""


def asked(contract: Contract, found: Plan, sums: Sums, otherwise: str) -> str:
    """pg_temp.gained, what changes add to groups, and pg_temp.touched, their keys, where l_full is NULL and arithmetic
    is exact (l_summed). otherwise: SQL that asks for the keys of the others."""
    quiet = [f"l_{name} = 0" for name in sums.still]
    if sums.alone:
        quiet.append(" + ".join(f"(l_{delta.name} > 0)::integer" for delta in found.deltas) + " <= 1")
    asked = f"dwh_etl.sums_are_exact({literal(text.target(contract))}, l_load.taken, l_load.load_batch)"
    exact = " AND ".join([*quiet, asked])
    return (
        f"l_summed := l_full IS NULL AND {exact};\n"
        f"IF l_summed THEN\n{text.indented(_gained(contract, sums)).rstrip()}\nEND IF;\n"
        f"IF l_summed THEN\n{text.indented(_keys(contract)).rstrip()}\n"
        f"ELSIF l_full IS NULL THEN\n{text.indented(otherwise).rstrip()}\nEND IF;\n"
    )


def _gained(contract: Contract, sums: Sums) -> str:
    filled = "sum(q._many) FILTER (WHERE q.{0} IS NOT NULL)"
    counts = {"_rows": "sum(q._many)::bigint"} | {
        f"_filled_{number}": f"coalesce({filled.format(_value(number))}, 0)::bigint" for number in _numbers(sums)
    }
    counts |= {f"_sum_{number}": f"coalesce(sum(q.{_value(number)} * q._many), 0)" for number in sums.summed}
    never = [f"g.{ident(name)} IS NULL" for name in contract["grain"]]
    never += [f"g._sum_{number} IN ('NaN', 'Infinity', '-Infinity')" for number in sums.summed]
    columns = text.names([*contract["grain"], *map(_value, _numbers(sums)), "_many"])
    moved = "".join(
        f"IF l_{delta} > 0 THEN\n    INSERT INTO pg_temp.moved ({columns})\n{text.indented(rows)};\nEND IF;\n"
        for delta, rows in sums.changed
    )
    return f"""\
DROP TABLE IF EXISTS pg_temp.moved;
CREATE TEMP TABLE moved ON COMMIT DROP AS
SELECT q.*, 1::numeric AS _many
FROM (
{sums.rows}
) AS q
WITH NO DATA;
{moved}DROP TABLE IF EXISTS pg_temp.gained;
CREATE TEMP TABLE gained ON COMMIT DROP AS
SELECT
{text.lines([*_coalesced(contract), *(f"{how} AS {name}" for name, how in counts.items())])}
FROM pg_temp.moved AS q
GROUP BY {_places(contract)}
HAVING {" OR ".join(f"{how} <> 0" for how in counts.values())};
-- A key that is NULL is found by no equation, and from what is no number nothing can be taken away.
l_summed := NOT EXISTS (SELECT 1 FROM pg_temp.gained AS g WHERE {" OR ".join(never)});
"""


def _keys(contract: Contract) -> str:
    return f"""\
DROP TABLE IF EXISTS pg_temp.touched;
CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT {text.names(contract["grain"], "g")} FROM pg_temp.gained AS g;
GET DIAGNOSTICS l_keys = ROW_COUNT;
ANALYZE pg_temp.touched;
"""


def computed(contract: Contract, sums: Sums) -> str:
    """pg_temp.computed, of all groups or of those of touched keys, with the kept groups brought up to date."""
    kept = relation(contract)
    columns = _columns(contract, sums)
    outputs = text.lines(f"{sums.outputs[name]} AS {ident(name)}" for name in names(contract))
    touched = (
        f"IF l_summed THEN\n{text.indented(_added(contract, sums)).rstrip()}\n"
        f"ELSE\n{text.indented(_narrowed(contract, sums)).rstrip()}\nEND IF;\n"
        f"DELETE FROM {kept} AS s WHERE {by_keys.is_touched(contract, 's')};\n"
    )
    everything = (
        f"CREATE TEMP TABLE totals ON COMMIT DROP AS\n{_totals(contract, sums, sums.rows)};\n"
        f"DELETE FROM {kept};\nCALL dwh_etl.align_sums({literal(text.target(contract))});\n"
        f"l_read := jsonb_build_object({by_keys.read(contract)});\n"
    )
    return f"""\
DROP TABLE IF EXISTS pg_temp.totals;
{by_keys.either(touched, everything)}INSERT INTO {kept} ({columns})
SELECT {columns} FROM pg_temp.totals;
DROP TABLE IF EXISTS pg_temp.computed;
CREATE TEMP TABLE computed ON COMMIT DROP AS
SELECT
{outputs}
FROM pg_temp.totals AS s;
"""


def _added(contract: Contract, sums: Sums) -> str:
    """Groups of touched keys: what is kept of them, and what they gained."""
    numbers = _kept_names(sums)
    added = [f"coalesce(s.{name}, 0) + g.{name}" for name in numbers]
    less = " OR ".join(f"t.{name} < 0" for name in numbers if not name.startswith("_sum"))
    return f"""\
CREATE TEMP TABLE totals ON COMMIT DROP AS
SELECT * FROM {relation(contract)} WITH NO DATA;
INSERT INTO pg_temp.totals ({_columns(contract, sums)})
SELECT {text.names(contract["grain"], "g")}, {", ".join(added)}
FROM pg_temp.gained AS g
LEFT JOIN {relation(contract)} AS s ON {text.equal(contract["grain"], "s", "g")};
IF EXISTS (SELECT 1 FROM pg_temp.totals AS t WHERE {less}) THEN
    PERFORM dwh_etl.refuse_sums({literal(text.target(contract))});
END IF;
DELETE FROM pg_temp.totals AS t WHERE t._rows = 0;
"""


def _narrowed(contract: Contract, sums: Sums) -> str:
    """Groups of touched keys, from their rows."""
    grain = contract["grain"]
    never = " OR ".join(f"q.{ident(name)} IS NULL" for name in grain)
    keys = text.names(grain, "q")
    rows = f"""\
SELECT q.* FROM (
{sums.narrowed}
) AS q
WHERE ({keys}) IN (SELECT {text.names(grain, "t")} FROM pg_temp.touched AS t)
UNION ALL  -- a key that is NULL is found by no equation
SELECT q.* FROM (
{sums.rows}
) AS q
WHERE l_lacks AND ({never})"""
    return f"CREATE TEMP TABLE totals ON COMMIT DROP AS\n{_totals(contract, sums, rows)};\n"


def _totals(contract: Contract, sums: Sums, rows: str) -> str:
    """Groups of some rows."""
    counts = ["count(*) AS _rows"]
    counts += [f"count(q.{_value(number)}) AS _filled_{number}" for number in _numbers(sums)]
    counts += [f"sum(q.{_value(number)}) AS _sum_{number}" for number in sums.summed]
    return (
        f"SELECT\n{text.lines([*_coalesced(contract), *counts])}\nFROM (\n{rows}\n) AS q\nGROUP BY {_places(contract)}"
    )


def _coalesced(contract: Contract) -> list[str]:
    """The grain; a key that leads nowhere is that of the unknown member."""
    dimensions = contract.get("dimensions", {})
    return [
        f"coalesce(q.{ident(name)}, -1) AS {ident(name)}" if name in dimensions else f"q.{ident(name)}"
        for name in contract["grain"]
    ]


def _places(contract: Contract) -> str:
    return ", ".join(str(number) for number, _ in enumerate(contract["grain"], 1))


def _numbers(sums: Sums) -> range:
    return range(1, sums.counted + 1)


def _value(number: int) -> str:
    return f"_value_{number}"


def _kept_names(sums: Sums) -> list[str]:
    return ["_rows", *(f"_filled_{n}" for n in _numbers(sums)), *(f"_sum_{n}" for n in sums.summed)]


def _columns(contract: Contract, sums: Sums) -> str:
    return text.names([*contract["grain"], *_kept_names(sums)])
