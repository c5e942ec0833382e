"""What happened: targets, the ledger of batches, runs with their steps, and the edges between tables and columns.

All tables stand in the schema `dwh_lineage`. Columns that the guide names keep its names. Defaults are the
database's own (`db_default`), because routines written in SQL insert here too.
"""

from __future__ import annotations

from lineage.models.backfills import Backfill, BackfillChange, BackfillTime
from lineage.models.code import CodeVersion
from lineage.models.edges import ColumnLineage, TableDependency, TableLineage
from lineage.models.ledger import (
    Batch,
    BatchInput,
    DroppedPartition,
    Pending,
    Pool,
    Skip,
    Target,
    TargetInput,
    Watermark,
    WatermarkMove,
)
from lineage.models.notifications import Delivery, Notification
from lineage.models.operation import Intervention, PipelineTotal, TargetTotal, Worker
from lineage.models.runs import Attempt, Lease, PipelineRun, Step
from lineage.models.scopes import GroupScope
from lineage.models.ticks import Tick

__all__ = [
    "Attempt",
    "Backfill",
    "BackfillChange",
    "BackfillTime",
    "Batch",
    "BatchInput",
    "CodeVersion",
    "ColumnLineage",
    "Delivery",
    "DroppedPartition",
    "GroupScope",
    "Intervention",
    "Lease",
    "Notification",
    "Pending",
    "PipelineRun",
    "PipelineTotal",
    "Pool",
    "Skip",
    "Step",
    "TableDependency",
    "TableLineage",
    "Target",
    "TargetInput",
    "TargetTotal",
    "Tick",
    "Watermark",
    "WatermarkMove",
    "Worker",
]
