"""Gold queries of a small grammar, over the tables silver.p1 … silver.p4, which all have the same columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

TABLES = ("p1", "p2", "p3", "p4")
#: id is unique, k is never NULL.
COLUMNS = "id integer PRIMARY KEY, k integer NOT NULL, a integer, b text"

Draw = st.DrawFn


@dataclass(frozen=True)
class Asked:
    """A query with its grain."""

    query: str
    grain: tuple[str, ...]


@dataclass
class Item:
    """Something in FROM. known: its columns that are not made by aggregates; unique: it has an id."""

    alias: str
    sql: str
    known: tuple[str, ...]
    unique: bool
    may_lack: bool = False

    def column(self, draw: Draw, names: str = "ka") -> str:
        return f"{self.alias}.{draw(st.sampled_from(names))}"


@st.composite
def queries(draw: Draw) -> Asked:
    """A query that a gold table may have."""
    ctes: list[str] = []
    kind = draw(st.sampled_from(["grouped", "grouped", "grouped", "distinct", "plain", "union"]))
    if kind == "union":
        sides = [_grouped(draw, ctes, number) for number in (1, 2)]
        asked = Asked("\nUNION ALL\n".join(side.query for side in sides), sides[0].grain)
    elif kind == "plain":
        asked = _plain(draw, ctes)
    else:
        asked = _grouped(draw, ctes, None, distinct=kind == "distinct")
    head = f"WITH {', '.join(ctes)}\n" if ctes else ""
    return Asked(head + asked.query, asked.grain)


def _plain(draw: Draw, ctes: list[str]) -> Asked:
    items, source = _joined(draw, ctes, unique=True)
    keys = [f"coalesce({i.alias}.id, 0)" if i.may_lack else f"{i.alias}.id" for i in items]
    values = ", ".join(f"{item.alias}.{name} AS {item.alias}_{name}" for item in items for name in "ab")
    names = tuple(f"key_{number}" for number, _ in enumerate(keys))
    outputs = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
    return Asked(f"SELECT {outputs}, {values}\nFROM {source}{_where(draw, items, [])}", names)


def _grouped(draw: Draw, ctes: list[str], part: int | None, distinct: bool = False) -> Asked:
    items, source = _joined(draw, ctes)
    keys, needed = [], []
    both = _either_side(items, source)
    if both and draw(st.booleans()):
        keys.append(both)
        needed.append(f"{both} IS NOT NULL")
    for _ in range(draw(st.integers(0 if keys else 1, 2 - len(keys)))):
        item = draw(st.sampled_from(items))
        key, condition = _key(draw, item, items)
        keys.append(key)
        needed += [condition] if condition else []
    names = tuple(f"key_{number}" for number in range(2))
    keys = [*keys, "7"][:2] if part is None else [keys[0], str(part)]
    outputs = ", ".join(f"{key} AS {name}" for key, name in zip(keys, names, strict=True))
    where = _where(draw, items, needed)
    if distinct:
        return Asked(f"SELECT DISTINCT {outputs}\nFROM {source}{where}", names)
    summed = draw(st.sampled_from(items)).column(draw)
    counted = draw(st.sampled_from(items)).column(draw, "kab")
    having = draw(st.sampled_from(["", "", "\nHAVING count(*) > 1", f"\nHAVING sum({summed}) > 0"]))
    by = draw(st.sampled_from(["1, 2", ", ".join(key for key in keys if not key.isdigit())]))
    return Asked(
        f"SELECT {outputs}, count(*) AS rows, count({counted}) AS filled, sum({summed}) AS total\n"
        f"FROM {source}{where}\nGROUP BY {by}{having}",
        names,
    )


@st.composite
def sums(draw: Draw) -> Asked:
    """A query whose counts and sums are kept by arithmetic."""
    items = [Item("t0", f"silver.{draw(st.sampled_from(TABLES))}", ("id", "k", "a", "b"), True)]
    source = f"{items[0].sql} AS t0"
    for number in range(1, draw(st.sampled_from([1, 2, 2, 3]))):
        item = Item(f"t{number}", f"silver.{draw(st.sampled_from(TABLES))}", ("id", "k", "a", "b"), True)
        other = draw(st.sampled_from(items))
        source += f"\n{draw(st.sampled_from(['JOIN', 'JOIN', 'LEFT JOIN']))} {item.sql} AS {item.alias} "
        source += f"ON {other.column(draw)} = {item.column(draw)}"
        source += draw(st.sampled_from(["", "", f" AND {_condition(draw, [item])}"]))
        items.append(item)
    keys, needed = zip(*(_key(draw, draw(st.sampled_from(items)), items) for _ in range(2)), strict=True)
    outputs = ", ".join(f"{key} AS key_{number}" for number, key in enumerate(keys))
    values = ", ".join(f"{_sum(draw, items)} AS value_{number}" for number in range(3))
    where = _where(draw, items, [condition for condition in needed if condition])
    return Asked(f"SELECT {outputs}, {values}\nFROM {source}{where}\nGROUP BY 1, 2", ("key_0", "key_1"))


def _sum(draw: Draw, items: list[Item]) -> str:
    """A number made of counts and sums."""
    one, other = draw(st.sampled_from(items)).column(draw), draw(st.sampled_from(items)).column(draw)
    text = f"{draw(st.sampled_from(items)).alias}.b"
    return draw(
        st.sampled_from(
            [
                "count(*)",
                f"count({text})",
                f"sum({one})",
                f"sum({one} * {other})",
                f"sum({one} + 0.5)::numeric(8, 1)",
                f"sum(CASE WHEN {text} = 'x' THEN {one} END)",
                f"sum({one}) FILTER (WHERE {text} IS NULL)",
                f"count(*) FILTER (WHERE {other} > 0)",
                f"coalesce(sum({one}), 0) - count({other})",
            ]
        )
    )


def _either_side(items: list[Item], source: str) -> str | None:
    """What a full join of two tables joins by, from the side that has it."""
    if len(items) != 2 or "FULL JOIN" not in source.split("\n")[-1]:
        return None
    one, other = source.rsplit(" ON ", 1)[1].split(" = ")
    known = all(column.split(".")[1] in item.known for column, item in zip((one, other), items, strict=True))
    return f"coalesce({one}, {other})" if known else None


def _key(draw: Draw, item: Item, items: list[Item]) -> tuple[str, str | None]:
    """An expression that is never NULL, where a condition holds."""
    name = draw(st.sampled_from([n for n in item.known if n in "ka"]))
    column = f"{item.alias}.{name}"
    other = draw(st.sampled_from(items))
    choices: list[tuple[str, str | None]] = [
        (column, f"{column} IS NOT NULL"),
        (f"coalesce({column}, -1)", None),
        (f"CASE WHEN {column} IS NULL THEN 0 ELSE 1 END", None),
    ]
    if "k" in other.known and other is not item:
        choices.append((f"coalesce({column}, {other.alias}.k, -2)", None))
        choices.append((f"coalesce({column} + {other.alias}.k, -2)", None))
    return draw(st.sampled_from(choices))


def _joined(draw: Draw, ctes: list[str], unique: bool = False) -> tuple[list[Item], str]:
    items = [_item(draw, ctes, "t0", unique)]
    source = f"{items[0].sql} AS t0"
    for number in range(1, draw(st.integers(1, 4))):
        item = _item(draw, ctes, f"t{number}", unique)
        join = draw(st.sampled_from(["JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]))
        item.may_lack = join in ("LEFT JOIN", "FULL JOIN")
        for before in items:
            before.may_lack = before.may_lack or join in ("RIGHT JOIN", "FULL JOIN")
        other = draw(st.sampled_from(items))
        on = f"{other.column(draw)} = {item.column(draw)}"
        if join != "FULL JOIN":  # PostgreSQL joins those by equations alone
            on += draw(st.sampled_from(["", "", f" AND {_condition(draw, [item])}", f" AND {_condition(draw, items)}"]))
        source += f"\n{join} {item.sql} AS {item.alias} ON {on}"
        items.append(item)
    return items, source


def _item(draw: Draw, ctes: list[str], alias: str, unique: bool) -> Item:
    table = f"silver.{draw(st.sampled_from(TABLES))}"
    kind = draw(st.sampled_from(["table", "table", "table", "filtered", "summed", "union", "cte", "joined"]))
    if (kind in ("table", "joined") and unique) or kind == "table":
        return Item(alias, table, ("id", "k", "a", "b"), True)
    if kind == "filtered" or unique:
        inner = f"SELECT x.id, x.k, x.a, x.b FROM {table} AS x WHERE {_condition(draw, [Item('x', '', (), True)])}"
        return _maybe_cte(draw, ctes, Item(alias, f"({inner})", ("id", "k", "a", "b"), True), kind == "cte")
    other = f"silver.{draw(st.sampled_from(TABLES))}"
    if kind == "summed":
        inner = f"SELECT x.k, sum(x.a) AS a, max(x.b) AS b FROM {table} AS x GROUP BY x.k"
        return _maybe_cte(draw, ctes, Item(alias, f"({inner})", ("k",), False), draw(st.booleans()))
    if kind == "joined":
        side = draw(st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN"]))
        inner = (
            f"SELECT coalesce(x.k, -3) AS k, y.a, count(*)::text AS b FROM {table} AS x "
            f"{side} {other} AS y ON x.k = y.k AND y.b IS NOT NULL GROUP BY x.k, y.a"
        )
        return Item(alias, f"({inner})", ("k", "a"), False)
    inner = f"SELECT x.k, x.a, x.b FROM {table} AS x UNION ALL SELECT y.k, y.k, y.b FROM {other} AS y WHERE y.a > 0"
    return _maybe_cte(draw, ctes, Item(alias, f"({inner})", ("k", "a", "b"), False), kind == "cte")


def _maybe_cte(draw: Draw, ctes: list[str], item: Item, wanted: bool) -> Item:
    if not wanted:
        return item
    name = f"c{len(ctes)}"
    ctes.append(f"{name} AS {item.sql}")
    item.sql = name
    return item


def _where(draw: Draw, items: list[Item], needed: list[str]) -> str:
    conditions = [*needed, *(_condition(draw, items) for _ in range(draw(st.sampled_from([0, 0, 1, 2]))))]
    return f"\nWHERE {' AND '.join(conditions)}" if conditions else ""


def _condition(draw: Draw, items: list[Item]) -> str:
    one, other = draw(st.sampled_from(items)), draw(st.sampled_from(items))
    return draw(
        st.sampled_from(
            [
                f"{one.alias}.a IS NULL",
                f"{one.alias}.a IS NOT NULL",
                f"{one.alias}.b = 'x'",
                f"coalesce({one.alias}.b, 'y') <> 'x'",
                f"{one.alias}.a > {other.alias}.k",
                f"({one.alias}.a = 1 OR {other.alias}.b IS NULL)",
                f"NOT ({one.alias}.k = 1 AND {other.alias}.a IS NOT NULL)",
                f"{one.alias}.a IS DISTINCT FROM {other.alias}.k",
            ]
        )
    )


@st.composite
def changes(draw: Draw) -> list[tuple[str, str, tuple[Any, ...]]]:
    """Statements upon the tables: (table, SQL, parameters)."""
    found = []
    for _ in range(draw(st.integers(2, 5))):
        table = draw(st.sampled_from(TABLES))
        k, other = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        a, b = draw(VALUES), draw(TEXTS)
        statement, parameters = draw(
            st.sampled_from(
                [
                    (
                        "INSERT INTO silver.{} SELECT max(id) + 1, %s, %s, %s FROM silver.{} HAVING count(*) > 0",
                        (k, a, b),
                    ),
                    ("UPDATE silver.{} SET k = %s, a = %s WHERE k = %s", (k, a, other)),
                    ("UPDATE silver.{} SET b = %s WHERE a IS NOT DISTINCT FROM %s", (b, a)),
                    ("UPDATE silver.{} SET a = NULL WHERE id %% 3 = %s", (k,)),
                    ("DELETE FROM silver.{} WHERE k = %s", (k,)),
                    ("DELETE FROM silver.{} WHERE id %% 4 = %s", (k,)),
                ]
            )
        )
        found.append((table, statement.format(table, table), parameters))
    return found


VALUES = st.sampled_from([None, 0, 1, 2])
TEXTS = st.sampled_from([None, "x", "y"])
#: What a table has at first: (k, a, b) of each row.
CONTENTS = st.lists(st.tuples(st.integers(0, 2), VALUES, TEXTS), min_size=2, max_size=6)
