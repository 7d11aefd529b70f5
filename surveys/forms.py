"""Forms of questionnaires and rounds. They return values and save nothing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from outreach.models import Campaign, User
from surveys.models import Channel, Round, Version
from surveys.presets import PRESETS

EMPTY = "empty"
DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


class NewForm(forms.Form):
    """Begin a questionnaire."""

    name = forms.CharField(label=_("Name in the list"), max_length=100)
    preset = forms.ChoiceField(label=_("Begin from"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        presets = [(key, preset.name) for key, preset in PRESETS.items()]
        self.fields["preset"].choices = [*presets, (EMPTY, _("an empty questionnaire"))]  # type: ignore[attr-defined]


class FileForm(forms.Form):
    """Begin a questionnaire from an XLSForm workbook."""

    name = forms.CharField(label=_("Name in the list"), max_length=100)
    file = forms.FileField(label=_("Workbook"))


class RoundForm(forms.ModelForm):
    """Prepare a round."""

    channels = forms.MultipleChoiceField(
        label=pgettext_lazy("survey", "Channels"), choices=Channel.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Round
        fields = ["name", "version", "campaign", "starts_on", "ends_on", "channels", "target", "is_anonymous"]
        widgets = {"starts_on": DAY, "ends_on": DAY}

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = Version.objects.visible_to(user).published().filter(questionnaire__is_retired=False)
        if self.instance.pk:
            versions |= Version.objects.visible_to(user).filter(pk=self.instance.version_id)
        self.fields["version"].queryset = versions.select_related("questionnaire").distinct()  # type: ignore[attr-defined]
        campaigns = Campaign.objects.visible_to(user).filter(
            Q(ends_on__gte=timezone.localdate()) | Q(pk=self.instance.campaign_id)
        )
        self.fields["campaign"].queryset = campaigns  # type: ignore[attr-defined]
        self.fields["target"].min_value = 1  # type: ignore[attr-defined]
        self.fields["target"].validators.append(_reasonable)


def _reasonable(value: int) -> None:
    if not 1 <= value <= 1_000_000:
        raise forms.ValidationError(_("A whole number from %(low)s to %(high)s.") % {"low": 1, "high": 1_000_000})


class ExtendForm(forms.Form):
    """Another last day."""

    ends_on = forms.DateField(label=_("New last day"), widget=DAY)
