"""A file of exceptions that comes back with corrected cells: what it would change, and what of it is refused."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from lineage.exporting import escaped
from lineage.models import Target
from quality.exporting import ABOUT, effective, fingerprint, unescaped, with_patches
from quality.models import QualityException
from quality.resolution import DecisionRefused
from quality.states import ExceptionState

MOST_BYTES = 10_000_000
MOST_LINES = 100_000
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Change:
    """A cell that is another than the one that went out; None: no value."""

    exception: int
    column: str
    was: str | None
    becomes: str | None


@dataclass
class Difference:
    """What a file would change: a patch for each row, and the lines that are refused, with the reason."""

    target: str = ""
    changes: list[Change] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    unchanged: int = 0

    @property
    def patches(self) -> dict[int, dict[str, str | None]]:
        found: dict[int, dict[str, str | None]] = {}
        for change in self.changes:
            found.setdefault(change.exception, {})[change.column] = change.becomes
        return found

    @property
    def seen(self) -> str:
        """A fingerprint of what it would change: what is confirmed is what was shown."""
        return hashlib.sha256(json.dumps([self.target, self.patches]).encode()).hexdigest()[:16]


def difference(content: bytes) -> Difference:
    """Compares a file with the exceptions as they are now; writes nothing. A cell that was emptied removes the value.

    Raises DecisionRefused where it is no file that was exported, or is larger than MOST_BYTES or MOST_LINES.
    """
    header, lines = _read(content)
    found = Difference()
    columns = [unescaped(name) for name in header[len(ABOUT) :]]
    seen: set[int] = set()
    for chunk in _chunks(lines):
        numbers = [_number(cells[0]) for _, cells in chunk if cells]
        rows = with_patches(QualityException.objects.filter(pk__in=[n for n in numbers if n])).select_related(
            "target_table"
        )
        known = {row.pk: row for row in rows}
        for line, cells in chunk:
            number = _number(cells[0])
            wrong = _wrong(cells, len(header), known.get(number), number in seen, found)
            if wrong:
                found.refused.append((line, wrong))
                continue
            seen.add(number)
            _compare(found, line, known[number], columns, cells[len(ABOUT) :])
    return found


def _read(content: bytes) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    if len(content) > MOST_BYTES:
        raise DecisionRefused(f"The file has more than {MOST_BYTES:,} bytes.", "Bring it back in parts.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DecisionRefused("The file is not UTF-8.", "Save it as “CSV UTF-8”.") from None
    separator = ";" if text.startswith(";".join(ABOUT)) else ","  # spreadsheets of many countries write the other one
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines = _numbered(reader)
    _, header = next(lines, (0, []))
    columns = header[len(ABOUT) :]
    if tuple(header[: len(ABOUT)]) != ABOUT or len(set(columns)) != len(columns):
        raise DecisionRefused("This is no file of exceptions.", f"Its first columns have to be: {', '.join(ABOUT)}.")
    return header, lines


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    line = 0
    try:
        for cells in reader:
            line += 1
            if line > MOST_LINES + 1:
                raise DecisionRefused(f"The file has more than {MOST_LINES:,} rows.", "Bring it back in parts.")
            if cells:
                yield line, cells
    except csv.Error as error:
        raise DecisionRefused(f"Record {line + 1} is not CSV: {error}.", "Export the rows again.") from None


def _chunks(lines: Iterator[tuple[int, list[str]]]) -> Iterator[list[tuple[int, list[str]]]]:
    chunk: list[tuple[int, list[str]]] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _number(cell: str) -> int:
    """The id of an exception; 0, which none has, for what is no number."""
    return int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 19 else 0


def _wrong(cells: list[str], width: int, row: QualityException | None, twice: bool, found: Difference) -> str:
    if len(cells) != width:
        return f"it has {len(cells)} cells, not {width}"
    if any("\0" in cell for cell in cells):
        return "it has a NUL character, which no text can hold"
    if row is None:
        return "there is no such exception"
    if twice:
        return "the exception is in the file already"
    if row.state != ExceptionState.OPEN:
        return f"it is not open any more: {row.state}"
    if fingerprint(effective(row.source_data, row.lies_over)) != cells[1]:  # type: ignore[attr-defined]
        return "it has been changed since it was exported"
    found.target = found.target or row.target_table_id
    return "" if found.target == row.target_table_id else f"it is of another table than the first: {found.target}"


def _compare(found: Difference, line: int, row: QualityException, columns: list[str], cells: list[str]) -> None:
    """Notes each cell that differs. All cells of a line are refused together: half a correction is none."""
    now = effective(row.source_data, row.lies_over)  # type: ignore[attr-defined]
    declared = _columns(row.target_table)
    changes = []
    for column, cell in zip(columns, cells, strict=True):
        was = now.get(column)
        if cell == escaped(was) or unescaped(cell) == (was or ""):
            continue
        if column not in declared:
            found.refused.append((line, f"{column} is no column of the source"))
            return
        changes.append(Change(row.pk, column, was, unescaped(cell) if cell else None))
    found.changes += changes
    found.unchanged += not changes


def _columns(target: Target) -> set[str]:
    return set(target.contract.get("source_columns", []))
