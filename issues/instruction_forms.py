"""What people type about difficult issues. No form saves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from issues import difficult
from issues.actions import MAX_TEXT
from issues.actions.instructions import MAX_REASON
from issues.models import Issue
from outreach.models import Unit

USUAL_DAYS = 7  # until an answer is due, unless the leader chooses another day


class SeenForm(forms.Form):
    """The id of the current instruction the person saw; none where there was none."""

    seen = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1, max_value=2**63 - 1)


class InstructionForm(SeenForm):
    """A leader's instruction: what, who answers, by when."""

    text = forms.CharField(label=_("Instruction"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4}))
    to_unit = forms.TypedChoiceField(label=_("Unit that answers"), coerce=int)
    due_on = forms.DateField(
        label=_("Answer due on"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, issue: Issue, **kwargs: Any) -> None:
        kwargs.setdefault("auto_id", f"id_instruct_{issue.pk}_%s")
        super().__init__(*args, **kwargs)
        self.units = {unit.pk: unit for unit in difficult.units_for(issue)}
        field = self.fields["to_unit"]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = [(pk, unit.name) for pk, unit in self.units.items()]
        self.fields["due_on"].initial = timezone.localdate() + timedelta(days=USUAL_DAYS)

    def clean_to_unit(self) -> Unit:
        """Return the unit itself."""
        return self.units[self.cleaned_data["to_unit"]]


class AnswerForm(SeenForm):
    """The unit's answer."""

    answer = forms.CharField(label=_("Answer"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4}))


class MarkForm(forms.Form):
    """Why an issue is difficult."""

    reason = forms.CharField(label=_("Why it is difficult"), max_length=MAX_REASON)
