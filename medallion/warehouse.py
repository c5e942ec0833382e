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
from quality.rules import (
    AtLeast,
    Between,
    Condition,
    DoesNotMatch,
    GreaterThan,
    Matches,
    MaxLength,
    MinLength,
    OneOf,
    Required,
)

__all__ = [
    "FAIL", "KEEP", "SCD1", "SCD2", "Append", "Array", "AtLeast", "Between", "BigInt", "Boolean", "Column", "Condition",
    "Date", "DoesNotMatch", "Enum", "Generated", "GreaterThan", "Integer", "Json", "Matches", "MaxLength", "MinLength",
    "Numeric", "OneOf", "Pipeline", "Required", "SmallInt", "Text", "Timestamp", "Uuid", "bronze", "gold", "silver",
    "sources",
]  # fmt: skip
