"""What people decided, laid over bronze: corrections, rejections, waivers. Bronze itself never changes.

The effective row is the bronze row with its latest correction over it; a rejected row is not taken; a waived rule is
not broken. So a rebuild is a function of bronze, rules and decisions, and nothing else.
"""

from __future__ import annotations

from medallion.compile import text
from medallion.compile.text import Contract
from medallion.naming import ident, literal


def rows(contract: Contract) -> str:
    """The effective rows of a silver table's source but the rejected ones, as a subquery of the function evaluate_…:
    it looks only at corrections of the rows that its arguments name."""
    target = literal(text.target(contract))
    # Asked once, not row by row: nearly always nobody has corrected anything in the batches that are loaded.
    among = f"""
            AND (in_rows IS NULL OR v.bronze_id = ANY (in_rows))
            AND (in_batches IS NULL OR EXISTS (
                SELECT 1 FROM dwh_lineage.corrections AS z
                WHERE z.target = {target} AND z.bronze_id BETWEEN
                    (SELECT min(i.first_bronze_id) FROM dwh_lineage.batches AS i WHERE i.batch_no = ANY (in_batches))
                    AND (SELECT max(i.last_bronze_id) FROM dwh_lineage.batches AS i
                         WHERE i.batch_no = ANY (in_batches))
            ))"""
    return f"""(
    SELECT e.*
    FROM {text.indented(effective(contract, among)).lstrip()} AS e
    WHERE NOT EXISTS (
        SELECT 1 FROM dwh_lineage.quality_exceptions AS x
        WHERE x.target_table = {target} AND x.bronze_id = e._bronze_id AND x.state = 'rejected'
    )
)"""


def effective(contract: Contract, among: str = "") -> str:
    """The effective rows of a silver table's source, as a subquery. `_arrived`: the source's columns of a corrected row
    as they came. among: a condition over v, the corrections that may be there."""
    target, columns = literal(text.target(contract)), contract["source_columns"]
    arrived = f"ARRAY[{', '.join(f'b.{ident(name)}' for name in columns)}]"
    selected = [
        *(f"b.{name}" for name in ("_bronze_id", "_batch_no", "_ingested_at", "_extra")),
        *(_effective(name) for name in columns),
        f"CASE WHEN c.patch IS NOT NULL THEN {arrived} END AS _arrived",
    ]
    return f"""(
    SELECT
{text.lines(selected, 2)}
    FROM {ident("bronze", contract["source"].split(".")[1] + "_rows")} AS b
    LEFT JOIN (
        SELECT v.bronze_id, v.patch FROM dwh_lineage.effective_corrections AS v
        WHERE v.target = {target}{among}
    ) AS c ON c.bronze_id = b._bronze_id
)"""


def _effective(name: str) -> str:
    patched = f"c.patch ->> {literal(name)}"
    return f"CASE WHEN c.patch ? {literal(name)} THEN {patched} ELSE b.{ident(name)} END AS {ident(name)}"


def broken(contract: Contract, warning: list[int]) -> tuple[str, str]:
    """(the broken rules of an evaluated row, those that only warn) but the waived ones. A waiver is of one version of
    its rule: a rule that changes asks anew. Casts, keys and times cannot be waived, and never only warn.

    warning: positions of the rules that warn by their declaration. From a batch on, a person may have said otherwise.
    """
    target, warns = literal(text.target(contract)), f"'{{{','.join(map(str, warning))}}}'::smallint[]"
    # Asked once for the whole statement: nearly always nobody has waived or overridden anything.
    waived = f"EXISTS (SELECT 1 FROM dwh_lineage.waivers AS w WHERE w.target = {target})"
    overridden = f"EXISTS (SELECT 1 FROM dwh_lineage.quality_overrides AS o WHERE o.target = {target})"
    may_warn = f"({overridden} OR j._broken && {warns})" if warning else overridden
    declared = f"p.position = ANY ({warns})" if warning else "false"
    return (
        f"""\
CASE WHEN j._broken IS NULL OR NOT ({waived} OR {may_warn}) THEN j._broken
    ELSE {_of(contract, f"NOT {_warns(contract, declared)}")} END AS _broken""",
        f"""\
CASE WHEN j._broken IS NOT NULL AND {may_warn} THEN {_of(contract, _warns(contract, declared))} END AS _warned""",
    )


def _of(contract: Contract, condition: str) -> str:
    """Those of a row's broken rules that are not waived and for which a condition holds."""
    governs = "j._batch_no BETWEEN coalesce(w.first_batch_no, 0) AND coalesce(w.last_batch_no, j._batch_no)"
    return f"""(
        SELECT array_agg(p.position ORDER BY p.position)
        FROM unnest(j._broken) AS p (position)
        WHERE NOT EXISTS (
            SELECT 1
            FROM dwh_lineage.waivers AS w
            JOIN dwh_lineage.quality_rules AS q ON q.target = w.target AND q.rule = w.rule
                AND q.version = w.rule_version AND q.active AND q.can_be_waived
            WHERE w.target = {literal(text.target(contract))} AND w.withdrawn_by_id IS NULL
                AND q.position = p.position
                AND (w.bronze_id IS NULL OR w.bronze_id = j._bronze_id) AND {governs}
        )
            AND {condition}
    )"""


def _warns(contract: Contract, declared: str) -> str:
    """Whether a rule only warns about a row: what a person said last, before its batch came; else the declaration."""
    return f"""coalesce((
                SELECT o.severity = 'warn'
                FROM dwh_lineage.quality_overrides AS o
                JOIN dwh_lineage.quality_rules AS q ON q.target = o.target AND q.rule = o.name
                    AND q.active AND q.can_be_waived
                WHERE o.target = {literal(text.target(contract))} AND q.position = p.position
                    AND o.first_batch_no <= j._batch_no
                ORDER BY o.id DESC
                LIMIT 1
            ), {declared})"""
