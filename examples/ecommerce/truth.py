"""What a warehouse must make of the files, worked out from the files alone, by plain Python and rules written a second
time: it shares no line with the warehouse, so that it does not share its mistakes.

Reads each file once; good events go to partitions on disk by their key, so memory does not grow with the files.
"""

from __future__ import annotations

import csv
import itertools
import json
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ecommerce.judges import JUDGES, Event, Judge

PARTITION_BYTES = 8 * 1024 * 1024


@dataclass
class Truth:
    """The counts; the rows themselves stand in `truth/*.csv`."""

    files: int = 0
    bronze_rows: Counter[str] = field(default_factory=Counter)
    unreadable_lines: Counter[str] = field(default_factory=Counter)
    #: Rows that became exceptions, by silver table; broken rules, by table and rule.
    exceptions: Counter[str] = field(default_factory=Counter)
    breaches: Counter[str] = field(default_factory=Counter)
    silver_rows: Counter[str] = field(default_factory=Counter)
    current_rows: Counter[str] = field(default_factory=Counter)
    #: Current rows that refer to a key that silver has never had, by table.
    orphans: Counter[str] = field(default_factory=Counter)
    #: What the generator did on purpose, by kind.
    planted: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """Rows that land in bronze."""
        return sum(self.bronze_rows.values())

    def as_json(self) -> str:
        """The counts as a JSON object."""
        return json.dumps(vars(self), indent=2, sort_keys=True) + "\n"


def write(folder: Path, planted: Counter[str]) -> Truth:
    """Reads the files under `folder` and writes `truth.json`, `truth/silver.<table>.csv` (all versions: key, values,
    valid_from, valid_to) and `truth/exceptions.csv` (table, file, record number, broken rules)."""
    found = Truth(planted=planted)
    (folder / "truth").mkdir(exist_ok=True)
    size = sum(path.stat().st_size for judge in JUDGES for path in judge.files(folder))
    with tempfile.TemporaryDirectory() as work:
        partitions = _Partitions(Path(work), 1 + size // PARTITION_BYTES)
        with (folder / "truth" / "exceptions.csv").open("w", encoding="utf-8", newline="") as file:
            exceptions = csv.writer(file, lineterminator="\n")
            exceptions.writerow(("table", "file", "record", "rules"))
            for judge in JUDGES:
                with ExitStack() as stack:
                    partitions.scatter(stack, judge.table, _good(folder, judge, found, exceptions))
        for judge in JUDGES:
            _versions(folder, judge, partitions, found)
        for judge in JUDGES:
            if judge.refers_to:
                found.orphans[judge.table] = partitions.orphans(judge.table, judge.refers_to)
    (folder / "truth.json").write_text(found.as_json(), encoding="utf-8")
    return found


def _good(folder: Path, judge: Judge, found: Truth, exceptions: Any) -> Iterator[tuple[str, list[str]]]:
    """(partition key, event as text) of each row that breaks no rule."""
    for path in judge.files(folder):
        name = path.relative_to(folder).as_posix()
        found.files += 1
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            header = next(reader)
            for number, cells in enumerate(reader, 1):
                if len(cells) != len(header):
                    found.unreadable_lines[name] += 1
                    continue
                found.bronze_rows[judge.feed] += 1
                event, broken = judge.judge(dict(zip(header, cells, strict=True)))
                if event is None:
                    found.exceptions[judge.table] += 1
                    found.breaches.update(f"{judge.table} {rule}" for rule in broken)
                    exceptions.writerow((judge.table, name, number, " ".join(broken)))
                else:
                    yield event.key[0], event.as_cells(name, number)


def _versions(folder: Path, judge: Judge, partitions: _Partitions, found: Truth) -> None:
    """Folds each key's events into its versions."""
    path = folder / "truth" / f"silver.{judge.table}.csv"
    with path.open("w", encoding="utf-8", newline="") as file, closing(partitions):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow((*judge.key, *judge.values, "valid_from", "valid_to"))
        for rows in partitions.gather(judge.table):
            events = sorted(Event.from_cells(row, len(judge.key)) for row in rows)
            for key, group in itertools.groupby(events, key=lambda event: event.key):
                for values, begin, end in _fold(group, judge):
                    writer.writerow((*key, *values, begin, end or ""))
                    found.silver_rows[judge.table] += 1
                    found.current_rows[judge.table] += end is None
                    partitions.note(f"{judge.table}.known", key[0])
                    if end is None and judge.refers_to:
                        partitions.note(f"{judge.table}.refers", judge.reference(key, values))


def _fold(events: Iterable[Event], judge: Judge) -> Iterator[tuple[tuple[str, ...], str, str | None]]:
    """(values, valid from, valid to) of one key's events, which are in order; the last of one moment counts."""
    values: tuple[str, ...] | None = None
    begin = ""
    for moment, group in itertools.groupby(events, key=lambda event: event.moment):
        *_, last = group
        following = None if last.deleted else last.values
        same = values is not None and following is not None and judge.same(values) == judge.same(following)
        if same or values is following is None:
            continue
        if values is not None:
            yield values, begin, moment
        values, begin = following, moment
    if values is not None:
        yield values, begin, None


class _Partitions:
    """Rows on disk, those of one key together."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self._noted: dict[Path, IO[str]] = {}

    def scatter(self, stack: ExitStack, name: str, rows: Iterable[tuple[str, list[str]]]) -> None:
        files = [stack.enter_context(path.open("w", encoding="utf-8", newline="")) for path in self._paths(name)]
        writers = [csv.writer(file, lineterminator="\n") for file in files]
        for key, row in rows:
            writers[self._place(key)].writerow(row)

    def gather(self, name: str) -> Iterator[list[list[str]]]:
        for path in self._paths(name):
            with path.open(encoding="utf-8", newline="") as file:
                yield list(csv.reader(file))

    def note(self, name: str, key: str) -> None:
        """Keeps a key under a name, until `close` and beyond."""
        path = self._paths(name)[self._place(key)]
        if path not in self._noted:
            self._noted[path] = path.open("w", encoding="utf-8")
        self._noted[path].write(f"{key}\n")

    def orphans(self, table: str, refers_to: str) -> int:
        """How many noted references lead nowhere."""
        count = 0
        for known, refers in zip(self._paths(f"{refers_to}.known"), self._paths(f"{table}.refers"), strict=True):
            keys = set(known.read_text().split()) if known.exists() else set()
            count += sum(key not in keys for key in (refers.read_text().split() if refers.exists() else ()))
        return count

    def close(self) -> None:
        for file in self._noted.values():
            file.close()
        self._noted = {}

    def _paths(self, name: str) -> list[Path]:
        return [self.folder / f"{name}.{number}" for number in range(self.count)]

    def _place(self, key: str) -> int:
        return zlib.crc32(key.encode()) % self.count
