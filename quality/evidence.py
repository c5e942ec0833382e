"""One exception as a person reads it: its raw row, and which cells break which rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from lineage.models import Batch, ColumnLineage, Target
from quality.models import ExceptionBreach, QualityException


@dataclass
class Cell:
    """A column of the raw row. A value of None is an absent one; messages say what is wrong with it."""

    column: str
    value: str | None
    messages: list[str] = field(default_factory=list)
    proposed: str | None = None  # as its corrections have it by now

    @property
    def has_lines(self) -> bool:
        """Whether an input of one line would change the text."""
        return "\n" in (self.proposed or "") or "\r" in (self.proposed or "")


def raw_cells(
    exception: QualityException, breaches: Sequence[ExceptionBreach], patch: Mapping[str, str | None] | None = None
) -> list[Cell]:
    """The raw row in the order of its file, each breach at the cells that its column is made of. One query."""
    data = exception.source_data or {}
    declared = exception.target_table.contract.get("source_columns", [])
    in_order = [name for name in declared if name in data] + [name for name in data if name not in declared]
    cells = {name: Cell(name, None if data[name] is None else str(data[name])) for name in in_order}
    for cell in cells.values():
        cell.proposed = (patch or {}).get(cell.column, cell.value)
    sources = source_columns(exception.target_table, exception.source_table)
    for breach in breaches:
        if breach.column_name is None:
            continue
        own = [breach.column_name] if breach.column_name in cells else []
        for column in sources.get(breach.column_name, own):
            if column in cells:
                cells[column].messages.append(breach.message)
    return list(cells.values())


def source_columns(target: Target, source: str) -> dict[str, list[str]]:
    """Which columns of the raw row each column of the target is made of, as the declaration says. One query."""
    edges = ColumnLineage.objects.filter(
        target_table=target.pk, source_table=source, lineage=None, kind="DIRECT", origin="declared"
    ).values_list("target_column", "source_column")
    found: dict[str, list[str]] = {}
    for column, origin in edges:
        found.setdefault(column, []).append(origin)
    # The column that says since when a version holds is stored as valid_from.
    if (effective := target.contract.get("effective")) and "valid_from" in found:
        found.setdefault(effective, found["valid_from"])
    return found


def origins(exception: QualityException) -> list[Batch]:
    """The batch that brought the bronze row, by the range of ids that each batch wrote. Ranges of batches that were
    written at the same moment may overlap: then all that may have brought it, the earliest first."""
    return list(
        Batch.objects.filter(
            Q(last_bronze_id__gte=exception.bronze_id) | Q(last_bronze_id=None),
            target=exception.source_table,
            kind__in=(Batch.Kind.INGEST, Batch.Kind.FOREIGN),
            first_bronze_id__lt=exception.bronze_id,
        ).order_by("batch_no")[:5]
    )
