"""What people type into the pages of visits, turned into values; nothing here saves."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from households.models import Category as HouseholdCategory
from households.models import Household
from outreach.models import Campaign, Unit, User
from visits.actions import Selection
from visits.attempts import Outcome, State
from visits.models import AssignmentQuerySet, VisitStandard, may_be_given, staff_areas
from visits.payload import MAX_PHOTO

HEARD_KINDS = ("need", "opinion", "suggestion")


def heard_kinds() -> list[tuple[str, str, str]]:
    """What else may be heard at the door: code, name, and an example of a line."""
    return [
        ("need", gettext("Need"), gettext("What do they need? For example: to apply for a disability certificate")),
        ("opinion", gettext("Opinion"), gettext("What do they think? For example: the road is much better now")),
        ("suggestion", gettext("Proposal"), gettext("What do they propose? For example: a lamp at the crossroads")),
    ]


class DateInput(forms.DateInput):
    """A date as browsers pick it."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


def number_or_text(value: str | None) -> int | str | None:
    """Read a form's number: None where it is empty, the text itself where it is none (the payload refuses it)."""
    value = (value or "").strip()
    if not value:
        return None
    return int(value) if re.fullmatch(r"[0-9]{1,19}", value) else value


def raw_visit(post: QueryDict, files: Mapping[str, UploadedFile], household: int) -> dict[str, Any]:
    """Turn the visit form into what a phone would have sent, unchecked: payload.parse does the checking."""
    items: list[dict[str, Any]] = []
    if post.get("problem") == "yes":
        items.append(
            {
                "kind": "problem",
                "category": post.get("problem_category") or post.get("problem_root", ""),
                "text": post.get("problem_text", ""),
                "urgent": post.get("problem_urgent") == "yes",
                "photo": _photo(files.get("problem_photo")),
            }
        )
    for kind in HEARD_KINDS:
        if text := post.get(f"{kind}_text", "").strip():
            items.append({"kind": kind, "category": post.get(f"{kind}_category", ""), "text": text})
    change: dict[str, Any] = {}
    for key in ("name", "relation", "phone"):
        if value := post.get(f"change_{key}", "").strip():
            change[key] = value
    whom = post.get("change_resident", "new")
    if change and whom != "new":
        change["resident"] = number_or_text(whom)
    met = post.get("resident", "")
    return {
        "uuid": post.get("uuid"),
        "household": household,
        "campaign": number_or_text(post.get("campaign")),
        "outcome": post.get("outcome"),
        "visited_at": post.get("visited_at"),
        "seconds": number_or_text(post.get("seconds")),
        "resident": None if met == "other" else number_or_text(met),
        "met_other": post.get("met_other", "") if met == "other" else "",
        "topics": [number_or_text(topic) for topic in post.getlist("topics")],
        "note": post.get("note", ""),
        "help_given": post.get("help_given", ""),
        "appointment_at": post.get("appointment_at"),
        "items": items,
        "roster": [change] if change else [],
    }


def _photo(upload: UploadedFile | None) -> str:
    """The photo as a phone sends it; one too large only so far that the payload sees it is."""
    return base64.b64encode(upload.read(MAX_PHOTO + 1)).decode() if upload else ""


def search_text(value: str | None) -> str:
    """Clean what was typed into a search box: at most 40 characters, none the database cannot store."""
    return "".join(character for character in (value or "") if character.isprintable())[:40].strip()


