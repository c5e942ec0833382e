"""A declaration that cannot be is refused where it stands, naming file and class."""

from __future__ import annotations

from typing import Any

import pytest

from medallion import sources


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({}, "path is missing"),
        ({"path": "/etc/*.csv"}, "must lie under the data root"),
        ({"path": "a/../../b.csv"}, "must lie under the data root"),
        ({"path": "a.csv", "unknown_columns": "keep it"}, "must be KEEP or FAIL"),
        ({"path": "a.csv", "delimiter": "::"}, "one ASCII punctuation character"),
        ({"path": "a.csv", "delimiter": "x"}, "one ASCII punctuation character"),
        ({"path": "a.csv", "quote": "\n"}, "quote = "),
        ({"path": "a.csv", "delimiter": "'", "quote": "'"}, "not the delimiter"),
        ({"path": "a.csv", "encoding": "latin-99"}, "no text encoding"),
        ({"path": "a.csv", "encoding": "base64"}, "no text encoding"),
        ({"path": "a.csv", "max_bytes": 0}, "above 0"),
        ({"path": "a.csv", "max_rows": True}, "above 0"),
        ({"path": "a.csv", "pickup": "daily"}, "must be True or False"),
        ({"path": "a.csv", "name": "Drop; table"}, "lower-case"),
    ],
)
def test_what_cannot_be_is_refused(attributes: dict[str, Any], words: str) -> None:
    with pytest.raises(sources.InvalidSourceError, match=rf"test_sources\.py, class Crm: .*{words}"):
        type("Crm", (sources.CsvFiles,), {"__module__": __name__, **attributes})


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Crm", "crm"), ("CrmDrop", "crm_drop"), ("HTTPApi2", "http_api2"), ("ERPOrders", "erp_orders")],
)
def test_a_source_is_named_after_its_class(name: str, expected: str) -> None:
    assert type(name, (sources.CsvFiles,), {"path": "a.csv"}).name == expected


def test_a_source_is_described_by_its_own_docstring() -> None:
    class Crm(sources.CsvFiles):
        """The CRM's daily drop."""

        path = "crm/*.csv"

    class Erp(sources.CsvFiles):
        path = "erp/*.csv"

    assert (Crm.description(), Erp.description()) == ("The CRM's daily drop.", "")


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"url": ""}, "url is missing"),
        ({"url": "postgresql://a:b@c/d"}, "url has a password in it"),
        ({"url": "host=x password=geheim"}, "url has a password in it"),
        ({"url": "mysql:no"}, "no connection string"),
        ({"table": None}, "Give one of both"),
        ({"query": "SELECT 1"}, "Give one of both"),
        ({"table": " "}, "must be texts"),
        ({"cursor": 1}, "name of a column"),
        ({"overlap": -1}, "from 0 on"),
        ({"overlap": "1h"}, "must be a timedelta"),
        ({"page_rows": 0}, "above 0"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(attributes: dict[str, Any], words: str) -> None:
    said = {"__module__": __name__, "url": "postgresql://${USER}:${PASSWORD}@db/shop", "table": "data.customers"}
    type("Shop", (sources.PostgresTable,), said)
    with pytest.raises(sources.InvalidSourceError, match=words):
        type("Shop", (sources.PostgresTable,), said | attributes)
