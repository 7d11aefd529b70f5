"""Forms of households and rosters: they give domain values and never save."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from households.models import Category, Household, HouseholdQuerySet
from households.roster import clean
from households.roster.columns import FIELDS, FLAG, LEFT_OUT
from households.roster.read import ACCEPTED, MAX_FILE, MESSAGES, UnusableFile, kind_of
from households.search import matching
from outreach import access
from outreach.models import Unit, User

Choices = list[tuple[Any, Any]]


def unit_choices(user: User, empty: str | None) -> Choices:
    """The townships and villages in reach, in official order, villages under their township."""
    units = Unit.objects.visible_to(user).active().exclude(kind=Unit.Kind.DEPARTMENT).order_by("sort_order", "code")
    listed = list(units)
    choices: Choices = [("", empty)] if empty is not None else []
    for unit in listed:
        if unit.kind != Unit.Kind.VILLAGE:
            choices.append((unit.pk, unit.name))
            below = [place for place in listed if place.parent_id == unit.pk and place.kind == Unit.Kind.VILLAGE]
            choices.extend((place.pk, f"　{place.name}") for place in below)
    if len(choices) <= 1:
        choices.extend((unit.pk, unit.name) for unit in listed)
    return choices


class UploadForm(forms.Form):
    """A roster file and the unit it is for."""

    unit = forms.ModelChoiceField(
        label=gettext_lazy("Unit the roster is for"),
        queryset=Unit.objects.none(),
        help_text=gettext_lazy("Only villages of this unit may stand in the file."),
    )
    file = forms.FileField(
        label=gettext_lazy("Roster file"),
        widget=forms.FileInput(attrs={"accept": ",".join(ACCEPTED)}),
        error_messages={"required": gettext_lazy("Choose the roster file.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unit = self.fields["unit"]
        assert isinstance(unit, forms.ModelChoiceField)
        unit.queryset = Unit.objects.visible_to(user).active().exclude(kind=Unit.Kind.DEPARTMENT)
        unit.choices = unit_choices(user, None)
        post = access.post_of(user)
        unit.initial = post.unit.pk if post else None

    def clean_file(self) -> UploadedFile:
        """Refuse at once what is too large or no spreadsheet; what is inside is for the worker to see."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MAX_FILE:
            raise ValidationError(str(MESSAGES["too_large"]))
        try:
            if isinstance(file, TemporaryUploadedFile):
                kind_of(Path(file.temporary_file_path()))
            else:
                _kind_of_content(file)
        except UnusableFile as problem:
            raise ValidationError(problem.message) from None
        return file


def _kind_of_content(file: UploadedFile) -> None:
    import tempfile

    with tempfile.NamedTemporaryFile(prefix="roster-") as copy:
        for chunk in file.chunks():
            copy.write(chunk)
        copy.flush()
        kind_of(Path(copy.name))
    file.seek(0)


class MappingForm(forms.Form):
    """What each column title of a file means: one select for each title the file uses."""

    def __init__(self, *args: Any, columns: list[dict[str, Any]], **kwargs: Any) -> None:
        """`columns` are the summary's: title, key, field, samples; titles that repeat on other sheets count once."""
        super().__init__(*args, **kwargs)
        flags = [(FLAG + code, _("Yes/no column: %(name)s") % {"name": name}) for code, name in _category_names()]
        choices = [(LEFT_OUT, _("— leave out —")), *FIELDS.items(), *flags]
        self.columns = {column["key"]: column for column in reversed(columns)}
        self.keys = {f"column_{position}": key for position, key in enumerate(sorted(self.columns))}
        for name, key in self.keys.items():
            self.fields[name] = forms.ChoiceField(
                label=self.columns[key]["title"], choices=choices, initial=self.columns[key]["field"], required=False
            )

    def clean(self) -> dict[str, Any]:
        """Demand a column with names."""
        data = super().clean() or {}
        chosen = {data.get(name) for name in self.keys}
        if not chosen & {"name", "head_name"}:
            raise ValidationError(_("One column must be the resident's name or the head's name."))
        return data

    def mapping(self) -> dict[str, str]:
        """Return title key → field."""
        return {key: self.cleaned_data[name] for name, key in self.keys.items()}

    def rows(self) -> list[dict[str, Any]]:
        """Return each field with its column's samples, in the file's order."""
        order = sorted(self.keys.items(), key=lambda item: self.columns[item[1]]["index"])
        return [{"field": self[name], "samples": self.columns[key]["samples"]} for name, key in order]


