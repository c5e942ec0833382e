"""`manage.py decide` and `manage.py exceptions` do what the pages do."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from quality.models import QualityDecision, QualityIssue
from quality.replay import replay
from tests.warehouses import bench_database as bench
from tests.warehouses.lab.warehouse import RawReadings, Readings
from tests.warehouses.shop import Shop
from tests.warehouses.test_overlay import GOOD


@pytest.fixture
def issue(shop: Shop) -> QualityIssue:
    """Two readings with one wrong state and one with another."""
    for name in ("ada", "bob"):
        User.objects.create_superuser(name)
    with bench.repeatable_read(shop.sql):
        bench.ingest(shop.sql, RawReadings, [GOOD | {"state": "onn"}] * 2 + [GOOD | {"state": "of"}])
        bench.call(shop.sql, Readings.target)
    return QualityIssue.objects.get(rule="state:one_of")


def run(*arguments: str, by: str = "ada") -> str:
    out = io.StringIO()
    call_command(*arguments, "--by", by, stdout=out)
    return out.getvalue()


def test_a_decision_is_shown_first_then_made_approved_and_undone(issue: QualityIssue) -> None:
    asked = ("decide", "correct", Readings.target, "--issue", str(issue.pk), "--value", "onn", "--set", "state=on")
    assert "2 rows: 2 would land" in run(*asked)
    assert not QualityDecision.objects.exists()
    run(*asked, "--propose", "--yes")
    made = QualityDecision.objects.get()
    assert made.state == "proposed"
    with pytest.raises(CommandError, match="is your own"):
        run("decide", "approve", str(made.pk), "--yes")
    assert "--yes does it" in run("decide", "approve", str(made.pk), by="bob")
    assert "queued" in run("decide", "approve", str(made.pk), "--yes", by="bob")
    replay(made.pk)
    run("decide", "undo", str(made.pk), "--yes", "--reason", "wrong")
    assert QualityDecision.objects.filter(undoes=made).exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["reject", "silver.readings"], "needs a reason"),
        (["correct", "silver.readings", "--set", "state"], "COLUMN=TEXT"),
        (["correct", "silver.readings", "--set", "nothing=1"], "no column nothing"),
        (["correct", "silver.readings"], "needs a patch"),
        (["waive", "silver.readings", "--value", "x"], "--issue too"),
        (["undo", "x"], "by its number"),
        (["undo", "99999999"], "no decision"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_do(issue: QualityIssue, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run("decide", *arguments)


def test_exceptions_are_listed_written_and_taken_back(issue: QualityIssue, tmp_path: Path) -> None:
    assert f"issue {issue.pk}" in run("exceptions")
    path = tmp_path / "exceptions.csv"
    run("exceptions", "export", Readings.target, "--file", str(path))
    path.write_bytes(path.read_bytes().replace(b",onn,", b",on,"))
    taken = ("exceptions", "import", Readings.target, "--file", str(path))
    assert "state: 'onn' → 'on'" in run(*taken)
    assert not QualityDecision.objects.exists()
    assert "queued" in run(*taken, "--yes")
    assert QualityDecision.objects.get().selected == 2
    with pytest.raises(CommandError, match="cannot be read"):
        run("exceptions", "import", Readings.target, "--file", str(tmp_path / "none.csv"))
