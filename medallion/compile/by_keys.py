"""The part of a gold load that asks for the keys which changes of its inputs touch, and computes these alone."""

from __future__ import annotations

import functools
import json

from medallion.affected import NOT_NARROWED, Delta, Plan, Whole, plan
from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import ident, literal
from medallion.query import Query

#: Kinds whose load writes differences.
WRITTEN = ("dimension", "fact", "snapshot", "aggregate")


def of(contract: Contract) -> Plan | Whole:
    """How a gold table is loaded: by keys, or why in full."""
    if contract["kind"] not in WRITTEN:
        return Whole(f"it is a {contract['kind'].replace('_', ' ')}")
    found = _of(contract["query"], tuple(contract["grain"]), json.dumps(contract.get("standing", {}), sort_keys=True))
    if isinstance(found, Plan) and not found.narrows and contract["kind"] != "aggregate":
        return Whole(NOT_NARROWED)  # of an aggregate, sums are kept
    return found


@functools.lru_cache(maxsize=256)
def _of(query: str, grain: tuple[str, ...], standing: str) -> Plan | Whole:
    try:
        return plan(Query(query), list(grain), json.loads(standing))
    except Whole as why:
        return why


def images(contract: Contract) -> str:
    """Says from whose images a table reads, and has them kept."""
    found = of(contract)
    read: dict[str, str] = {}
    for delta in found.deltas if isinstance(found, Plan) else ():
        read[delta.table] = "standing" if delta.where and read.get(delta.table) != "whole" else "whole"
    return (
        f"SELECT dwh_etl.read_images({literal(text.target(contract))}, "
        f"{literal(json.dumps(read, sort_keys=True))}::jsonb);\n"
    )


def declared(found: Plan) -> str:
    """The variables of a load by keys."""
    return "l_full text;\nl_keys bigint;\nl_lacks boolean;\nl_read jsonb := '{}';\n" + "".join(
        f"l_{delta.name} bigint;\n" for delta in found.deltas
    )


def asked(contract: Contract, found: Plan) -> str:
    """The changed rows of each input, netted, where they are few; else l_full says why not."""
    deltas = "".join(_delta(contract, delta) for delta in found.deltas)
    return (
        f"l_full := dwh_etl.why_in_full({literal(text.target(contract))}, l_load.taken, l_anew);\n"
        f"IF l_full IS NULL THEN\n{text.indented(deltas).rstrip()}\nEND IF;\n"
    )


def _delta(contract: Contract, delta: Delta) -> str:
    """The rows that came and went, as far as the query reads them."""
    columns, source = text.names(delta.columns), literal(delta.table)
    images = ident("dwh_staging", "images_" + delta.table.replace(".", "_"))
    where = f" AND {delta.where}" if delta.where else ""
    return f"""\
DROP TABLE IF EXISTS pg_temp.{delta.name};
CREATE TEMP TABLE {delta.name} ON COMMIT DROP AS
SELECT {columns}, sum(_change)::integer AS _change
FROM {images}
WHERE _batch_no = ANY (l_load.taken){where}
GROUP BY {columns}
HAVING sum(_change) <> 0;
GET DIAGNOSTICS l_{delta.name} = ROW_COUNT;
ANALYZE pg_temp.{delta.name};
l_read := l_read || jsonb_build_object({source}, coalesce((l_read ->> {source})::bigint, 0) + l_{delta.name});
l_full := coalesce(l_full, dwh_etl.why_too_many({source}, l_{delta.name}, 'changed rows'));
"""


def touched(contract: Contract, found: Plan) -> str:
    """pg_temp.touched: the keys to compute, where these and their rows are few; else l_full says why not."""
    grain, dimensions = contract["grain"], contract.get("dimensions", {})
    candidates = "".join(
        f"IF l_{delta.name} > 0 THEN\n    INSERT INTO pg_temp.candidates ({text.names(grain)})\n"
        f"{text.indented(chr(10).join(_union(branches)))};\nEND IF;\n"
        for delta, branches in zip(found.deltas, found.touched, strict=True)
        if branches
    )
    unknown = [
        f"coalesce(c.{ident(name)}, -1) AS {ident(name)}" if name in dimensions else f"c.{ident(name)}"
        for name in grain
    ]
    never = " OR ".join(
        f"coalesce(c.{ident(name)}, -1) = -1" if name in dimensions else f"c.{ident(name)} IS NULL" for name in grain
    )
    kept = " AND ".join(f"c.{ident(name)} IS NOT NULL" for name in grain if name not in dimensions) or "true"
    return f"""\
DROP TABLE IF EXISTS pg_temp.candidates;
CREATE TEMP TABLE candidates ON COMMIT DROP AS
SELECT {text.names(grain, "g")} FROM {text.relation(contract)} AS g WITH NO DATA;
{candidates}l_lacks := EXISTS (SELECT 1 FROM pg_temp.candidates AS c WHERE {never});
DROP TABLE IF EXISTS pg_temp.touched;
CREATE TEMP TABLE touched ON COMMIT DROP AS
SELECT DISTINCT {", ".join(unknown)} FROM pg_temp.candidates AS c WHERE {kept};
GET DIAGNOSTICS l_keys = ROW_COUNT;
ANALYZE pg_temp.touched;
l_full := coalesce(
    dwh_etl.why_too_many({literal(text.target(contract))}, l_keys, 'keys'),
    dwh_etl.why_costly({literal(text.target(contract))}, l_keys, {literal(json.dumps(found.behind))}::jsonb)
);
"""


def _union(branches: tuple[str, ...]) -> list[str]:
    return [branch + (" UNION ALL" if number < len(branches) else "") for number, branch in enumerate(branches, 1)]


def narrowed(contract: Contract, found: Plan, values: str) -> str:
    """pg_temp.computed for the touched keys. values: what is selected of the query q."""
    grain = contract["grain"]
    keys = text.names(grain, "q")
    never = " OR ".join(f"q.{ident(name)} IS NULL" for name in grain)
    query = Query(contract["query"]).among_standing(contract.get("standing", {}))
    return f"""\
DROP TABLE IF EXISTS pg_temp.computed;
CREATE TEMP TABLE computed ON COMMIT DROP AS
SELECT
{values}
FROM (
{found.narrowed}
) AS q
WHERE ({keys}) IN (SELECT {text.names(grain, "t")} FROM pg_temp.touched AS t);
IF l_lacks THEN  -- a key that is NULL is found by no equation
    INSERT INTO pg_temp.computed
    SELECT
{text.indented(values)}
    FROM (
{query}
    ) AS q
    WHERE {never};
END IF;
"""


def either(by_keys: str, in_full: str) -> str:
    """SQL for a load by keys, and for one in full."""
    return (
        f"IF l_full IS NULL THEN\n{text.indented(by_keys).rstrip()}\nELSE\n{text.indented(in_full).rstrip()}\nEND IF;\n"
    )


def read(contract: Contract) -> str:
    """Each source with its rows, as arguments of jsonb_build_object."""
    sources = Query(contract["query"]).tables()
    return ", ".join(f"{literal(name)}, (SELECT count(*) FROM {ident(*name.split('.'))})" for name in sources)


def is_touched(contract: Contract, alias: str) -> str:
    """A condition: a row of the table has a touched key."""
    return f"EXISTS (SELECT 1 FROM pg_temp.touched AS t WHERE {text.equal(contract['grain'], 't', alias)})"