def _category_names() -> list[tuple[str, str]]:
    return list(Category.objects.values_list("code", "name"))


class HouseholdFilterForm(forms.Form):
    """Which households are listed. Junk in the query string filters nothing."""

    q = forms.CharField(
        label=gettext_lazy("Search"),
        max_length=40,
        required=False,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": gettext_lazy("Name, initials, door or end of phone")}
        ),
    )
    unit = forms.ModelChoiceField(label=gettext_lazy("Unit"), queryset=Unit.objects.none(), required=False)
    group = forms.CharField(label=gettext_lazy("Group"), max_length=40, required=False)
    category = forms.ModelChoiceField(
        label=gettext_lazy("Household category"),
        queryset=Category.objects.all(),
        required=False,
        empty_label=gettext_lazy("every category"),
    )
    state = forms.ChoiceField(label=gettext_lazy("Roster state"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unit = self.fields["unit"]
        assert isinstance(unit, forms.ModelChoiceField)
        unit.queryset = Unit.objects.visible_to(user)
        unit.choices = unit_choices(user, _("everywhere"))
        self.fields["state"].choices = [  # type: ignore[attr-defined]
            ("", _("every state")),
            *Household.RosterState.choices,
            ("do_not_visit", _("not to be visited")),
        ]
        self.is_valid()

    def narrow(self, households: HouseholdQuerySet) -> HouseholdQuerySet:
        """Return the households that match, in door order."""
        data = self.cleaned_data
        if unit := data.get("unit"):
            households = households.filter(village__code__startswith=unit.code)
        if group := data.get("group"):
            households = households.filter(group__in=[group, clean.group(group)])
        if category := data.get("category"):
            households = households.filter(categories__contains=[category.code])
        if state := data.get("state"):
            do_not_visit = state == "do_not_visit"
            households = households.filter(
                **({"do_not_visit_at__isnull": False} if do_not_visit else {"roster_state": state})
            )
        if query := data.get("q"):
            households = households.filter(pk__in=matching(clean.text(query)))
        return households.order_by("village", "door_key", "pk")


class HouseholdForm(forms.ModelForm):
    """A household's own fields; the action writes them."""

    categories = forms.MultipleChoiceField(
        label=gettext_lazy("Household categories"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = Household
        fields = ["number", "group", "address", "phone", "best_time", "roster_state", "categories", "note"]
        widgets = {"note": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["categories"].choices = _category_names()  # type: ignore[attr-defined]
        self.fields["roster_state"].required = True

    def clean_phone(self) -> str:
        """Accept what a roster accepts."""
        numbers, good = clean.phones(self.cleaned_data["phone"])
        if not good or len(numbers) > 1:
            raise ValidationError(_("Type an 11-digit mobile number, or a landline number with its area code."))
        return numbers[0] if numbers else ""

    def clean_group(self) -> str:
        """Keep one spelling of a group."""
        return clean.group(clean.text(self.cleaned_data["group"]))


class DoNotVisitForm(forms.Form):
    """Why a household asked not to be visited."""

    reason = forms.CharField(label=gettext_lazy("Reason the household gave"), max_length=200)


class RevealForm(forms.Form):
    """Why an ID number is looked at; recorded."""

    reason = forms.CharField(label=gettext_lazy("Why you need the whole number"), max_length=200)


class DecideForm(forms.Form):
    """A decision on a correction."""

    decision = forms.ChoiceField(choices=[("accept", "accept"), ("refuse", "refuse")])
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=200, required=False)
