"""What the boards' addresses and forms may ask for."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reports.lists import Window
from reports.models.boards import MAX_NOTE
from reports.office_board import MAX_QUIET_DAYS, PERIODS, QUIET_DAYS

MAX_DAYS = 400


class BoardForm(forms.Form):
    """A board's choices; what makes no sense gives the default."""

    period = forms.ChoiceField(choices=[(key, key) for key in PERIODS], required=False)
    quiet = forms.IntegerField(min_value=1, max_value=MAX_QUIET_DAYS, required=False)
    scope = forms.ChoiceField(choices=[("all", "all")], required=False)

    def choice(self) -> dict[str, Any]:
        """Return period, quiet_days and whole."""
        self.is_valid()
        asked = self.cleaned_data
        return {
            "period": asked.get("period") or PERIODS[0],
            "quiet_days": asked.get("quiet") or QUIET_DAYS,
            "whole": asked.get("scope") == "all",
        }


class RowsForm(forms.Form):
    """The days of a list of rows, and of which units; what makes no sense gives today."""

    first = forms.DateField(required=False)
    last = forms.DateField(required=False)
    holder = forms.RegexField(r"^\d{6,12}$|^\d{6}D\d{2,4}$", required=False)
    mine = forms.BooleanField(required=False)

    def window(self, today: date) -> Window:
        """The days asked for."""
        self.is_valid()
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        limit = timedelta(days=MAX_DAYS)
        if first is None or last is None or not today - limit <= first <= last <= today + limit:
            return Window.of_day(today, today)
        return Window(first, last, today)


class ConfirmForm(forms.Form):
    """A week's figures as the head of the unit saw them, and what is wrong with them."""

    week_on = forms.DateField(widget=forms.HiddenInput)
    seen = forms.JSONField(widget=forms.HiddenInput)
    note = forms.CharField(
        label=_("What is wrong with the figures"),
        max_length=MAX_NOTE,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Name the figure, what it should be, and where that is written. The district office reads it."),
    )

    def clean_seen(self) -> dict[str, int]:
        """Refuse what the page did not write."""
        seen = self.cleaned_data["seen"]
        if not isinstance(seen, dict) or not all(type(value) is int for value in seen.values()):
            raise forms.ValidationError(_("Look at the page again."))
        return seen

    @staticmethod
    def initial_of(week_on: date, values: dict[str, int]) -> dict[str, Any]:
        """What the page writes into the hidden fields."""
        return {"week_on": week_on, "seen": values}
