"""Forms in which a person lets something pass, or changes what follows from a rule."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.validators import RegexValidator

from quality.models import QualityRule
from quality.rules import Severity

_SAID = {
    Severity.WARN: "warn: say so, and go on",
    Severity.QUARANTINE: "quarantine: keep the row out",
    Severity.FAIL: "fail: land nothing of the load",
}


class PassForm(forms.Form):
    """Why what waits at a gate may pass; `up_to` is the newest batch that was shown."""

    reason = forms.CharField(label="Why it may pass", max_length=500, help_text="Kept with the batches")
    up_to = forms.IntegerField(widget=forms.HiddenInput)


class SeverityForm(forms.Form):
    """What follows from a rule or a check from the next batch on."""

    severity = forms.ChoiceField(label="When it does not hold", required=False)
    threshold = forms.CharField(
        label="Allowed",
        required=False,
        validators=[RegexValidator(r"^\d+(\.\d+)?%?$", "Write a number of rows, or a share as in 1%%.")],
        help_text="A number of rows, or a share as in 1%; empty: as declared",
    )
    reason = forms.CharField(label="Why", max_length=500, help_text="Kept with the change")

    def __init__(self, rule: QualityRule, data: Any = None) -> None:
        super().__init__(data)
        left_out = {Severity.QUARANTINE} if rule.is_check else set() if rule.can_be_waived else {Severity.WARN}
        choices = [(one.value, text) for one, text in _SAID.items() if one not in left_out]
        as_declared = ("", f"as declared: {rule.severity}")
        self.fields["severity"].choices = [as_declared, *choices]  # type: ignore[attr-defined]
        for name in ("threshold", "reason"):
            self.fields[name].widget.attrs["autocomplete"] = "off"
