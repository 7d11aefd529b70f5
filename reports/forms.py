"""What the ranking's query string may ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from outreach.models import Campaign, Unit
from reports.indicators import COVERAGE, RANKED

LEVELS = ((Unit.Kind.TOWNSHIP.value, _("townships")), (Unit.Kind.VILLAGE.value, _("villages")))


class RankingForm(forms.Form):
    """The campaign, the units compared, and by what. Valid or not, `choice` gives a ranking that can be shown."""

    campaign = forms.ChoiceField(label=_("campaign"), required=False)
    unit = forms.ChoiceField(label=_("unit"), required=False)
    level = forms.ChoiceField(label=_("level"), choices=LEVELS, required=False)
    by = forms.ChoiceField(label=_("ranked by"), choices=[(key, key) for key in RANKED], required=False)

    def __init__(self, data: Any, *, campaigns: Sequence[Campaign], units: Sequence[Unit]) -> None:
        """`campaigns`: those the reader sees, the default first. `units`: those of the district, official order."""
        super().__init__(data)
        self.campaigns = {str(campaign.pk): campaign for campaign in campaigns}
        self.units = {unit.code: unit for unit in units if unit.kind != Unit.Kind.DEPARTMENT}
        self.fields["campaign"] = forms.ChoiceField(
            label=_("campaign"), required=False, choices=[(pk, each.name) for pk, each in self.campaigns.items()]
        )
        self.fields["unit"] = forms.ChoiceField(
            label=_("unit"), required=False, choices=[(code, unit.name) for code, unit in self.units.items()]
        )

    def choice(self) -> dict[str, Any]:
        """Return campaign, scope, level and indicator: what was asked for, the default where that is unknown."""
        self.is_valid()
        asked = self.cleaned_data
        return {
            "campaign": self.campaigns.get(asked.get("campaign", "")) or next(iter(self.campaigns.values())),
            "scope": self.units.get(asked.get("unit", "")) or next(iter(self.units.values())),
            "level": asked.get("level") or Unit.Kind.TOWNSHIP.value,
            "indicator": asked.get("by") or COVERAGE.key,
        }
