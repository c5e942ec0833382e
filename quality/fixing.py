"""The form in which a steward says what stands for each wrong value of a cause, or how all its texts are mended."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django import forms
from django.http import QueryDict

from quality.asking import Question
from quality.resolution import Decision, Fix
from quality.states import DecisionVerb
from quality.suggesting import mend_in_words


class FixForm(forms.Form):
    """Pairs of `from` and `to`, values in `none` that are none at all, or `mend`; the source column in which the texts
    stand, where it is not the likely one.

    A pair without a new text, or with the old one, says nothing.
    """

    column = forms.ChoiceField(label="Source column")
    reason = forms.CharField(label="Why", required=False, help_text="Kept with the decision", max_length=500)
    propose = forms.BooleanField(label="Propose only: somebody else approves", required=False)
    future = forms.BooleanField(
        label="Correct rows to come with this cause likewise",
        required=False,
        help_text="A correction rule, which can be switched off",
    )

    def __init__(self, asked: Question, data: QueryDict) -> None:
        given = data.copy()
        if not given.get("column") and asked.column:
            given["column"] = asked.column
        super().__init__(given)
        self.asked = asked
        self.mend = data.get("mend") or None
        pairs = zip(data.getlist("from"), data.getlist("to"), strict=False)
        self.texts: dict[str, str | None] = {old: new for old, new in pairs if new not in ("", old)}
        self.texts |= dict.fromkeys(data.getlist("none"))
        self.fields["column"].choices = [(name, name) for name in asked.columns]  # type: ignore[attr-defined]
        self.fields["reason"].widget.attrs["autocomplete"] = "off"

    @property
    def mend_in_words(self) -> str:
        return mend_in_words(self.mend) if self.mend else ""

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not self.mend and not self.texts:
            raise forms.ValidationError("Nothing is said: write a new text beside a value.")
        return said

    def decision(self, by: str) -> Decision:
        """What a valid form says, as a decision of user `by`."""
        said, asked = self.cleaned_data, self.asked
        fix = Fix(said["column"], mend=self.mend) if self.mend else Fix(said["column"], texts=self.texts)
        return Decision(DecisionVerb.CORRECT, asked.about(fix), by, reason=said["reason"], propose=said["propose"])

    @property
    def seen(self) -> str:
        """A fingerprint of what would be done: a preview is of this, and of nothing else."""
        effect = [self.cleaned_data["column"], self.mend, sorted(self.texts.items())]
        return hashlib.sha256(json.dumps(effect).encode()).hexdigest()[:16]
