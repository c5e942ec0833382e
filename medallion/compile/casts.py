"""Safe casts: from a column's text to its typed value, NULL where the text is no such value. Never an error."""

from __future__ import annotations

import re
from typing import Any

from medallion.formats import PARTS, WIDTHS
from medallion.naming import literal

#: The routine that casts a text, by type; text itself is not cast.
ROUTINES = {
    name: f"dwh_etl.to_{name}"
    for name in ("smallint", "integer", "bigint", "numeric", "boolean", "uuid", "date", "timestamptz", "jsonb")
}


def is_cast(column: dict[str, Any]) -> bool:
    """Whether a column's text is cast at all."""
    return bool(column["type"] != "text")


def cast(column: dict[str, Any], given: str) -> str:
    """The safe cast of a column's text, as SQL."""
    options = column.get("cast", {})
    if column["type"] == "text":
        return given
    if "of" in options:
        return _array(options, given)
    if "scale" in options:
        precision = options.get("precision")
        return f"dwh_etl.to_numeric_of_scale({given}, {options['scale']}, {'NULL' if precision is None else precision})"
    if column["type"] == "boolean" and options:
        return _boolean(options, given)
    if "formats" in options:
        every = [
            _formatted(column["type"], form, options.get("time_zone", "UTC"), given) for form in options["formats"]
        ]
        return every[0] if len(every) == 1 else f"coalesce({', '.join(every)})"
    if "time_zone" in options:
        return f"dwh_etl.to_timestamptz_in_zone({given}, {literal(options['time_zone'])})"
    return f"{ROUTINES[column['type']]}({given})"


def _boolean(options: dict[str, Any], given: str) -> str:
    def spelled(spellings: list[str]) -> str:
        return f"lower({given}) IN ({', '.join(f'lower({literal(one)})' for one in spellings)})"

    cases = [f"WHEN {spelled(options[name])} THEN {name}" for name in ("true", "false") if options.get(name)]
    return f"CASE {' '.join(cases)} ELSE dwh_etl.to_boolean({given}) END"


def _array(options: dict[str, Any], given: str) -> str:
    """NULL for the whole array where one of its elements is no such value; a blank element is NULL."""
    element = cast(options["of"], "a.given")
    return (
        f"(SELECT CASE WHEN bool_and(a.given IS NULL OR {element} IS NOT NULL)"
        f" THEN array_agg({element} ORDER BY a.place) END"
        f" FROM (SELECT nullif(btrim(u.given), '') AS given, u.place FROM"
        f" unnest(string_to_array({given}, {literal(options['delimiter'])})) WITH ORDINALITY AS u (given, place)"
        f" OFFSET 0) AS a)"
    )


def _formatted(sql_type: str, form: str, time_zone: str, given: str) -> str:
    """Rearranged to ISO by the places of the format's parts. A regular expression would cost more than all the rest."""
    if form.startswith("FM"):
        form, given = form[2:], rf"regexp_replace({given}, '\m([0-9])\M', '0\1', 'g')"
    places, shape = _places(form, given)
    digits = " || ".join(sql for part, sql in places.items() if part not in ("AM", "PM"))
    holds = [f"{given} LIKE {literal(shape)}", f"btrim({digits}, '0123456789') = ''"]
    holds += [f"{places[part]} < {literal(limit)}" for part, limit in (("HH24", "24"), ("SS", "60")) if part in places]
    iso = " || '-' || ".join(places[part] for part in ("YYYY", "YY", "MM", "DD") if part in places)
    if sql_type != "date":
        iso += f" || ' ' || {_time(places)}"
    rearranged = f"CASE WHEN {' AND '.join(holds)} THEN {iso} END"
    if sql_type == "date":
        return f"dwh_etl.iso_to_date({rearranged})"
    return f"dwh_etl.at_zone(dwh_etl.iso_to_timestamp({rearranged}), {literal(time_zone)})"


def _places(form: str, given: str) -> tuple[dict[str, str], str]:
    """The SQL of each part's characters, and the shape of the whole as a LIKE pattern."""
    places, shape, length, end = {}, "", 0, 0
    for match in [*PARTS.finditer(form), None]:
        between = form[end : match.start() if match else None]
        shape, length = shape + re.sub(r"[%_\\]", r"\\\g<0>", between), length + len(between)
        if match:
            width, end = WIDTHS[match[0]], match.end()
            places[match[0]] = f"substr({given}, {length + 1}, {width})"
            shape, length = shape + "_" * width, length + width
    return places, shape


def _time(places: dict[str, str]) -> str:
    hour = places.get("HH24") or places.get("HH12") or "'00'"
    parts = [hour, *(places.get(part, "'00'") for part in ("MI", "SS"))]
    fraction = places.get("MS") or places.get("US")
    half = places.get("AM") or places.get("PM")
    time = " || ':' || ".join(parts)
    return time + (f" || '.' || {fraction}" if fraction else "") + (f" || ' ' || {half}" if half else "")
