"""Prometheus's text format (version 0.0.4): https://prometheus.io/docs/instrumenting/exposition_formats/."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})
_IN_LABEL = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(frozen=True)
class Family:
    """A metric: its name, what it says, its labels' names, and a row of label values and a figure for each sample."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str
    labels: tuple[str, ...]
    samples: list[tuple[object, ...]]


def render(families: Iterable[Family]) -> str:
    """The families in the text format. A sample whose figure is None is left out."""
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help.translate(_IN_HELP)}"
    yield f"# TYPE {family.name} {family.kind}"
    for *values, figure in family.samples:
        if figure is None:
            continue
        pairs = zip(family.labels, values, strict=True)
        labels = ",".join(f'{name}="{str(value).translate(_IN_LABEL)}"' for name, value in pairs)
        yield f"{family.name}{f'{{{labels}}}' if labels else ''} {_figure(figure)}"


def _figure(value: object) -> str:
    if isinstance(value, int):  # true and false are 1 and 0
        return str(int(value))
    if isinstance(value, float | Decimal):
        return repr(float(value))
    raise TypeError(f"{value!r} is no figure.")
