"""Silver tables: what append and SCD2 tables share."""

from __future__ import annotations

from medallion.compile import (
    append,
    checks,
    constraints,
    evaluate,
    gates,
    horizon,
    late,
    references,
    scd1,
    scd2,
    stated,
    text,
)
from medallion.compile.lineage import silver_columns
from medallion.compile.text import Contract
from medallion.naming import ident, literal

#: What changes nothing about the rows: texts for people, raw columns that only exceptions show, gates, indexes,
#: routines of the user's own.
PRESENTATION = ("description", "domain", "about", "source_columns", "max_rejected", "checks", "often_late", "routines")


def create(contract: Contract, warehouse: str) -> str:
    """The table with its routines, rules and lineage."""
    return f"""\
{_history(contract).create_table(contract)}{late.create(contract)}
{routines(contract)}
{metadata(contract, warehouse)}"""


def routines(contract: Contract) -> str:
    """Evaluation, load, rebuild and the accounting of each row."""
    return "\n".join(
        [
            evaluate.create_function(contract),
            *_history(contract).routines(contract),
            *gates.evidence(contract),
            *checks.routine(contract),
        ]
    )


def metadata(contract: Contract, warehouse: str) -> str:
    """The table's rows in targets, quality_rules, column_lineage and among the consumers of its source; and what was
    written by hand for it, which may call all that."""
    registered = text.register(
        contract,
        warehouse,
        text.relation(contract),
        {
            "load_routine": text.routine(contract, "load"),
            "rebuild_routine": text.routine(contract, "rebuild"),
            "replay_routine": text.routine(contract, "replay"),
            "outcomes_routine": text.routine(contract, "outcomes"),
        },
    )
    return "\n".join(
        [
            registered,
            stated.stated(contract, evaluate.rules(contract)),
            text.inputs(contract, [contract["source"], *references.parents(contract)]),
            silver_columns(contract),
            *text.handwritten(contract),
        ]
    )


def replace(old: Contract, new: Contract, warehouse: str) -> str:
    """What a new declaration changes. Where rows may come out differently, the next run rebuilds the table."""
    if consequence(old, new) == "anew":
        moved = _forget_exceptions(old) if old["source"] != new["source"] else []
        return "\n".join([_refuse_if_frozen(old), *moved, _drop(old), _history(new).create_table(new),
                          late.create(new), routines(new), metadata(new, warehouse), _needs_rebuild(new),
                          _without_horizon(new)])  # fmt: skip
    gone, come = constraints.changes(old, new)
    indexes_gone, indexes_come = late.changes(old, new)
    changes = [*_refounded(old, new), indexes_gone, *gone, *_columns(old, new), *come, indexes_come]
    changed = consequence(old, new) == "rebuild"
    pieces = [*changes, _drop_routines(old), routines(new), metadata(new, warehouse)]
    # A rebuild writes no row because of what PostgreSQL generates, so the readers of that would hear of nothing.
    told = [_readers_need_rebuild(new)] if old.get("generated") != new.get("generated") else []
    return "\n".join([*pieces, *told, _needs_rebuild(new)] if changed else pieces)


def consequence(old: Contract, new: Contract) -> str:
    """What a new declaration means for the rows: the table is made `anew`, the next run is a `rebuild`, or nothing."""
    if _shape(old) != _shape(new):
        return "anew"
    asked = [{name: value for name, value in one.items() if name not in PRESENTATION} for one in (old, new)]
    return "" if asked[0] == asked[1] else "rebuild"


def _forget_exceptions(contract: Contract) -> list[str]:
    """Of a table that takes another source from now on: the numbers of its exceptions' rows mean other rows there."""
    return [f"SELECT dwh_lineage.forget_exceptions({literal(text.target(contract))});"]


def remove(contract: Contract) -> str:
    """Takes the table away. Refused where bronze could not make it again; else nothing is lost."""
    return _refuse_if_frozen(contract) + text.unregister(contract) + _drop(contract)


