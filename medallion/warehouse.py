"""What a `warehouse.py` needs, under one roof: `from medallion.warehouse import *`."""

from medallion import bronze, gold, silver, sources
from medallion.columns import (
    Array,
    BigInt,
    Boolean,
    Column,
    Date,
    Enum,
    Generated,
    Integer,
    Json,
    Numeric,
    SmallInt,
    Text,
    Timestamp,
    Uuid,
)
from medallion.pipelines import Pipeline
from medallion.silver import SCD1, SCD2, Append
from medallion.sources import FAIL, KEEP
from quality import checks
from quality.rules import (
    AtLeast,
    AtMost,
    Between,
    Condition,
    DoesNotMatch,
    GreaterThan,
    LessThan,
    Matches,
    MaxLength,
    MinLength,
    OneOf,
    References,
    Required,
)

__all__ = [
    "FAIL", "KEEP", "SCD1", "SCD2", "Append", "Array", "AtLeast", "AtMost", "Between", "BigInt", "Boolean", "Column",
    "Condition", "Date", "DoesNotMatch", "Enum", "Generated", "GreaterThan", "Integer", "Json", "LessThan", "Matches",
    "MaxLength", "MinLength", "Numeric", "OneOf", "Pipeline", "References", "Required", "SmallInt", "Text",
    "Timestamp", "Uuid", "bronze", "checks", "gold", "silver", "sources",
]  # fmt: skip
