"""The form of a backfill."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms

from lineage.models import Backfill
from medallion.backfills.plan import Order
from medallion.registry import warehouse


class BackfillForm(forms.Form):
    """What a person may order. Days and times of day are UTC."""

    pipeline = forms.ChoiceField()
    first = forms.DateField(
        label="From", widget=forms.DateInput(attrs={"type": "date"}), help_text="The first day, in UTC"
    )
    last = forms.DateField(
        label="To", widget=forms.DateInput(attrs={"type": "date"}), help_text="The last day, which counts too"
    )
    redo = forms.ChoiceField(choices=Backfill.Redo.choices, initial="none", label="Run")
    max_active = forms.IntegerField(
        min_value=1, max_value=100, initial=1, label="At once", help_text="How many of its runs may live at one time"
    )
    cron = forms.CharField(
        required=False, label="Times", help_text="A cron expression; empty: the pipeline's schedule, or every midnight"
    )
    time_zone = forms.CharField(required=False, help_text="Of that expression, as in Europe/Paris; empty: UTC")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        names = sorted(warehouse().pipelines)
        self.fields["pipeline"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def order(self) -> Order:
        """The order that a valid form stands for."""
        said = self.cleaned_data
        return Order(
            pipeline=said["pipeline"],
            first=datetime.combine(said["first"], time.min, UTC),
            last=datetime.combine(said["last"], time(23, 59, 59), UTC),
            cron=said["cron"],
            time_zone=said["time_zone"],
            redo=said["redo"],
        )
