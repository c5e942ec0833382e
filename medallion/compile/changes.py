"""From two contracts, before and after, to the SQL between them, in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from medallion.compile import bronze, gold, references, silver, text
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
    layer = _LAYERS[new["layer"]]
    before, after = _named(target, old), _named(target, new)
    return Change(
        target,
        "change",
        _forget_inputs(before, after) + _without_views(after, layer.replace(before, after, warehouse)) + _images(after),
        _forget_inputs(after, before)
        + _without_views(before, layer.replace(after, before, warehouse))
        + _images(before),
    )


def _removed(layer: ModuleType, contract: Contract) -> str:
    """What takes a table away, with the images that only it has read."""
    removed: str = layer.remove(contract)
    return removed + "".join(f"SELECT dwh_etl.ensure_images({literal(source)});\n" for source in _imaged(contract))


def _images(contract: Contract) -> str:
    """Images have the columns of their table; nothing where nobody reads any."""
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
    return {**contract, "name": target.split(".")[1]}
