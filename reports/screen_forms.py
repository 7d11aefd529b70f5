"""What the map, the chart of effort and the screens' pages may be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from outreach.models import Campaign, Unit
from reports import maps
from reports.boundaries import MAX_BYTES
from reports.effort import DEFAULT_RESULT, EFFORTS, RESULTS
from reports.forms import LEVELS
from reports.models import BoundaryFile


class _PlaceForm(forms.Form):
    """A campaign and a unit of its district. Valid or not, `choice` gives something that can be shown."""

    campaign = forms.ChoiceField(label=gettext_lazy("campaign"), required=False)
    unit = forms.ChoiceField(label=gettext_lazy("unit"), required=False)

    def __init__(self, data: Any, *, campaigns: Sequence[Campaign], units: Sequence[Unit]) -> None:
        """`campaigns`: those the reader sees, the default first. `units`: the district first, then official order."""
        super().__init__(data)
        self.campaigns = {str(campaign.pk): campaign for campaign in campaigns}
        kinds = (Unit.Kind.DISTRICT, Unit.Kind.TOWNSHIP)
        self.units = {unit.code: unit for unit in units if unit.kind in kinds}
        self.fields["campaign"] = forms.ChoiceField(
            label=gettext_lazy("campaign"),
            required=False,
            choices=[(pk, each.name) for pk, each in self.campaigns.items()],
        )
        self.fields["unit"] = forms.ChoiceField(
            label=gettext_lazy("unit"), required=False, choices=[(code, unit.name) for code, unit in self.units.items()]
        )

    def _place(self) -> dict[str, Any]:
        self.is_valid()
        return {
            "campaign": self.campaigns.get(self.cleaned_data.get("campaign", ""))
            or next(iter(self.campaigns.values())),
            "scope": self.units.get(self.cleaned_data.get("unit", "")) or next(iter(self.units.values())),
        }


class MapForm(_PlaceForm):
    """The map's campaign, unit and figure."""

    figure = forms.ChoiceField(required=False)

    def __init__(self, data: Any, *, campaigns: Sequence[Campaign], units: Sequence[Unit]) -> None:
        """See _PlaceForm."""
        super().__init__(data, campaigns=campaigns, units=units)
        self.figures = maps.choices()
        self.fields["figure"] = forms.ChoiceField(required=False, choices=[(key, key) for key in self.figures])

    def choice(self) -> dict[str, Any]:
        """Return campaign, scope and the figure's key: what was asked for, the default where that is unknown."""
        place = self._place()
        return {**place, "figure": self.cleaned_data.get("figure") or next(iter(self.figures))}


class EffortForm(_PlaceForm):
    """The chart of effort and result: which of each, for which units."""

    level = forms.ChoiceField(label=gettext_lazy("level"), choices=LEVELS, required=False)
    effort = forms.ChoiceField(
        label=gettext_lazy("Effort"), choices=[(key, each.name) for key, each in EFFORTS.items()], required=False
    )
    result = forms.ChoiceField(
        label=gettext_lazy("Result achieved"),
        choices=[(key, each.name) for key, each in RESULTS.items()],
        required=False,
    )

    def choice(self) -> dict[str, Any]:
        """Return campaign, scope, level, effort and result: what was asked for, the default where that is unknown."""
        place = self._place()
        asked = self.cleaned_data
        inside = place["scope"].kind == Unit.Kind.TOWNSHIP
        return {
            **place,
            "level": Unit.Kind.VILLAGE.value if inside else asked.get("level") or Unit.Kind.TOWNSHIP.value,
            "effort": asked.get("effort") or next(iter(EFFORTS)),
            "result": asked.get("result") or DEFAULT_RESULT,
        }


class BoundaryForm(forms.Form):
    """A GeoJSON file with the boundaries of units."""

    file = forms.FileField(label=gettext_lazy("Boundaries"), widget=forms.FileInput(attrs={"accept": ".geojson,.json"}))
    datum = forms.ChoiceField(
        label=gettext_lazy("Coordinates"),
        choices=BoundaryFile.Datum.choices,
        initial=BoundaryFile.Datum.WGS84,
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Ask whoever gives you the file. It is noted on the map and not converted."),
    )

    def clean_file(self) -> UploadedFile:
        """Refuse what is too large before it is read."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 20 MB. Simplify the outlines in your map program."))
        return file


class HallLinkForm(forms.Form):
    """A link for a hall's screen."""

    DAYS = (("7", gettext_lazy("7 days")), ("30", gettext_lazy("30 days")), ("90", gettext_lazy("90 days")))

    name = forms.CharField(
        label=gettext_lazy("Where the screen hangs"),
        max_length=60,
        help_text=gettext_lazy("Such as: hall of the district office. It stands in the audit trail."),
    )
    days = forms.ChoiceField(label=gettext_lazy("The link works for"), choices=DAYS, initial="30")


class HallForm(forms.Form):
    """The token of a hall's link."""

    code = forms.CharField(label=gettext_lazy("Code of the link"), max_length=100, strip=True)
