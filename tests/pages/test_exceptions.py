"""Exceptions by cause, the rows of a cause, one row, and unreadable lines."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from lineage.models import ColumnLineage
from quality import rows_of_cause
from quality.causes import open_rows
from quality.issues import raise_issue
from quality.models import QualityException, QualityIssue
from quality.states import UNRESOLVED_STATES, ExceptionState
from quality.tables import readable
from tests import seeds
from tests.timing import answers_at_once

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def exceptions(db: None) -> None:
    seeds.seed_warehouse()
    seeds.seed_exceptions(440)


def _issue(title: str) -> QualityIssue:
    return QualityIssue.objects.get(title=title, target=seeds.LINES)


def test_an_issue_without_rows_says_that_it_closes_by_itself(staff: Client) -> None:
    seeds.seed_warehouse()
    raise_issue("pipeline night fresh", seeds.LINES, "fresh", "The pipeline night has never succeeded")
    issue = QualityIssue.objects.get()
    page = staff.get(reverse("admin:exceptions")).content.decode()
    assert "No row is open · 1 other issue" in page
    assert "The pipeline night has never succeeded" in page
    assert "No rows to fix" in staff.get(reverse("admin:issue", args=[issue.pk])).content.decode()


def test_causes_come_first_the_largest_at_the_top(
    staff: Client, exceptions: None, django_assert_max_num_queries
) -> None:
    with django_assert_max_num_queries(8):
        response = staff.get(reverse("admin:exceptions"))
    causes = [(cause.issue.title, cause.open, cause.share) for cause in response.context["causes"]]
    assert causes[0] == ("Customer is missing", 440, 1.0)
    assert causes[1] == ("Quantity must be above 0", 22, 0.05)
    assert len(causes) == 4
    page = response.content.decode()
    assert "440 open · 4 causes" in page
    assert "-12" in page  # an offending value
    assert seeds.LINES in page


def test_a_cause_whose_rows_are_all_resolved_is_not_listed(staff: Client, exceptions: None) -> None:
    issue = _issue("Invoice is a cancellation")
    issue.deltas.create(delta=-20)
    titles = [cause.issue.title for cause in staff.get(reverse("admin:exceptions")).context["causes"]]
    assert issue.title not in titles


def test_open_rows_are_counted_whoever_changes_their_state(staff: Client, exceptions: None) -> None:
    assert open_rows().by_target == {seeds.LINES: 440}
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL assay.changes_states = 'on'")
        cursor.execute("UPDATE dwh_lineage.quality_exceptions SET state = 'queued' WHERE id % 4 = 0")
        cursor.execute("UPDATE dwh_lineage.quality_exceptions SET state = 'landed' WHERE id % 8 = 0")
        cursor.execute("DELETE FROM dwh_lineage.exception_breaches")
        cursor.execute("DELETE FROM dwh_lineage.exception_events")
        cursor.execute("DELETE FROM dwh_lineage.quality_exceptions WHERE id % 2 = 1")
    left = QualityException.objects.filter(state__in=UNRESOLVED_STATES).count()
    rows = open_rows()
    assert (rows.total, rows.new, rows.resolved) == (left, 440, 440 - left)


def test_without_exceptions_the_page_says_that_all_is_well(staff: Client) -> None:
    assert "Nothing is open" in staff.get(reverse("admin:exceptions")).content.decode()


def test_paging_the_rows_of_a_cause_visits_each_once(staff: Client, exceptions: None) -> None:
    issue = _issue("Customer is missing")
    seen: list[int] = []
    query: str | None = ""
    while query is not None:
        keyset = staff.get(reverse("admin:issue", args=[issue.pk]) + query).context["table"].keyset
        seen += [breach.exception_id for breach in keyset.rows]
        query = keyset.older or None
    assert seen == sorted(QualityException.objects.values_list("pk", flat=True), reverse=True)


def test_a_cause_shows_its_rows_alone(staff: Client, exceptions: None, django_assert_max_num_queries) -> None:
    url = reverse("admin:issue", args=[_issue("Quantity must be above 0").pk])
    with django_assert_max_num_queries(8):
        response = staff.get(url)
    assert len(response.context["table"].keyset.rows) == 22
    assert response.context["issue"].open == 22
    assert [(row.value, row.times) for row in response.context["values"]] == [("-12", 22)]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ({}, 50),
        ({"target": seeds.LINES}, 50),
        ({"target": seeds.CUSTOMERS}, None),
        ({"state": "landed"}, 0),
        ({"state": "any"}, 50),
        ({"key": "536400"}, 1),
        ({"key": "5368"}, 5),
        ({"key": "%"}, 0),
    ],
)
def test_rows_are_narrowed_by_target_state_and_key(
    staff: Client, exceptions: None, django_assert_max_num_queries, query: dict[str, str], rows: int | None
) -> None:
    with django_assert_max_num_queries(8):
        response = staff.get(reverse("admin:exception_rows"), query)
    if rows is None:
        assert "Select a valid choice" in response.content.decode()
    else:
        assert len(response.context["table"].keyset.rows) == rows


def test_a_page_of_a_cause_is_the_same_whichever_way_its_rows_are_found(
    staff: Client, exceptions: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    cause = reverse("admin:issue", args=[_issue("Customer is missing").pk])
    middle = QualityException.objects.earliest("pk").pk + 200
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL assay.changes_states = on")
    QualityException.objects.filter(pk__lt=middle, bronze_id__iregex="7$").update(state=ExceptionState.REJECTED)
    for query in ({}, {"key": "5364"}, {"key": "5"}, {"state": "rejected"}, {"before": middle}, {"after": middle},
                  {"state": "rejected", "before": middle - 100}):  # fmt: skip
        ways = []
        for looked_at in (5_000, 2):
            monkeypatch.setattr(rows_of_cause, "LOOKED_AT", looked_at)
            page = staff.get(cause, query).context["table"].keyset
            ways.append(([(row.exception_id, row.value) for row in page.rows], page.newer, page.older))
        assert ways[0] == ways[1], query
        assert ways[0][0], query


def test_a_page_further_down_keeps_the_filters(staff: Client, exceptions: None) -> None:
    said = {"found_before": "2999-01-01", "key": "53"}
    first = staff.get(reverse("admin:exception_rows"), said)
    further = staff.get(reverse("admin:exception_rows") + first.context["table"].keyset.older)
    assert not further.context["filter"].form.errors
    assert further.context["filter"].form.cleaned_data["key"] == "53"
    shown = [[row.pk for row in page.context["table"].keyset.rows] for page in (first, further)]
    assert min(shown[0]) > max(shown[1])


def test_choosing_a_rule_leads_to_its_cause_with_the_other_filters(staff: Client, exceptions: None) -> None:
    issue = _issue("Customer is missing")
    response = staff.get(reverse("admin:exception_rows"), {"rule": issue.pk, "key": "53", "state": "any"})
    assert response["Location"] == reverse("admin:issue", args=[issue.pk]) + "?state=any&key=53"


def test_an_exception_shows_its_raw_row_with_the_broken_cells_marked(
    staff: Client, exceptions: None, django_assert_max_num_queries
) -> None:
    exception = QualityException.objects.get(bronze_id=20)
    declared = ColumnLineage.objects.filter(target_table=seeds.LINES, target_column="quantity")
    for edge in declared:  # as whoever reads the routines' code finds it, too
        ColumnLineage.objects.create(
            source_table=edge.source_table, source_column=edge.source_column, target_table=edge.target_table,
            target_column=edge.target_column, kind="DIRECT", origin="parsed", role="value", routine="dwh_etl.x",
        )  # fmt: skip
    with django_assert_max_num_queries(10):
        response = staff.get(reverse("admin:exception", args=[exception.pk]))
    cells = response.context["cells"]
    assert [cell.column for cell in cells][:2] == ["InvoiceNo", "StockCode"]  # as in the file
    assert {cell.column: cell.messages for cell in cells if cell.messages} == {
        "CustomerID": ["Customer is missing"],
        "Quantity": ["Quantity must be above 0"],
    }
    page = response.content.decode()
    assert "till_2010-12-01.csv" in page
    assert seeds.BRONZE in page
    assert "customer_id:required" in page


def test_a_bronze_row_may_come_from_batches_that_wrote_at_the_same_moment(staff: Client, exceptions: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dwh_lineage.batches SET first_bronze_id = 0, last_bronze_id = 4400"
            " WHERE target = %s AND source_file ~ '0[12].csv$'",
            [seeds.BRONZE],
        )
    exception = QualityException.objects.get(bronze_id=20)
    page = staff.get(reverse("admin:exception", args=[exception.pk])).content.decode()
    assert page.count("Perhaps from") == 2


def test_hostile_content_is_shown_and_not_run(staff: Client, exceptions: None) -> None:
    exception = QualityException.objects.get(bronze_id=20)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE dwh_lineage.quality_exceptions SET source_id = %(text)s, issues = ARRAY[%(text)s],"
            " source_data = jsonb_build_object('Quantity', %(text)s::text, %(text)s, 'x') WHERE id = %(id)s",
            {"text": HOSTILE, "id": exception.pk},
        )
        cursor.execute("UPDATE dwh_lineage.exception_breaches SET value = %s, message = %s", [HOSTILE, HOSTILE])
        cursor.execute("UPDATE dwh_lineage.quality_issues SET title = %s", [HOSTILE])
        cursor.execute("UPDATE dwh_lineage.unreadable_lines SET raw = %s, reason = %s", [HOSTILE.encode(), HOSTILE])
    for url in (
        reverse("admin:exception", args=[exception.pk]),
        reverse("admin:issue", args=[QualityIssue.objects.filter(target=seeds.LINES).earliest("pk").pk]),
        reverse("admin:exceptions"),
        reverse("admin:exception_rows") + "?key=%3Cscript",
        reverse("admin:unreadable_lines"),
        reverse("admin:index"),
    ):
        page = staff.get(url).content.decode()
        assert HOSTILE not in page, url
        assert "&lt;script&gt;" in page, url


def test_unreadable_lines_are_shown_verbatim(staff: Client, exceptions: None) -> None:
    page = staff.get(reverse("admin:unreadable_lines")).content.decode()
    assert "53636,84029E,\\xff&quot;" in page
    assert "A quote is opened and never closed" in page


def test_what_is_no_text_is_written_as_escapes() -> None:
    assert readable(b"a\xff\x00\tb") == "a\\xff\\x00\tb"
    assert readable(b"x" * 600).endswith("…")


@pytest.mark.slow
def test_the_pages_of_200000_exceptions_answer_at_once(staff: Client, db: None) -> None:
    seeds.seed_warehouse()
    seeds.seed_exceptions(200_000)
    newest = QualityException.objects.latest("pk").pk
    rare = _issue("Unit price must be above 0").pk
    frequent = _issue("Customer is missing").pk
    for url in (
        reverse("admin:index"),
        reverse("admin:exceptions"),
        reverse("admin:issue", args=[frequent]),
        reverse("admin:issue", args=[frequent]) + f"?before={newest - 150_000}",
        reverse("admin:issue", args=[rare]),
        reverse("admin:exception_rows"),
        reverse("admin:exception_rows") + f"?target={seeds.LINES}&before={newest - 150_000}",
        reverse("admin:exception_rows") + f"?target={seeds.LINES}&key=5400",
        reverse("admin:exception", args=[newest]),
    ):
        assert answers_at_once(staff, url), url
