"""Traces and explanations for people who may not see personal data: the same rows, with a mask over such values."""

from __future__ import annotations

import dataclasses
import re

from django.http import HttpRequest

from lineage.explaining import Explanation
from lineage.personal import MASK, hidden_from, masked
from lineage.tracing import Became, Traced, tables_of

_PATCH = re.compile(r"\{.*\}", re.DOTALL)


def veil_trace(request: HttpRequest, traced: list[Traced], became: list[Became]) -> tuple[list[Traced], list[Became]]:
    """Both ways of a row as who asks may see them."""
    tables = {*tables_of(traced), *(one.table for one in became), *(one.from_table for one in became)}
    tables |= {name for one in traced for name, _ in one.made}
    hidden = hidden_from(request, sorted(tables))
    if not hidden:
        return traced, became
    return (
        [
            dataclasses.replace(
                one,
                key=masked(one.key, hidden.get(one.table, ())),
                row=one.row and masked(one.row, hidden.get(one.table, ())),
                made=[(name, masked(key, hidden.get(name, ()))) for name, key in one.made],
                # A correction's sentence ends with the values that it sets.
                decided=[_PATCH.sub(MASK, sentence) for sentence in one.decided],
            )
            for one in traced
        ],
        [
            dataclasses.replace(
                one,
                key=one.key and masked(one.key, hidden.get(one.table, ())),
                from_key=masked(one.from_key, hidden.get(one.from_table, ())),
            )
            for one in became
        ],
    )


def veil_explanation(request: HttpRequest, found: Explanation) -> Explanation:
    """An explanation as who asks may see it: a value is masked where its formula names a column that must be."""
    origins = {name for one in found.contributions for name, _ in one.origins}
    hidden = hidden_from(request, sorted({found.table, *origins}))
    if not hidden:
        return found
    own = hidden.get(found.table, ())
    names = {column for table in origins for column in hidden.get(table, ())}
    veiled = [_names_one_of(argument, names) for argument in found.arguments]
    return dataclasses.replace(
        found,
        key=masked(found.key, own),
        row=masked(found.row, own),
        figures=[
            dataclasses.replace(one, stored=MASK, recomputed=MASK) if one.column in own else one
            for one in found.figures
        ],
        contributions=[
            dataclasses.replace(
                one,
                values=[MASK if veil else value for value, veil in zip(one.values, veiled, strict=True)],
                origins=[(name, masked(key, hidden.get(name, ()))) for name, key in one.origins],
            )
            for one in found.contributions
        ],
    )


def _names_one_of(argument: str, names: set[str]) -> bool:
    return not names.isdisjoint(re.findall(r"\w+", argument))
