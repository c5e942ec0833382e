"""Sources: where rows come from, as a user declares it.

class Crm(sources.CsvFiles):
    \"\"\"The CRM's daily drop.\"\"\"
    path = "crm/customers_*.csv"
    unknown_columns = sources.KEEP
"""

from medallion.sources.base import InvalidSourceError, Source
from medallion.sources.feed import HttpFeed
from medallion.sources.files import FAIL, KEEP, CsvFiles, Files, JsonFiles, JsonLines, UnknownColumnPolicy
from medallion.sources.http import Cursor, HttpApi, Link, Offset, PageNumber, Since
from medallion.sources.postgres import PostgresTable
from medallion.sources.pulled import Pulled
from medallion.sources.records import (
    Debezium,
    Decimal,
    Encoded,
    EpochDate,
    EpochTime,
    JsonRecords,
    is_json_path,
    json_path,
)

__all__ = [
    "FAIL", "KEEP", "CsvFiles", "Cursor", "Debezium", "Decimal", "Encoded", "EpochDate", "EpochTime", "Files",
    "HttpApi", "HttpFeed", "InvalidSourceError", "JsonFiles", "JsonLines", "JsonRecords", "Link", "Offset",
    "PageNumber", "PostgresTable", "Pulled", "Since", "Source", "UnknownColumnPolicy", "is_json_path", "json_path",
]  # fmt: skip
