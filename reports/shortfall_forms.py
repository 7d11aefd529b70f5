"""What people type about deductions from above, shortfalls and other counties' scores. No form saves."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from issues.forms import grouped, unit_choices
from outreach.models import Campaign, Membership, Unit
from reports.actions.plans import MAX_REMARK, MAX_TEXT
from reports.actions.shortfalls import DeductionContent, ShortfallContent
from reports.models import Deduction, Shortfall
from reports.models.shortfalls import FIRST_YEAR, LAST_YEAR
from reports.plan_forms import DATE, ListForm, owner_choices, owner_posts

SHARES = 6
TEXT = {"rows": 3}


class OwnedForm(forms.Form):
    """What both lists ask: who answers, what is done, until when."""

    person = forms.ModelChoiceField(
        label=gettext_lazy("Responsible unit and person in charge"), queryset=Membership.objects.none()
    )
    measure = forms.CharField(label=gettext_lazy("Measure"), max_length=MAX_TEXT, widget=forms.Textarea(attrs=TEXT))
    due_on = forms.DateField(label=pgettext_lazy("task", "Due on"), widget=forms.DateInput(attrs=DATE))

    def __init__(self, *args: Any, district: Unit, keep: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["person"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = owner_posts(district, keep=keep)
        field.choices = owner_choices(field.queryset, _("Choose a person"))


class DeductionForm(OwnedForm):
    """A deduction from above, and whose it is."""

    level = forms.ChoiceField(
        label=gettext_lazy("Deducted by"), choices=Deduction.Level, widget=forms.RadioSelect, initial="province"
    )
    year = forms.IntegerField(label=gettext_lazy("Year"), min_value=FIRST_YEAR, max_value=LAST_YEAR)
    round = forms.CharField(
        label=gettext_lazy("Round"),
        max_length=30,
        required=False,
        help_text=gettext_lazy("First half, third quarter …"),
    )
    item = forms.CharField(label=gettext_lazy("Item"), max_length=100)
    points = forms.DecimalField(
        label=gettext_lazy("Points deducted"), min_value=Decimal("0.001"), max_digits=6, decimal_places=3
    )
    basis = forms.CharField(
        label=gettext_lazy("Document it is based on"), max_length=200, help_text=gettext_lazy("Title and number.")
    )
    deducted_on = forms.DateField(label=gettext_lazy("Day of the document"), widget=forms.DateInput(attrs=DATE))
    lesson = forms.CharField(
        label=gettext_lazy("Lesson"), max_length=MAX_TEXT, required=False, widget=forms.Textarea(attrs=TEXT)
    )

    field_order = (
        "level",
        "year",
        "round",
        "item",
        "points",
        "basis",
        "deducted_on",
        "lesson",
        "person",
        "measure",
        "due_on",
    )

    def __init__(self, *args: Any, district: Unit, shares: Sequence[Any] = (), **kwargs: Any) -> None:
        super().__init__(*args, district=district, **kwargs)
        every = Unit.objects.active().filter(code__startswith=district.code)
        units = every.departments() | every.townships()
        if shares:
            units = units | every.filter(pk__in=[share.unit_id for share in shares])
        choices = unit_choices(units, _("none"))
        for at in range(SHARES):
            share = shares[at] if at < len(shares) else None
            unit = forms.ModelChoiceField(
                label=_("Unit %(number)d") % {"number": at + 1},
                queryset=units,
                required=at == 0,
                initial=share.unit_id if share else None,
            )
            unit.choices = choices
            self.fields[f"unit_{at}"] = unit
            self.fields[f"share_{at}"] = forms.DecimalField(
                label=_("Points of unit %(number)d") % {"number": at + 1},
                required=False,
                min_value=Decimal("0.001"),
                max_digits=6,
                decimal_places=3,
                initial=share.points if share else None,
                help_text=_("Left open for a single unit: all of it.") if at == 0 else "",
            )

    def main_fields(self) -> list[forms.BoundField]:
        """The fields without those of the shares."""
        return [field for field in self if not field.name.startswith(("unit_", "share_"))]

    def share_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The pairs of unit and points."""
        return [(self[f"unit_{at}"], self[f"share_{at}"]) for at in range(SHARES)]

    def clean(self) -> dict[str, Any]:
        """Gather the shares; a single unit without points takes the whole."""
        data = self.cleaned_data
        pairs = [(data.get(f"unit_{at}"), data.get(f"share_{at}")) for at in range(SHARES)]
        given = [(unit, points) for unit, points in pairs if unit is not None]
        if len(given) == 1 and given[0][1] is None and data.get("points"):
            given = [(given[0][0], data["points"])]
        if any(points is None for _unit, points in given) or any(
            points is not None and unit is None for unit, points in pairs
        ):
            self.add_error(None, _("Give each unit its points, and each share its unit."))
        data["shares"] = given
        return data

    def content(self) -> DeductionContent:
        """The valid form as what the action takes."""
        names = (
            "level",
            "year",
            "round",
            "item",
            "points",
            "basis",
            "deducted_on",
            "person",
            "measure",
            "due_on",
            "lesson",
        )
        return DeductionContent(**{name: self.cleaned_data[name] for name in names}, shares=self.cleaned_data["shares"])


