"""Schedules are edited here, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError
from django import forms
from django.contrib import admin
from django.utils import timezone

from medallion.models import Schedule

if TYPE_CHECKING:  # Django's own classes take no type arguments when the code runs
    _ModelAdmin = admin.ModelAdmin[Any]
    _ModelForm = forms.ModelForm[Schedule]
else:
    _ModelAdmin = admin.ModelAdmin
    _ModelForm = forms.ModelForm


class ScheduleForm(_ModelForm):
    """A schedule; a cron expression or a time zone that means nothing is refused with the reason."""

    cron = forms.CharField(help_text="Minute, hour, day of month, month, day of week: 0 5 * * * is every day at 05:00")
    time_zone = forms.CharField(initial="UTC", help_text="As in Europe/Paris")
    catch_up = forms.ChoiceField(
        choices=Schedule.CatchUp.choices,
        initial="latest",
        help_text="After an outage: which of the missed times to run",
    )
    parameters = forms.JSONField(initial=dict, required=False)

    class Meta:
        model = Schedule
        fields = ("pipeline", "cron", "time_zone", "catch_up", "parameters", "paused")
        widgets = {"pipeline": forms.TextInput}

    def clean_cron(self) -> str:
        cron = str(self.cleaned_data["cron"])
        try:
            CronSim(cron, timezone.now())
        except CronSimError as error:
            raise forms.ValidationError(f"“{cron}” is no cron expression: {error}") from None
        return cron

    def clean_time_zone(self) -> str:
        name = str(self.cleaned_data["time_zone"])
        if name not in available_timezones():
            raise forms.ValidationError(f"“{name}” is no time zone. Names look like Europe/Paris.")
        return name

    def clean_parameters(self) -> dict[str, Any]:
        parameters = self.cleaned_data["parameters"] or {}
        if not isinstance(parameters, dict):
            raise forms.ValidationError('Parameters have names: {"day": "2010-12-01"}')
        return parameters


@admin.register(Schedule)
class ScheduleAdmin(_ModelAdmin):
    form = ScheduleForm
    list_display = ("pipeline", "cron", "time_zone", "catch_up", "paused")
    show_facets = admin.ShowFacets.NEVER
