"""The small forms around schemes: beginning, copying, comparing, trying."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from outreach.models import Campaign, User
from reports.models import Scheme
from reports.presets import PRESETS


def day_input() -> forms.DateInput:
    """A day as browsers want it, whatever the language's own way to write one."""
    return forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class CopyForm(forms.Form):
    """Where a copy goes. The same campaign and name make the next version."""

    campaign = forms.ModelChoiceField(label=_("Campaign"), queryset=Campaign.objects.none(), empty_label=None)
    name = forms.CharField(label=_("Name of the scheme"), max_length=60)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["campaign"].queryset = Campaign.objects.visible_to(user)  # type: ignore[attr-defined]


class NewForm(CopyForm):
    """What a new scheme begins with."""

    preset = forms.ChoiceField(label=_("Begin with"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["preset"].choices = [(key, preset.name) for key, preset in PRESETS.items()]  # type: ignore[attr-defined]


class SchemeChoice(forms.ModelChoiceField):
    """A scheme by campaign, name, version and state."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} v{obj.version} · {obj.get_state_display()} · {obj.campaign.name}"


class CompareForm(forms.Form):
    """With which scheme to compare."""

    other = SchemeChoice(label=_("Compare with"), queryset=Scheme.objects.none())

    def __init__(self, *args: Any, schemes: QuerySet[Scheme], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["other"].queryset = schemes  # type: ignore[attr-defined]


class TryForm(forms.Form):
    """On which days to try a scheme, and beside which other. Without any answer the campaign's days up to today."""

    campaign = forms.ModelChoiceField(label=_("Campaign"), queryset=Campaign.objects.none(), required=False)
    first = forms.DateField(
        label=_("From"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    last = forms.DateField(
        label=_("To"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    other = SchemeChoice(label=_("Beside"), queryset=Scheme.objects.none(), required=False)

    def __init__(
        self,
        data: Any,
        *,
        scheme: Scheme,
        campaigns: QuerySet[Campaign],
        schemes: QuerySet[Scheme],
        today: date,
    ) -> None:
        self.scheme, self.today = scheme, today
        in_force = schemes.filter(campaign=scheme.campaign, state=Scheme.State.PUBLISHED)
        same = in_force.filter(name=scheme.name).first() or in_force.first()
        last = min(today, scheme.campaign.ends_on)
        usual = {"campaign": str(scheme.campaign_id), "last": last.isoformat(), "other": str(same.pk) if same else ""}
        super().__init__({**usual, **{key: data[key] for key in data}} if data else usual)
        self.fields["campaign"].queryset = campaigns  # type: ignore[attr-defined]
        self.fields["other"].queryset = schemes  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse a period that ends before it begins."""
        values = super().clean() or {}
        first, last = values.get("first"), values.get("last")
        if first and last and first > last:
            self.add_error("last", _("The period must not end before it begins."))
        return values

    def asked(self) -> dict[str, Any]:
        """The valid form's campaign, other scheme and period, as `gather` takes it."""
        values = self.cleaned_data
        last = values["last"] or self.today
        return {
            "campaign": values["campaign"] or self.scheme.campaign,
            "other": values["other"],
            "period": {"first": values["first"], "last": last, "today": min(last, self.today)},
        }
