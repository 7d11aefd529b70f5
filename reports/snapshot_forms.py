"""What people type about snapshots, appeals and past scores. No form saves."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from issues.forms import FilesField
from reports.models import Scheme, Snapshot
from reports.models.schemes import SchemeQuerySet
from reports.models.snapshots import MAX_STATEMENT

DATE = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
KINDS = [choice for choice in Snapshot.Kind.choices if choice[0] != Snapshot.Kind.DAILY]


class SchemeField(forms.ModelChoiceField):
    """A published scheme, with the campaign it is for."""

    def label_from_instance(self, obj: Any) -> str:
        """Return campaign and scheme."""
        return f"{obj.campaign.name} · {obj.name}"


class TakeForm(forms.Form):
    """Freeze scores: by which scheme, of which days."""

    scheme = SchemeField(label=_("Scheme"), queryset=Scheme.objects.none(), empty_label=None)
    kind = forms.ChoiceField(label=_("Kind"), choices=KINDS, initial=Snapshot.Kind.MANUAL)
    first = forms.DateField(label=_("First day"), widget=DATE)
    last = forms.DateField(label=_("Last day"), widget=DATE)

    def __init__(self, *args: Any, schemes: SchemeQuerySet, **kwargs: Any) -> None:
        """`schemes`: the published ones the reader may freeze by."""
        super().__init__(*args, **kwargs)
        field = self.fields["scheme"]
        assert isinstance(field, SchemeField)
        field.queryset = schemes
        chosen = schemes.first()
        if chosen is not None:
            yesterday = timezone.localdate() - timedelta(days=1)
            field.initial = chosen.pk
            self.fields["first"].initial = chosen.campaign.starts_on
            self.fields["last"].initial = max(min(yesterday, chosen.campaign.ends_on), chosen.campaign.starts_on)


class WhyForm(forms.Form):
    """Why a snapshot is withdrawn or revised."""

    why = forms.CharField(label=_("Reason"), max_length=200)


class AppealForm(forms.Form):
    """What a unit says against a line."""

    statement = forms.CharField(
        label=_("Statement"),
        max_length=MAX_STATEMENT,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("What is wrong, and what proves it. No residents' names: give the numbers of the issues."),
    )
    evidence = FilesField(
        label=_("Files"),
        required=False,
        help_text=_("Photos, PDF, .docx or .xlsx, at most 6 files."),
    )


class DecisionForm(forms.Form):
    """The decision on an appeal."""

    outcome = forms.ChoiceField(
        label=_("Decision"),
        choices=[("granted", _("grant")), ("refused", _("refuse"))],
        widget=forms.RadioSelect,
    )
    points = forms.DecimalField(
        label=_("Marks the line gains"),
        required=False,
        max_digits=6,
        decimal_places=2,
        min_value=Decimal(-100),
        max_value=Decimal(100),
        help_text=_("Where granted: such as 0.50. A revision of the snapshot works them in."),
    )
    carries = forms.BooleanField(
        label=_("Counts in later scores too"),
        required=False,
        help_text=_("For an error of the data that later scores of these days would repeat."),
    )
    decision = forms.CharField(
        label=_("Reasons"),
        max_length=MAX_STATEMENT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("The unit reads them."),
    )

    def clean(self) -> dict[str, Any]:
        """Demand the marks where the appeal is granted."""
        given = super().clean() or {}
        if given.get("outcome") == "granted" and not given.get("points") and "points" not in self.errors:
            self.add_error("points", _("Enter the marks the line gains, with at most 2 decimals, such as 0.50."))
        return given


class PastFileForm(forms.Form):
    """A workbook with scores of earlier years."""

    file = forms.FileField(label=_("File"), widget=forms.FileInput(attrs={"accept": ".xlsx"}))
