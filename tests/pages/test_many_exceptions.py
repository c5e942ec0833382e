"""The pages of quality ask few queries, and none reads through all exceptions, however many there are."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from quality.models import QualityDecision, QualityException, QualityIssue
from quality.states import ExceptionState
from tests.many_exceptions import BUSY, CUSTOMERS, FILLED, IDLE, LINES, seed_many_exceptions

MayDo = Callable[..., Client]
MOST_QUERIES = 8
#: The dashboard is ten lists on one page.
OF_THE_DASHBOARD = 12
#: Who asks, and whether they may: Django's own, once for each page.
_FRAMEWORK = re.compile(
    r'^(SAVEPOINT|RELEASE|ROLLBACK)|^SELECT .*? FROM "(django_session|auth_user|auth_permission|django_content_type)"',
    re.S,
)
_MAY = ("view_target", "view_pipelinerun", "view_qualityexception", "decide", "propose", "approve", "override")


def addresses() -> dict[str, str]:
    """The pages of quality, with each filter, at the first page and far down."""
    oldest, newest = (getattr(QualityException.objects, name)("pk").pk for name in ("earliest", "latest"))
    deep = oldest + (newest - oldest) // 10
    rows, decisions = reverse("admin:exception_rows"), reverse("admin:decisions")
    frequent, rare, value = (
        QualityIssue.objects.get(target=LINES, title=title).pk
        for title in ("Customer is missing", "Unit price must be above 0", "status = stat7")
    )
    landed = QualityException.objects.filter(state=ExceptionState.LANDED, pk__gt=deep).earliest("pk")
    filters = {
        "all": "", "deep": f"before={deep}", "deep, any state": f"state=any&before={deep}", "back": f"after={deep}",
        "table": f"target={LINES}", "small table": f"target={CUSTOMERS}",
        "small table, any state": f"target={CUSTOMERS}&state=any",
        "key": f"target={LINES}&key=77", "key, any table": "key=7777", "key, any state": "key=7777&state=any",
        "file": "file=many_77.csv", "file, any state": "file=many_77.csv&state=any", "no such file": "file=none.csv",
        "batch": f"batch={landed.batch_id}", "batch, any state": f"batch={landed.batch_id}&state=any",
        "found before": "found_before=2020-01-01", "busy": f"assignee={BUSY}", "idle": f"assignee={IDLE}",
        "nobody": "assignee=nobody", "rule and batch": f"rule={rare}&batch={landed.batch_id}",
        **{state: f"state={state}" for state in ExceptionState.values},
        **{f"{state}, deep": f"state={state}&before={deep}" for state in ExceptionState.values},
    }  # fmt: skip
    of_issue = {
        "": "",
        "deep": f"before={deep}",
        "landed": "state=landed",
        "key": "key=77",
        "rejected": "state=rejected",
    }
    decision = QualityDecision.objects.earliest("pk").pk
    return {
        "dashboard": reverse("admin:index"),
        "causes": reverse("admin:exceptions"),
        "own causes": reverse("admin:exceptions") + "?mine=1",
        **{f"rows: {name}": f"{rows}?{query}" for name, query in filters.items()},
        **{
            f"cause {issue}: {name}": f"{reverse('admin:issue', args=[pk])}?{query}"
            for issue, pk in (("frequent", frequent), ("rare", rare), ("by value", value))
            for name, query in of_issue.items()
        },
        "exception": reverse("admin:exception", args=[newest]),
        "exception of a cause": reverse("admin:exception", args=[newest]) + f"?cause={frequent}",
        "exception, landed": reverse("admin:exception", args=[landed.pk]),
        "decide a cause": reverse("admin:decide", args=[frequent]),
        "decide a value": reverse("admin:decide", args=[value]) + "?value=stat7",
        "decide rows": f"{reverse('admin:decide_rows')}?target={LINES}&key=77&up_to={newest}",
        "decisions": decisions,
        "decisions that wait": f"{decisions}?waiting=1",
        "decision": reverse("admin:decision", args=[decision]),
        "correction rules": reverse("admin:correction_rules"),
        "rule": f"{reverse('admin:rule')}?table={LINES}&name=customer_id:required",
        "gates": reverse("admin:gates"),
        "gate": reverse("admin:gate", args=[LINES]),
        "unreadable lines": reverse("admin:unreadable_lines"),
    }


def faults(client: Client, times: bool = False) -> Iterator[str]:
    """What is wrong with each page: it asks too many queries, or reads through a table. times: prints how long each
    takes."""
    for name, address in addresses().items():
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200, address
        ours = [str(query["sql"]) for query in asked.captured_queries if not _FRAMEWORK.match(str(query["sql"]))]
        if times:
            print(f"{_quickest(client, address) * 1000:7.0f} ms {len(ours):3} queries  {name}")
        if len(ours) > (OF_THE_DASHBOARD if name == "dashboard" else MOST_QUERIES):
            yield f"{name}: {len(ours)} queries"
        yield from (f"{name}: reads all of {table}: {sql}" for sql in ours for table in read_through(sql))


def read_through(sql: str) -> set[str]:
    """The large tables that a query reads from one end to the other."""
    if not sql.lstrip().startswith(("SELECT", "WITH")):
        return set()
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + sql.replace("%", "%%"), [])
        (plan,) = cursor.fetchone()
    return set(_seq_scans((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])) & set(FILLED)


def _seq_scans(node: dict[str, Any]) -> Iterator[str]:
    if node["Node Type"] == "Seq Scan":
        yield node["Relation Name"]
    for child in node.get("Plans", []):
        yield from _seq_scans(child)


def _quickest(client: Client, address: str, tries: int = 3) -> float:
    taken = []
    for _ in range(tries):
        began = time.perf_counter()
        client.get(address)
        taken.append(time.perf_counter() - began)
    return min(taken)


def test_each_page_asks_few_queries_and_has_an_index_for_each(person: MayDo) -> None:
    seed_many_exceptions(2_000)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # of small tables, the planner would like to read all
    assert list(faults(person(*_MAY))) == []


@pytest.mark.slow
def test_the_pages_of_ten_million_exceptions(transactional_db: None, person: MayDo) -> None:
    """Prints how long each takes: on a machine that is busy with other things, that is no verdict."""
    seed_many_exceptions(10_000_000)
    assert list(faults(person(*_MAY), times=True)) == []


@pytest.mark.slow
def test_a_file_of_a_hundred_thousand_exceptions_takes_no_more_memory_than_one_of_ten_thousand(person: MayDo) -> None:
    seed_many_exceptions(120_000)
    client, export = person(*_MAY), reverse("admin:exceptions_csv") + f"?target={LINES}&state=any"

    def peak(lines: int) -> int:
        tracemalloc.start()
        response: Any = client.get(export)
        read = sum(1 for _ in islice(response.streaming_content, lines))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert read == lines
        return used

    peak(100)  # what is imported and kept at the first request
    assert peak(100_000) < peak(10_000) + 1_000_000
