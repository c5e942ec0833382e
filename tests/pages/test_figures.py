"""How figures, times and states are written."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from lineage.templatetags import assay


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (12345, "12,345"), (-3, "-3"), (Decimal("42481.0000"), "42,481"), (None, "–")]
)
def test_counts(value: int | None, text: str) -> None:
    assert assay.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.9949, "99.5 %"),
        (0.99999, "> 99.9 %"),
        (0.00001, "< 0.1 %"),
        (1.2, "120.0 %"),
        (None, "–"),
    ],
)
def test_a_share_is_never_rounded_up_to_all_or_down_to_nothing(value: float | None, text: str) -> None:
    assert assay.percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.42, "0.42 s"),
        (12.34, "12.3 s"),
        (59.99, "1 min 00 s"),
        (timedelta(minutes=2, seconds=5), "2 min 05 s"),
        (3840, "1 h 04 min"),
        (timedelta(days=3, hours=2), "3 d 02 h"),
        (None, "–"),
    ],
)
def test_durations(value: float | None, text: str) -> None:
    assert assay.duration(value) == text


def test_ages() -> None:
    now = timezone.now()
    assert assay.ago(now - timedelta(seconds=100)) == "1 min ago"
    assert assay.ago(now - timedelta(hours=30)) == "1 d ago"
    assert assay.ago(None) == "never"
    assert assay.ago(now + timedelta(hours=1)) == "in the future"


def test_a_state_has_one_tone_under_its_value_and_its_label() -> None:
    assert assay.tone("failed") == assay.tone("Failed") == "bad"
    assert assay.tone("upstream_failed") == assay.tone("no such state") == "quiet"
    assert assay.words("upstream_failed") == assay.words("Upstream Failed") == "upstream failed"


def test_layers() -> None:
    assert [assay.layer(name) for name in ("bronze.a", "gold.b", "crm", "public.x")] == [
        "bronze",
        "gold",
        "other",
        "other",
    ]
