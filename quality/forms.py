"""The form in which a steward says what is to be done with some rows."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django import forms

from quality.asking import Question
from quality.choosing import RowsQuestion
from quality.resolution import Decision
from quality.states import DecisionVerb

_VERBS = {
    DecisionVerb.CORRECT: "correct: another text stands for theirs",
    DecisionVerb.WAIVE: "waive: let them in as they are",
    DecisionVerb.REJECT: "reject: keep them out for good",
}


class DecisionForm(forms.Form):
    """A verb, and for a correction one source column with its new text."""

    verb = forms.ChoiceField(label="What to do")
    column = forms.ChoiceField(label="Source column", required=False)
    text = forms.CharField(
        label="New text",
        required=False,
        strip=False,
        help_text="As the source should have sent it; it is cast and checked",
    )
    remove = forms.BooleanField(label="No value at all (NULL)", required=False)
    reason = forms.CharField(label="Why", required=False, help_text="Kept with the decision; rejecting needs one")
    propose = forms.BooleanField(label="Propose only: somebody else approves", required=False)

    def __init__(self, asked: Question | RowsQuestion, data: Any = None, *, alone: bool = True, verb: str = "") -> None:
        """`alone`: what this person decides needs nobody's approval for its own sake. `verb`: chosen at first."""
        initial = {"verb": verb or DecisionVerb.CORRECT.value, "column": asked.column, "text": asked.suggestion or ""}
        super().__init__(data, initial=initial)
        self.asked, self.alone = asked, alone
        if not alone:
            del self.fields["propose"]
        verbs = [verb for verb in _VERBS if verb != DecisionVerb.WAIVE or asked.can_be_waived]
        self.fields["verb"].choices = [(verb.value, _VERBS[verb]) for verb in verbs]  # type: ignore[attr-defined]
        self.fields["column"].choices = [(name, name) for name in asked.columns]  # type: ignore[attr-defined]
        for name in ("text", "reason"):
            self.fields[name].widget.attrs["autocomplete"] = "off"

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("verb") == DecisionVerb.CORRECT and not said.get("column") and "column" not in self.errors:
            self.add_error("column", "Choose the column whose text is to be another.")
        if said.get("remove") and said.get("text"):
            self.add_error("remove", "Either a new text or no value, not both.")
        return said

    def decision(self, by: str) -> Decision:
        """What a valid form says, as a decision of user `by`."""
        said, verb = self.cleaned_data, DecisionVerb(self.cleaned_data["verb"])
        return Decision(
            verb,
            self.asked.selection,
            by,
            reason=said["reason"],
            patch={said["column"]: None if said["remove"] else said["text"]} if verb == DecisionVerb.CORRECT else None,
            rule=self.asked.rule if verb == DecisionVerb.WAIVE else None,
            propose=not self.alone or said["propose"],
        )

    @property
    def seen(self) -> str:
        """A fingerprint of what would be done: a preview is of this, and of nothing else."""
        effect = [self.cleaned_data[name] for name in ("verb", "column", "text", "remove")]
        return hashlib.sha256(json.dumps(effect).encode()).hexdigest()[:16]
