"""What people type into the restricted register. No form saves, and none remembers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from issues.actions import MAX_TEXT
from issues.actions.clues import MAX_LINE
from issues.clues import Step


class ClueForm(forms.Form):
    """A clue, as it is handed in."""

    text = forms.CharField(
        label=_("What happened"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off"}),
        help_text=_("Who did what, when and where, whom it harmed, and how you know."),
    )
    about = forms.CharField(label=_("Person or unit it is about"), max_length=MAX_LINE, required=False)
    occurred = forms.CharField(label=_("When and where"), max_length=MAX_LINE, required=False)
    contact = forms.CharField(
        label=_("How the discipline office can reach who told it"),
        max_length=MAX_LINE,
        required=False,
        help_text=_("Only where the person agrees."),
    )


class ClueStepForm(forms.Form):
    """One step of the discipline office; asks for the fields the step names."""

    to_whom = forms.CharField(label=_("Handed over to"), max_length=MAX_LINE)
    document_number = forms.CharField(label=_("Number of the hand-over"), max_length=MAX_LINE)
    note = forms.CharField(
        label=_("Note"),
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Read by the discipline office alone."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, max_value=2**31 - 1)

    def __init__(self, *args: Any, step: Step, version: int, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"version": version}, "auto_id": f"{step.name}_%s", **kwargs})
        self.step = step
        for name in ("to_whom", "document_number", "note"):
            if name not in step.fields:
                del self.fields[name]

    def said(self) -> dict[str, str]:
        """The step's fields as typed."""
        return {name: self.cleaned_data[name] for name in self.step.fields}