def _columns(old: Contract, new: Contract) -> list[str]:
    """The columns that go and come. A value of another type is a new one, which the rebuild fills from bronze."""
    gone, come = _names(old, new), _names(new, old)
    types = {column["name"]: column["type"] for column in new["columns"]}
    changes = [_refuse_if_frozen(old)] if gone else []
    for relation in [text.relation(new), *([horizon.base(new)] if horizon.has_base(new) else [])]:
        changes += [f"ALTER TABLE {relation} DROP COLUMN {ident(name)};" for name in gone]
        changes += [f"ALTER TABLE {relation} ADD COLUMN {ident(name)} {types[name]};" for name in come]
    return changes


def _without_horizon(contract: Contract) -> str:
    return f"UPDATE dwh_lineage.targets SET fold_horizon = NULL WHERE target = {literal(text.target(contract))};\n"


def _refounded(old: Contract, new: Contract) -> list[str]:
    """What a table of other rows, or of other times of them, has to give up: settled history would not fit to it."""

    def founded(contract: Contract) -> tuple[object, ...]:
        return (contract["source"], *(c for c in contract["columns"] if c["name"] == contract.get("effective")))

    if founded(old) == founded(new):
        return []
    empty = [f"DELETE FROM {horizon.base(old)};"] if horizon.has_base(old) else []
    return [_refuse_if_frozen(old), *empty, _without_horizon(old)]


def _refuse_if_frozen(contract: Contract) -> str:
    return f"SELECT dwh_etl.refuse_if_frozen({literal(text.target(contract))});\n"


def _names(left: Contract, right: Contract) -> list[str]:
    """Stored columns of the left that the right has not, or has with another type."""

    def stored(contract: Contract) -> dict[str, str]:
        effective = contract.get("effective")
        return {c["name"]: c["type"] for c in contract["columns"] if c["name"] != effective}

    return [name for name, kind in stored(left).items() if stored(right).get(name) != kind]


def _shape(contract: Contract) -> tuple[object, ...]:
    """What cannot be altered in place."""
    types = {column["name"]: column["type"] for column in contract["columns"]}
    key = contract.get("key", [])
    return (contract["kind"], contract["source"], [(name, types[name]) for name in key], contract.get("surrogate"),
            contract.get("effective"))  # fmt: skip


def _drop(contract: Contract) -> str:
    relations = [text.relation(contract), *([horizon.base(contract)] if horizon.has_base(contract) else [])]
    return f"{_drop_routines(contract)}{late.drop(contract)}DROP TABLE {', '.join(relations)};\n"


def _drop_routines(contract: Contract) -> str:
    history = _history(contract).ROUTINES
    dropped = [text.drop_handwritten(contract)] if contract.get("routines") else []
    dropped += [
        f"DROP {kind} {text.routine(contract, verb)}({arguments});" for verb, (kind, arguments) in history.items()
    ]
    dropped += [f"DROP PROCEDURE {text.routine(contract, 'evidence')}(uuid);", *checks.drop(contract)]
    return (
        "\n".join([*dropped, f"DROP FUNCTION {text.routine(contract, 'evaluate')}(bigint[], text[], bigint[]);"]) + "\n"
    )


def _needs_rebuild(contract: Contract) -> str:
    return f"UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target = {literal(text.target(contract))};\n"


def _readers_need_rebuild(contract: Contract) -> str:
    return (
        "UPDATE dwh_lineage.targets SET needs_rebuild = true WHERE target IN (\n    SELECT i.consumer "
        f"FROM dwh_lineage.target_inputs AS i WHERE i.source = {literal(text.target(contract))}\n);\n"
    )


def _history(contract: Contract) -> append.AppendHistory | scd1.Scd1History | scd2.Scd2History:
    if contract["kind"] == "append":
        return append.HISTORY
    return scd1.HISTORY if contract["kind"] == "scd1" else scd2.HISTORY
