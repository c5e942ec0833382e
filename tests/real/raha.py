"""How many wrong cells the rules catch, and how many right ones they accuse: raha's dirty tables against clean ones."""

from __future__ import annotations

import csv
from dataclasses import dataclass

from tests.real.conftest import DATA, Taken


@dataclass(frozen=True)
class Score:
    """Cells of one table, or of one column of it."""

    table: str
    column: str
    cells: int
    wrong: int
    accused: int
    caught: int

    @property
    def precision(self) -> float | None:
        """Of the accused cells, how many are wrong; None where none is accused."""
        return self.caught / self.accused if self.accused else None

    @property
    def recall(self) -> float | None:
        """Of the wrong cells, how many are accused; None where none is wrong."""
        return self.caught / self.wrong if self.wrong else None

    def line(self) -> str:
        """A row of the table in docs/explanation/real-data.md."""
        shares = (f"{share:.1%}" if share is not None else "–" for share in (self.precision, self.recall))
        counts = (f"{count:,}" for count in (self.cells, self.wrong, self.accused, self.caught))
        return f"| {' | '.join((self.table, self.column, *counts, *shares))} |"


def scores(taken: Taken, table: str) -> list[Score]:
    """Of a set (`beers`, `flights`): all its cells, then each column in which a cell is wrong or accused."""
    clean, dirty = (_cells(table, name) for name in ("clean", "dirty"))
    names = [column.name for column in taken.declared.tables[f"bronze.raw_{table}"].bronze_columns()]  # type: ignore[attr-defined]
    wrong = {
        (number, name)
        for number, (good, bad) in enumerate(zip(clean, dirty, strict=True), 1)
        for name, right, found in zip(names, good, bad, strict=True)
        if right != found
    }
    accused = {
        (number, rule.split(":")[0])
        for (_, number), rules in taken.broken(f"silver.real_{table}").items()
        for rule in rules
    }
    found = [_score(table, "all", len(dirty) * len(names), wrong, accused)]
    for name in names:
        of_column = [{cell for cell in cells if cell[1] == name} for cells in (wrong, accused)]
        if any(of_column):
            found.append(_score(table, name, len(dirty), *of_column))
    return found


def _score(table: str, column: str, cells: int, wrong: set[tuple[int, str]], accused: set[tuple[int, str]]) -> Score:
    return Score(table, column, cells, len(wrong), len(accused), len(wrong & accused))


def _cells(table: str, name: str) -> list[list[str]]:
    with (DATA / "raha" / table / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]
