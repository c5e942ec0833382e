"""From two contracts, before and after, to the SQL between them, in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from medallion.compile import bronze, by_keys, gold, references, renames, silver, text
from medallion.compile.text import Contract
from medallion.naming import literal
from medallion.query import Query

_LAYERS: dict[str, ModuleType] = {"bronze": bronze, "silver": silver, "gold": gold}


@dataclass(frozen=True)
class Change:
    """What a migration does to one table, as SQL: forward and backward."""

    target: str
    verb: str
    forward: str
    backward: str


def inputs(contract: Contract) -> list[str]:
    """The tables whose batches a table takes."""
    if contract["kind"] == "calendar":
        return []
    if contract["layer"] == "gold":
        return Query(contract["query"]).tables()
    return [contract["source"], *references.parents(contract)] if contract["layer"] == "silver" else []


def create(target: str, new: Contract, warehouse: str) -> Change:
    """A table that was not there."""
    layer = _LAYERS[new["layer"]]
    named = _named(target, new)
    return Change(target, "create", layer.create(named, warehouse), _removed(layer, named))


def remove(target: str, old: Contract, warehouse: str) -> Change:
    """A table that is declared no more."""
    layer = _LAYERS[old["layer"]]
    named = _named(target, old)
    return Change(target, "remove", _removed(layer, named), layer.create(named, warehouse))


def replace(target: str, old: Contract, new: Contract, warehouse: str) -> Change:
    """A table that is declared otherwise."""
    names = renames.between(old, new)
    before, after = _named(target, old), _named(target, new)
    forward = _replaced(before, after, names, warehouse)
    return Change(target, "change", forward, _replaced(after, before, renames.reversed_names(names), warehouse))


def consequence(old: Contract, new: Contract) -> str:
    """What a new declaration means for the rows of an installed table: it is made `anew`, or the next run is a
    `rebuild`; empty, where nothing is computed."""
    if new["layer"] == "bronze" or new["kind"] == old["kind"] == "calendar":
        return ""
    taken = renames.renamed(old, new, renames.between(old, new))
    return str(_LAYERS[new["layer"]].consequence(taken, renames.settled(new)))


def replace_with_inputs(target: str, old: Contract, new: Contract, warehouse: str) -> tuple[Change, Change]:
    """As `replace`, for a table whose inputs lose columns in the same migration: what goes before their changes, and
    what goes after them.

    Going back, a migration undoes its last change first; but the old table fits the old inputs alone. So its way back
    belongs to the first part. A materialized view, which holds on to the columns that it reads, is not there meanwhile.
    """
    before, after = _named(target, old), _named(target, new)
    if "materialized_view" in (old["kind"], new["kind"]):
        return (
            Change(target, "prepare", gold.take_away(before), gold.put(before, warehouse)),
            Change(target, "change", _forget_inputs(before, after) + gold.put(after, warehouse),
                   _forget_inputs(after, before) + gold.take_away(after)),
        )  # fmt: skip
    whole = replace(target, old, new, warehouse)
    return (
        Change(target, "prepare", f"-- Nothing: {target}.sql changes the table.\n", whole.backward),
        Change(target, "change", whole.forward, f"-- Nothing: {target}.prepare.down.sql changes the table back.\n"),
    )


def binds(reader: Contract, old: Contract, new: Contract) -> bool:
    """Whether a table that changes together with an input cannot just be changed after it: forward or backward, one of
    them would read columns of the other's that are not there."""
    lost, come = renames.lost(old, new), renames.lost(new, old)
    if new["layer"] == "bronze":  # whose columns stay, but for those that are renamed
        return bool(renames.between(old, new))
    return lost or (come and reader["kind"] == "materialized_view")


def _replaced(old: Contract, new: Contract, names: renames.Names, warehouse: str) -> str:
    """One direction. Names change first, outside of what sets views aside: a view follows a column to its new name."""
    taken = renames.renamed(old, new, names)
    changed = _without_views(new, _LAYERS[new["layer"]].replace(taken, new, warehouse))
    named = renames.statements(old, new, names) + renames.retitled(taken, new)
    return named + _forget_inputs(taken, new) + changed + _images(new)


def _removed(layer: ModuleType, contract: Contract) -> str:
    """What takes a table away, with its images and those that only it has read."""
    removed: str = layer.remove(contract)
    own = [text.target(contract)] if contract["layer"] == "gold" and contract["kind"] in by_keys.WRITTEN else []
    imaged = [*_imaged(contract), *own]
    return removed + "".join(f"SELECT dwh_etl.ensure_images({literal(target)});\n" for target in imaged)


def _images(contract: Contract) -> str:
    """Images have the columns of their table; nothing where none are kept."""
    return f"SELECT dwh_etl.ensure_images({literal(text.target(contract))});\n" if contract["layer"] != "bronze" else ""


def _imaged(contract: Contract) -> list[str]:
    return inputs(contract) if contract["layer"] == "gold" else []


def _without_views(contract: Contract, sql: str) -> str:
    """What alters a table, with the materialized views that read it set aside meanwhile."""
    if contract["layer"] == "bronze" or contract["kind"] == "materialized_view":
        return sql
    return f"CALL dwh_etl.set_views_aside({literal(text.relation(contract))});\n{sql}\nCALL dwh_etl.put_views_back();\n"


def _forget_inputs(old: Contract, new: Contract) -> str:
    """Takes no more batches of tables that the new declaration does not read."""
    return "".join(
        f"SELECT dwh_lineage.unregister_input({literal(text.target(new))}, {literal(source)});\n"
        + (f"SELECT dwh_etl.ensure_images({literal(source)});\n" if source in _imaged(old) else "")
        for source in inputs(old)
        if source not in inputs(new)
    )


def _named(target: str, contract: Contract) -> Contract:
    return {**renames.settled(contract), "name": target.split(".")[1]}