class CampaignForm(forms.Form):
    """A campaign and its visit standard on one page."""

    name = forms.CharField(label=_("Name"), max_length=100)
    starts_on = forms.DateField(label=_("Starts on"), widget=DateInput())
    ends_on = forms.DateField(label=_("Ends on"), widget=DateInput())
    units = forms.ModelMultipleChoiceField(
        label=_("Units taking part"),
        queryset=Unit.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: the whole district."),
    )
    categories = forms.MultipleChoiceField(
        label=_("Only households of these categories"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen: every household."),
    )
    roster_states = forms.MultipleChoiceField(
        label=_("Which households stand on the roster"),
        choices=Household.RosterState.choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Usually only those in residence."),
    )
    counts_unfinished = forms.BooleanField(
        label=_("A meeting that was not finished counts as a visit"), required=False, initial=True
    )
    makeup_workdays = forms.IntegerField(label=_("Make-up visit within"), min_value=1, max_value=60, initial=5)
    min_attempts = forms.IntegerField(label=_("Attempts before “unreachable”"), min_value=1, max_value=10, initial=3)
    min_days = forms.IntegerField(label=_("On different days"), min_value=1, max_value=10, initial=3)
    min_time_bands = forms.IntegerField(label=_("In different parts of the day"), min_value=1, max_value=3, initial=2)
    text = forms.CharField(
        label=_("In words, for the visitor"),
        max_length=1000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Shown on the phone below the rules above."),
    )

    def __init__(self, *args: Any, user: User, campaign: Campaign | None = None, **kwargs: Any) -> None:
        standard = VisitStandard.objects.in_force(campaign) if campaign else None
        initial: dict[str, Any] = {"roster_states": [Household.RosterState.IN_RESIDENCE.value]}
        if campaign is not None:
            initial |= {
                "name": campaign.name,
                "starts_on": campaign.starts_on,
                "ends_on": campaign.ends_on,
                "units": list(campaign.units.values_list("pk", flat=True)),
                "categories": campaign.categories,
            }
        if standard is not None:
            initial |= {
                name: getattr(standard, name)
                for name in ("roster_states", "makeup_workdays", "min_attempts", "min_days", "min_time_bands", "text")
            }
            initial["counts_unfinished"] = Outcome.PARTLY_MET in standard.counted_outcomes
        kwargs["initial"] = initial
        super().__init__(*args, **kwargs)
        chosen = Unit.objects.filter(campaigns=campaign) if campaign else Unit.objects.none()
        units = Unit.objects.visible_to(user).active()
        self.fields["units"].queryset = (  # type: ignore[attr-defined]
            units.filter(Q(kind=Unit.Kind.TOWNSHIP) | Q(pk__in=chosen.values("pk")))
        )
        self.fields["categories"].choices = HouseholdCategory.objects.values_list("code", "name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Refuse an end before the start, and more days or parts of the day than attempts."""
        values: dict[str, Any] = super().clean() or {}
        if values.get("starts_on") and values.get("ends_on") and values["ends_on"] < values["starts_on"]:
            self.add_error("ends_on", _("The campaign must not end before it starts."))
        if values.get("min_attempts") and values.get("min_days") and values["min_days"] > values["min_attempts"]:
            self.add_error("min_days", _("There cannot be more days than attempts."))
        return values

    def campaign_values(self) -> dict[str, Any]:
        """The arguments of save_campaign."""
        values = {name: self.cleaned_data[name] for name in ("name", "starts_on", "ends_on", "categories")}
        return values | {"units": list(self.cleaned_data["units"])}

    def standard_values(self) -> dict[str, Any]:
        """The arguments of save_standard."""
        names = ("roster_states", "makeup_workdays", "min_attempts", "min_days", "min_time_bands", "text")
        counted = [Outcome.MET.value, *([Outcome.PARTLY_MET.value] if self.cleaned_data["counts_unfinished"] else [])]
        return {name: self.cleaned_data[name] for name in names} | {"counted_outcomes": counted}


class RosterFilterForm(forms.Form):
    """The filters of a campaign's households, as they stand in the query string; a wrong one is left out."""

    SHOW = (
        ("", _("all")),
        ("not_covered", _("not visited yet")),
        ("unassigned", _("without a visitor")),
        ("make_up_due", _("make-up due now")),
        *State.choices,
    )

    q = forms.CharField(
        label=_("Search"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": _("Head of household, door or number")}),
    )
    unit = forms.ModelChoiceField(label=_("Unit"), queryset=Unit.objects.none(), required=False, empty_label=_("all"))
    show = forms.ChoiceField(label=_("State"), choices=SHOW, required=False)
    group = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    visitor = forms.IntegerField(required=False, widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1)

    # In the query string for the households of a village that belong to no group.
    NO_GROUP = "-"

    def __init__(self, data: QueryDict, *, user: User) -> None:
        clean = data.copy()
        for name in clean:
            clean.setlist(name, [search_text(value) for value in clean.getlist(name)])
        super().__init__(clean)
        self.fields["unit"].queryset = (  # type: ignore[attr-defined]
            Unit.objects.visible_to(user).filter(kind__in=[Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE])
        )
        self.is_valid()

    def value(self, name: str) -> Any:
        """A filter's value, or None where it is empty or makes no sense."""
        return getattr(self, "cleaned_data", {}).get(name) or None

    def narrow(self, duties: AssignmentQuerySet) -> AssignmentQuerySet:
        """Apply the filters."""
        if unit := self.value("unit"):
            duties = duties.filter(household__village__code__startswith=unit.code)
        if group := self.value("group"):
            duties = duties.filter(household__group="" if group == self.NO_GROUP else group)
        if visitor := self.value("visitor"):
            duties = duties.filter(visitor=visitor)
        match self.value("show"):
            case "not_covered":
                duties = duties.filter(covered_on=None).exclude(state=State.OFF_ROSTER)
            case "unassigned":
                duties = duties.filter(visitor=None).exclude(state=State.OFF_ROSTER)
            case "make_up_due":
                duties = duties.make_up_due(timezone.localdate())
            case str(state) if state in State.values:
                duties = duties.filter(state=state)
        if text := self.value("q"):
            found = Q(household__head_name__contains=text) | Q(household__address__contains=text)
            found |= Q(household__number__endswith=text)
            if text.isascii() and text.isalpha():
                found |= Q(household__head_pinyin__startswith=text.lower())
            duties = duties.filter(found)
        return duties


class AssignForm(forms.Form):
    """Which households are to be assigned, as it stands in the query string."""

    unit = forms.ModelChoiceField(
        label=_("Township or village"), queryset=Unit.objects.none(), required=False, empty_label=None
    )
    category = forms.ChoiceField(label=_("Household category"), required=False)
    assigned = forms.BooleanField(label=_("also those that have a visitor"), required=False)
    visited = forms.BooleanField(label=_("also those already visited"), required=False)

    def __init__(self, data: QueryDict, *, user: User) -> None:
        clean = data.copy()
        for name in clean:
            clean.setlist(name, [search_text(value) for value in clean.getlist(name)])
        super().__init__(clean)
        units = Unit.objects.visible_to(user).filter(kind__in=[Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE])
        self.fields["unit"].queryset = units  # type: ignore[attr-defined]
        self.fields["category"].choices = [  # type: ignore[attr-defined]
            ("", _("all")),
            *HouseholdCategory.objects.values_list("code", "name"),
        ]
        self.is_valid()

    def selection(self, campaign: Campaign) -> Selection | None:
        """The households chosen, or None while no unit within reach is named."""
        values = getattr(self, "cleaned_data", {})
        if values.get("unit") is None:
            return None
        return Selection(
            campaign=campaign,
            unit=values["unit"],
            category=values.get("category") or "",
            include_assigned=bool(values.get("assigned")),
            include_visited=bool(values.get("visited")),
        )


class StaffFinder:
    """Finds people by staff number or name among those who may be given households in or below a unit."""

    def __init__(self, unit: Unit) -> None:
        self.areas = staff_areas(unit)
        people = User.objects.filter(pk__in=self.areas).order_by("staff_number")
        self.people = {person.pk: person for person in people}
        self._by_number = {person.staff_number.lower(): person for person in people}
        self._by_name: dict[str, list[User]] = {}
        for person in people:
            self._by_name.setdefault(person.name, []).append(person)

    def find(self, text: str, unit: Unit) -> User:
        """Return who is meant by "V001", "V001 李走访" or "李走访", for households of `unit`.

        Raises ValidationError where it is nobody, several, or somebody who may not visit there.
        """
        person = self.find_anywhere(text)
        if not may_be_given(self.areas, person.pk, unit):
            raise ValidationError(_("%(name)s cannot visit in %(unit)s.") % {"name": person, "unit": unit})
        return person

    def find_anywhere(self, text: str) -> User:
        """Return who is meant, wherever they may visit. Raises ValidationError where it is nobody, or several."""
        words = search_text(text).split()
        person = self._by_number.get(words[0].lower()) if words else None
        named = self._by_name.get("".join(words), [])
        if person is None and len(named) > 1:
            message = _("There are several people called %(text)s: write the staff number.") % {"text": words[0]}
            raise ValidationError(message)
        if person is None and named:
            person = named[0]
        if person is None:
            raise ValidationError(
                _("Nobody who may visit here has the staff number or name “%(text)s”.") % {"text": " ".join(words)}
            )
        return person


class UploadForm(forms.Form):
    """A table of who visits which household."""

    file = forms.FileField(label=_("Excel table"))
    anyway = forms.BooleanField(label=_("Assign the correct rows even if others are wrong"), required=False)
