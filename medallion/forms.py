"""The form of a schedule."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django import forms

from medallion.models import Schedule
from medallion.registry import warehouse
from medallion.schedules.reading import in_units
from medallion.schedules.times import MeansNothing, check

_UNITS = {"d": "days", "h": "hours", "min": "minutes"}
_LENGTH = re.compile(r"(\d+)\s*(d|h|min)")


class LengthField(forms.CharField):
    """A length of time as pages show it: `7 d`, `1 d 12 h`, `90 min`."""

    def prepare_value(self, value: Any) -> Any:
        return in_units(value) if isinstance(value, timedelta) else value

    def clean(self, value: Any) -> timedelta | None:
        text = str(super().clean(value)).strip()
        if not text:
            return None
        parts = _LENGTH.findall(text)
        if _LENGTH.sub("", text).strip() or not any(int(number) for number, _ in parts):
            raise forms.ValidationError(f"“{text}” is no length of time. Write it as 7 d, 36 h or 90 min.")
        return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())


class ScheduleForm(forms.Form):
    """What a person may say about a schedule."""

    cron = forms.CharField(
        label="Cron", help_text="Minute, hour, day of month, month, day of week: 0 5 * * * is every day at 05:00"
    )
    time_zone = forms.CharField(initial="UTC", help_text="As in Europe/Paris")
    catch_up = forms.ChoiceField(
        choices=[("latest", "latest: the last one"), ("all", "all: each of them"), ("none", "none of them")],
        initial="latest",
        label="Catch up",
        help_text="After an outage, or behind a run that takes long: which of the times that have passed to run",
    )
    catch_up_within = LengthField(
        required=False, label="Go back at most", help_text="As in 7 d or 36 h; empty: without limit"
    )
    fresh_within = LengthField(
        required=False,
        label="Fresh within",
        help_text="Longest time without a success before an issue is raised; empty: an hour after the next time",
    )
    parameters = forms.JSONField(
        required=False,
        initial=dict,
        help_text='What its runs are given: {"region": "north"}',
        widget=forms.Textarea(attrs={"rows": 2, "cols": 40}),
    )

    def clean_parameters(self) -> dict[str, Any]:
        parameters = self.cleaned_data["parameters"] or {}
        if not isinstance(parameters, dict):
            raise forms.ValidationError('Parameters have names: {"day": "2010-12-01"}')
        return parameters

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        # Each by itself, so that what is wrong with both is said of both.
        for values in ({"cron": said.get("cron")}, {"time_zone": said.get("time_zone")}):
            try:
                check(**{"cron": "0 0 * * *", "time_zone": "UTC"} | {n: v for n, v in values.items() if v})
            except MeansNothing as error:
                self.add_error(error.field, str(error))
        return said


class NewScheduleForm(ScheduleForm):
    """The same for a pipeline that has no schedule yet."""

    pipeline = forms.ChoiceField()
    field_order = ("pipeline",)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        taken = set(Schedule.objects.values_list("pipeline", flat=True))
        free = sorted(set(warehouse().pipelines) - taken)
        self.fields["pipeline"].choices = [(name, name) for name in free]  # type: ignore[attr-defined]
