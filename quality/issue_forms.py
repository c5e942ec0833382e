"""Small forms about a cause as a whole."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.utils import timezone


class SnoozeForm(forms.Form):
    """Until a day begins, or until more than so many rows are open."""

    until = forms.DateField(label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    above = forms.IntegerField(label="Or until more rows than", required=False, min_value=0)

    def clean_until(self) -> Any:
        day = self.cleaned_data["until"]
        return timezone.make_aware(datetime.combine(day, time())) if day else None


class CommentForm(forms.Form):
    """What somebody wants to say."""

    text = forms.CharField(label="Comment", max_length=2000, widget=forms.TextInput(attrs={"autocomplete": "off"}))
