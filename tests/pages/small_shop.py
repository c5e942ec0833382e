"""A small warehouse for the pages about tables, without anything behind it; and a large one."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from django.db import connection

from lineage.models import Batch, ColumnLineage, Pending, PipelineRun, TableDependency, Target, TargetInput

SVG = "{http://www.w3.org/2000/svg}"


def empty_warehouse() -> None:
    """Without the tables of the examples, which migrations install."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE dwh_lineage.targets, dwh_lineage.table_dependencies, dwh_lineage.column_lineage CASCADE"
        )


def make_target(name: str, **values: Any) -> Target:
    layer = name.partition(".")[0]
    return Target.objects.create(
        **{"target": name, "layer": layer, "kind": "append", "warehouse": "shop", "rows_relation": name, **values}
    )


def depends(*chain: str) -> None:
    for upstream, downstream in pairwise(chain):
        TableDependency.objects.get_or_create(
            upstream_table=upstream, downstream_table=downstream, defaults={"origin": "declared"}
        )


def make_shop() -> None:
    """till files → bronze.raw_lines → silver.lines → gold.days → a report; one batch waits, ten rows are bad."""
    run = PipelineRun.objects.create(pipeline_name="daily", status="running")
    bronze, silver, gold = (
        make_target("bronze.raw_lines", kind="bronze"),
        make_target("silver.lines", description="One row for each line", contract={"key": ["line_id"]}),
        make_target("gold.days", kind="aggregate", contract={"query": "SELECT day, sum(x)\nFROM silver.lines"}),
    )
    depends("till files", "bronze.raw_lines", "silver.lines", "gold.days", "report of the board")
    for consumer, source in ((silver, bronze), (gold, silver)):
        TargetInput.objects.create(consumer=consumer, source=source)
    taken = _batch(bronze, "ingest", run, source_file="lines_1.csv", rows_inserted=100)
    waiting = _batch(bronze, "ingest", run, source_file="lines_2.csv", rows_inserted=7)
    _batch(silver, "load", run, rows_read=100, rows_inserted=90, rows_deleted=5, rows_rejected=10)
    Pending.objects.create(consumer=silver, batch=waiting)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO dwh_lineage.quality_exceptions (source_table, bronze_id, issues, target_table, batch_no)"
            " SELECT 'bronze.raw_lines', n, '{Amount is required}', 'silver.lines', %s FROM generate_series(1, 10) n",
            [taken.batch_no],
        )
        cursor.execute("CREATE TABLE silver.lines (line_id bigint NOT NULL, note text)")
        cursor.execute("INSERT INTO silver.lines SELECT n, '<b>' || repeat('é', 500) FROM generate_series(1, 30) AS n")
    ColumnLineage.objects.create(
        source_table="bronze.raw_lines",
        source_column="id",
        target_table="silver.lines",
        target_column="line_id",
        transformation="id::bigint",
        is_key=True,
    )


def _batch(target: Target, kind: str, run: PipelineRun, **values: Any) -> Batch:
    return Batch.objects.create(
        **{
            "target": target,
            "kind": kind,
            "batch_id": run.batch_id,
            "opened_in": 1,
            "completed_at": "2026-03-01T12:00:00Z",
            **values,
        }
    )


PICTURE = re.compile(r'<svg xmlns="[^"]+" class="graph.*?</svg>', re.DOTALL)


def svg_of(page: str) -> ElementTree.Element:
    found = PICTURE.search(page)
    assert found
    return ElementTree.fromstring(found[0])  # noqa: S314


def boxes(page: str) -> dict[str, str]:
    """Where each box stands ("translate(x y)"), by what a screen reader says of it."""
    found = {}
    for node in svg_of(page).iter():
        if "node" in node.get("class", "").split():
            link = node if node.tag == f"{SVG}a" else next(iter(node))
            found[link.get("aria-label", "")] = node.get("transform", "")
    return found


def names_in(page: str) -> set[str]:
    return {label.split(",")[0] for label in boxes(page)}


LAYERS = ("bronze", "silver", "gold")


def big_warehouse(tables: int, edges: int) -> None:
    """So many tables of four warehouses, each fed by tables of its own layer or the one before."""
    third = tables // 3
    names = [f"{layer}.wh{number % 4}_table_{number:05}" for layer in LAYERS for number in range(third)]
    names += [f"gold.extra_{number}" for number in range(tables - len(names))]
    Target.objects.bulk_create(
        Target(target=name, layer=name.split(".")[0], kind="append", warehouse=f"wh{at % 4}", rows_relation=name)
        for at, name in enumerate(names)
    )
    chosen = random.Random(7)
    pairs: set[tuple[str, str]] = set()
    while len(pairs) < edges:
        at = chosen.randrange(third, tables)
        near = (at % third) * 0.9 + (at // third - 1) * third if chosen.random() < 0.9 else at - third
        pairs.add((names[max(0, min(int(near + chosen.gauss(0, 3)), at - 1))], names[at]))
    TableDependency.objects.bulk_create(TableDependency(upstream_table=a, downstream_table=b) for a, b in sorted(pairs))
