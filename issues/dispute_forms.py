"""What people type about a dispute's mediation. No form saves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from issues.models import DisputeParty, Issue, Mediation, MediationSession, Risk

DAY = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class RiskForm(forms.Form):
    """How dangerous a dispute is."""

    risk = forms.ChoiceField(label=_("Risk"), choices=Risk.choices, widget=forms.RadioSelect)
    note = forms.CharField(
        label=_("Signs"),
        max_length=200,
        required=False,
        help_text=_("Threats, weapons, earlier violence, drink, nobody to talk to: what was seen or heard."),
    )


class PartyForm(forms.Form):
    """One who is at odds."""

    side = forms.ChoiceField(label=_("Side"), choices=DisputeParty.Side.choices, widget=forms.RadioSelect)
    name = forms.CharField(label=_("Name"), max_length=50)
    contact = forms.CharField(label=_("Phone or address"), max_length=100, required=False)
    is_household = forms.BooleanField(label=_("Of the household that raised the issue"), required=False)

    def __init__(self, *args: Any, issue: Issue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.issue = issue
        if issue.household is None:
            del self.fields["is_household"]

    def values(self) -> dict[str, Any]:
        """The arguments of actions.add_party."""
        given = dict(self.cleaned_data)
        given["household"] = self.issue.household if given.pop("is_household", False) else None
        return given


class SessionForm(forms.Form):
    """One attempt to bring the parties together."""

    held_at = forms.DateTimeField(
        label=_("When"), widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    place = forms.CharField(label=_("Where"), max_length=100)
    mediators = forms.CharField(label=_("Mediators"), max_length=200, help_text=_("Names and units."))
    attended = forms.CharField(label=_("Who came"), max_length=200)
    said = forms.CharField(label=_("What was said"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}))
    result = forms.ChoiceField(label=_("Result"), choices=MediationSession.Result.choices, widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"held_at": timezone.localtime()}, **kwargs})


class AgreementForm(forms.Form):
    """What the parties agreed."""

    agreement = forms.CharField(
        label=_("What was agreed"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Point by point: who does what, until when."),
    )
    agreed_on = forms.DateField(label=_("Agreed on"), widget=DAY)
    signed_by = forms.CharField(label=_("Signed by"), max_length=200)
    perform_by = forms.DateField(
        label=_("To be performed by"),
        widget=DAY,
        required=False,
        help_text=_("Empty where it was performed on the spot. On this day the units are reminded to look."),
    )

    def __init__(self, *args: Any, mediation: Mediation | None = None, **kwargs: Any) -> None:
        initial: dict[str, Any] = {"agreed_on": timezone.localdate()}
        if mediation is not None and mediation.has_agreement:
            initial = {name: getattr(mediation, name) for name in ("agreement", "agreed_on", "signed_by", "perform_by")}
        super().__init__(*args, **{"initial": initial, **kwargs})


class PerformanceForm(forms.Form):
    """Whether the agreement was kept."""

    is_performed = forms.TypedChoiceField(
        label=_("Kept?"),
        choices=[("yes", _("performed")), ("no", _("not performed"))],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=_("What was found"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class DisputeFilterForm(forms.Form):
    """The tabs of the list of disputes."""

    TABS = (
        ("open", _("Still open")),
        ("high", _("high risk")),
        ("due", _("Performance due")),
        ("broken", _("not performed")),
        ("all", _("All")),
    )
    tab = forms.ChoiceField(choices=TABS, required=False)

    @property
    def chosen(self) -> str:
        """The chosen tab: open where none is, or nonsense."""
        return str(self.cleaned_data.get("tab") or "open") if self.is_valid() else "open"