def initial_of_deduction(row: Deduction) -> dict[str, Any]:
    """What the form of a deduction begins with."""
    names = ("level", "year", "round", "item", "points", "basis", "deducted_on", "lesson", "measure", "due_on")
    return {name: getattr(row, name) for name in names} | {"person": row.person_id}


class ShortfallForm(OwnedForm):
    """A shortfall of an earlier year."""

    year = forms.IntegerField(label=gettext_lazy("Year"), min_value=FIRST_YEAR, max_value=LAST_YEAR)
    item = forms.CharField(label=gettext_lazy("Item"), max_length=100)
    points = forms.DecimalField(
        label=gettext_lazy("Points lost"), min_value=Decimal("0.001"), max_digits=6, decimal_places=3
    )
    cause = forms.CharField(
        label=gettext_lazy("Cause"), max_length=MAX_TEXT, required=False, widget=forms.Textarea(attrs=TEXT)
    )
    helpers = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Helping units"),
        required=False,
        queryset=Unit.objects.none(),
        widget=forms.SelectMultiple(attrs={"size": 5}),
    )

    field_order = ("year", "item", "points", "cause", "person", "measure", "due_on", "helpers")

    def __init__(self, *args: Any, district: Unit, **kwargs: Any) -> None:
        super().__init__(*args, district=district, **kwargs)
        units = Unit.objects.active().filter(code__startswith=district.code)
        field = self.fields["helpers"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = units.departments() | units.townships()
        field.choices = grouped(field.queryset.select_related("parent"), "")[1:]

    def content(self) -> ShortfallContent:
        """The valid form as what the action takes."""
        data = {**self.cleaned_data, "helpers": tuple(self.cleaned_data["helpers"])}
        return ShortfallContent(**data)


def initial_of_shortfall(row: Shortfall) -> dict[str, Any]:
    """What the form of a shortfall begins with."""
    names = ("year", "item", "points", "cause", "measure", "due_on")
    values = {name: getattr(row, name) for name in names}
    return values | {"person": row.person_id, "helpers": list(row.helpers.values_list("pk", flat=True))}


class YearListForm(ListForm):
    """A list of one year."""

    year = forms.IntegerField(label=gettext_lazy("Year"), min_value=FIRST_YEAR, max_value=LAST_YEAR)

    field_order = ("year", "file", "text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["year"].initial = timezone.localdate().year - 1


class AnswerForm(forms.Form):
    """What the responsible unit did."""

    answer = forms.CharField(
        label=gettext_lazy("What was done"), max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 4})
    )


class RemedyFilterForm(forms.Form):
    """Filters of both lists; what cannot be read filters nothing."""

    q = forms.CharField(label=gettext_lazy("Words"), required=False, max_length=50)
    year = forms.TypedChoiceField(label=gettext_lazy("Year"), required=False, coerce=int, empty_value=None)
    unit = forms.ModelChoiceField(label=gettext_lazy("Unit"), required=False, queryset=Unit.objects.none())
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)

    def __init__(
        self, *args: Any, years: Sequence[int], units: Any, flags: Sequence[tuple[str, Any]] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        year_choices = [("", _("All years")), *((year, year) for year in years)]
        self.fields["year"].choices = year_choices  # type: ignore[attr-defined]
        field = self.fields["unit"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = units
        field.choices = unit_choices(units, _("All units"))
        late = ("late", _("overdue"))
        states = [("", _("All states")), late, *Deduction.State.choices, *flags]
        self.fields["state"].choices = states  # type: ignore[attr-defined]

    def value(self, name: str) -> Any:
        """Return the cleaned value, None where it is empty or wrong."""
        self.is_valid()
        return self.cleaned_data.get(name) or None


class ProposeForm(forms.Form):
    """Which item of which campaign's scheme a deduction is proposed under."""

    item = forms.ChoiceField(label=gettext_lazy("Item of the scheme"))

    def __init__(self, *args: Any, items: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["item"].choices = [("", _("Choose an item")), *items]  # type: ignore[attr-defined]


class RemarkForm(forms.Form):
    """Settle, or send back with the reason."""

    accept = forms.TypedChoiceField(
        choices=[("1", gettext_lazy("Settle")), ("0", gettext_lazy("Send back"))], coerce=lambda value: value == "1"
    )
    remark = forms.CharField(
        label=gettext_lazy("Remark"),
        required=False,
        max_length=MAX_REMARK,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Needed when it is sent back."),
    )


def campaign_of(district: Unit) -> Campaign | None:
    """The campaign proposals go to: the running one, else the latest that began."""
    rows = Campaign.objects.filter(district=district).exclude(state=Campaign.State.DRAFT)
    return rows.open().first() or rows.first()
