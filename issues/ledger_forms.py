"""The ledger's filters, as they stand in the query string; the names they are saved under; the columns shown."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache, partial
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from households.roster.read import ACCEPTED
from issues import search
from issues.columns import BY_KEY, COLUMNS
from issues.forms import Choices, category_choices, grouped
from issues.models import Category, IssueQuerySet, Kind, Outcome, SavedFilter, Solvability
from issues.uploads import MAX_FILE
from issues.workflow import ENDED_STATES, State
from outreach import access, calendar
from outreach.access import Permission
from outreach.models import Campaign, Unit, UnitQuerySet, User

DUE_SOON_WORKDAYS = 2
# Days that can be turned into moments of any time zone.
DAY_LIMITS = [MinValueValidator(date(1949, 10, 1)), MaxValueValidator(date(2199, 12, 31))]
# Always within sight; the others are folded away.
FIRST_FILTERS = ("q", "place", "unit", "category", "due")
# What stands in the address but is no filter.
NO_FILTERS = ("state", "sort", "page")


def day_field(label: Any) -> forms.DateField:
    """A day of a range."""
    return forms.DateField(
        label=label, required=False, validators=DAY_LIMITS, widget=forms.DateInput(attrs={"type": "date"})
    )


@dataclass(frozen=True)
class Chip:
    """A filter that is on: what it says, and the address without it."""

    label: str
    text: str
    url: str


class LedgerForm(forms.Form):
    """The ledger's filters, as they stand in the query string. A field that makes no sense is named and left out."""

    TABS = (
        ("todo", gettext_lazy("My unit's turn")),
        ("open", gettext_lazy("Still open")),
        *State.choices,
        ("all", gettext_lazy("All")),
    )

    state = forms.ChoiceField(choices=TABS, required=False, widget=forms.HiddenInput)
    sort = forms.ChoiceField(
        choices=[(f"{sign}{column.key}", column.label) for column in COLUMNS if column.order for sign in ("", "-")],
        required=False,
        widget=forms.HiddenInput,
    )
    q = forms.CharField(
        label=gettext_lazy("Search"),
        max_length=60,
        required=False,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": gettext_lazy("Number, name, initials, phone, door or text")}
        ),
    )
    place = forms.ModelChoiceField(label=gettext_lazy("Place"), queryset=Unit.objects.none(), required=False)
    unit = forms.ModelChoiceField(label=gettext_lazy("Responsible unit"), queryset=Unit.objects.none(), required=False)
    category = forms.ModelChoiceField(
        label=gettext_lazy("Category"), queryset=Category.objects.filter(is_active=True), required=False
    )
    due = forms.ChoiceField(label=gettext_lazy("Due day"), required=False)
    kind = forms.ChoiceField(label=gettext_lazy("Kind of issue"), required=False)
    outcome = forms.ChoiceField(label=gettext_lazy("How it ended"), required=False)
    solvability = forms.ChoiceField(label=gettext_lazy("Can it be solved?"), required=False)
    helper = forms.ModelChoiceField(label=gettext_lazy("Helping unit"), queryset=Unit.objects.none(), required=False)
    line = forms.ModelChoiceField(label=gettext_lazy("Line of work"), queryset=Unit.objects.none(), required=False)
    campaign = forms.ModelChoiceField(label=gettext_lazy("Campaign"), queryset=Campaign.objects.none(), required=False)
    recorded_from = day_field(gettext_lazy("Recorded from"))
    recorded_to = day_field(gettext_lazy("Recorded until"))
    due_from = day_field(gettext_lazy("Due from"))
    due_to = day_field(gettext_lazy("Due until"))
    closed_from = day_field(gettext_lazy("Signed off from"))
    closed_to = day_field(gettext_lazy("Signed off until"))
    urgent = forms.BooleanField(label=gettext_lazy("Urgent"), required=False)
    supervised = forms.BooleanField(label=gettext_lazy("Under supervision"), required=False)
    redone = forms.BooleanField(label=gettext_lazy("Redone"), required=False)
    mine = forms.BooleanField(label=gettext_lazy("Recorded by me"), required=False)
    held = forms.BooleanField(label=gettext_lazy("Held by my unit"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.found: search.Found | None = None
        post = access.post_of(user)
        self.post_unit = unit = post.unit if post else None
        district = Unit.objects.active().filter(code__startswith=unit.district_code) if unit else Unit.objects.none()
        below = district.filter(parent=unit) if unit and unit.kind == Unit.Kind.TOWNSHIP else district.townships()
        holders = district.departments() | below
        if unit is not None:
            holders = holders | district.filter(pk=unit.pk)
        self.holders = holders.select_related("parent")
        kind = Unit.Kind.VILLAGE if unit and unit.kind == Unit.Kind.TOWNSHIP else Unit.Kind.TOWNSHIP
        self.choose("place", district, _("everywhere"), {kind})
        self.choose("unit", district, _("every unit"))
        self.choose("helper", district, _("whether helped or not"))
        self.choose("line", district.departments(), _("every line"), {Unit.Kind.DEPARTMENT})
        campaign = self.fields["campaign"]
        assert isinstance(campaign, forms.ModelChoiceField)
        campaign.queryset, campaign.empty_label = Campaign.objects.visible_to(user), _("every campaign")
        self.offer("category", category_choices(_("every category")))
        self.offer("kind", [("", _("every kind")), *Kind.choices])
        self.offer("outcome", [("", _("every outcome")), *Outcome.choices])
        self.offer("solvability", [("", _("judged or not")), *(row for row in Solvability.choices if row[0])])
        self.offer(
            "due",
            [
                ("", _("whenever")),
                ("overdue", _("overdue")),
                ("soon", _("due within %(days)d working days") % {"days": DUE_SOON_WORKDAYS}),
            ],
        )
        self.is_valid()

    def offer(self, name: str, choices: Choices | Callable[[], Choices]) -> None:
        """Set what a choice field offers."""
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def choose(
        self, name: str, queryset: UnitQuerySet, blank: str, kinds: Set[str] = frozenset(Unit.Kind.values)
    ) -> None:
        """Accept any unit of `queryset`, and offer the holders of these `kinds`, which are fewer."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = queryset
        field.choices = cache(partial(self.offered, name, queryset, blank, kinds))

    def offered(self, name: str, queryset: UnitQuerySet, blank: str, kinds: Set[str]) -> Choices:
        """What `choose` offers, made when it is shown; the holders are read once for all fields."""
        choices = grouped([unit for unit in self.holders if unit.kind in kinds], blank)
        chosen = str(self.data.get(name, ""))
        shown = {str(key) for _group, rows in choices[1:] for key, _label in rows}
        # a drill-down may name a unit the list does not offer: a village, seen from the district
        if chosen.isascii() and chosen.isdigit() and len(chosen) < 10 and chosen not in shown:
            choices += [(_("Chosen"), [(row.pk, row.name) for row in queryset.filter(pk=chosen)])]
        return choices

    def given(self) -> dict[str, Any]:
        """The filters that are on, by field, in the form's order; neither tab nor sorting."""
        return {
            name: self.cleaned_data[name]
            for name in self.fields
            if name not in NO_FILTERS and self.cleaned_data.get(name)
        }

    def more_fields(self) -> list[Any]:
        """The fields of the fold."""
        return [self[name] for name in self.fields if name not in (*NO_FILTERS, *FIRST_FILTERS)]

    def more_given(self) -> bool:
        """Is the fold open: asked for by ?more, or one of its filters on, or wrong?"""
        return "more" in self.data or any(
            name not in (*NO_FILTERS, *FIRST_FILTERS) for name in (*self.given(), *self.errors)
        )

    def told(self) -> dict[str, str]:
        """The filters that were given, for the audit trail. What was searched for stays out: it may be a name."""
        told = {name: str(getattr(value, "pk", value)) for name, value in self.cleaned_data.items() if value}
        return {**told, "q": "…"} if "q" in told else told

    def chips(self) -> list[Chip]:
        """A chip for each filter that is on."""
        chips = []
        for name, value in self.given().items():
            field = self.fields[name]
            text = str(value)
            if isinstance(field, forms.BooleanField):
                text = ""
            elif isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
                text = str(dict(field.choices).get(value, value))  # type: ignore[arg-type]
            query = self.query()
            query.pop(name, None)
            chips.append(Chip(label=str(field.label), text=text, url=f"?{query.urlencode()}"))
        return chips

    def query(self, *, with_tab: bool = True) -> QueryDict:
        """The understood part of the address: filters, tab and sorting, without the page."""
        query = QueryDict(mutable=True)
        for name in self.fields:
            if self.cleaned_data.get(name) and (with_tab or name != "state"):
                query[name] = str(self.data.get(name))
        return query

    @property
    def tab(self) -> str:
        """The chosen tab. Where none is: all for a search, the unit's turn for those who handle and filter nothing,
        else what is open. For a number found all in any case."""
        if self.found and self.found.is_number:
            return "all"
        if chosen := self.cleaned_data.get("state"):
            return str(chosen)
        if self.cleaned_data.get("q"):
            return "all"
        handles = access.has_permission(self.user, Permission.ISSUE_HANDLE)
        return "todo" if handles and not self.given() else "open"

    def narrow(self, issues: IssueQuerySet) -> IssueQuerySet:
        """Return those of `issues` that every filter but the tab lets through."""
        given = self.given()
        today = timezone.localdate()
        if place := given.get("place"):
            issues = issues.filter(place__in=list(Unit.objects.within(place).values_list("pk", flat=True)))
        if category := given.get("category"):
            issues = issues.filter(category__in=[category.pk, *category.children.values_list("pk", flat=True)])
        for name in ("unit", "kind", "outcome", "solvability", "campaign"):
            if name in given:
                issues = issues.filter(**{name: given[name]})
        if helper := given.get("helper"):
            issues = issues.filter(pk__in=helper.issues_helped.values("issue"))
        if given.get("due") == "overdue":
            issues = issues.overdue(today)
        elif given.get("due") == "soon":
            issues = issues.due_between(today, calendar.add_workdays(today, DUE_SOON_WORKDAYS))
        if "line" in given:
            issues = issues.line_of(given["line"])
        issues = self.narrow_days(issues)
        if "urgent" in given:
            issues = issues.filter(is_urgent=True)
        if "supervised" in given:
            issues = issues.filter(supervised_at__isnull=False)
        if "redone" in given:
            issues = issues.filter(redos__gt=0)
        if "mine" in given:
            issues = issues.filter(recorded_by=self.user)
        if "held" in given:
            issues = issues.filter(unit=self.post_unit)
        if words := given.get("q"):
            self.found = search.find(issues, words, self.user)
            issues = self.found.issues
        return issues

    def narrow_days(self, issues: IssueQuerySet) -> IssueQuerySet:
        """Apply the ranges of days, both ends included."""
        given = self.given()
        for name, field in (("recorded", "recorded_at"), ("closed", "closed_at")):
            if first := given.get(f"{name}_from"):
                issues = issues.filter(**{f"{field}__gte": midnight(first)})
            if last := given.get(f"{name}_to"):
                issues = issues.filter(**{f"{field}__lt": midnight(last + timedelta(days=1))})
        if first := given.get("due_from"):
            issues = issues.filter(due_on__gte=first)
        if last := given.get("due_to"):
            issues = issues.filter(due_on__lte=last)
        return issues

    def in_tab(self, issues: IssueQuerySet, tab: str = "") -> IssueQuerySet:
        """Return those of `issues` that stand in the tab, in no order."""
        tab = tab or self.tab
        if tab == "all":
            return issues
        if tab == "todo":
            return issues.needing(self.user)
        return issues.open() if tab == "open" else issues.filter(state=tab)

    def ordered(self, issues: IssueQuerySet) -> IssueQuerySet:
        """Order by the chosen column; where none is, what is open by due day, the most pressing first, and what is
        over the latest first."""
        if sort := self.cleaned_data.get("sort"):
            return issues.order_by(*BY_KEY[sort.removeprefix("-")].ordering(descending=sort.startswith("-")))
        is_over = self.tab == "all" or self.tab in ENDED_STATES
        return issues.order_by("-due_on", "-pk") if is_over else issues.order_by("due_on", "pk")


def midnight(day: date) -> datetime:
    """The moment a day begins on the district's clock."""
    return timezone.make_aware(datetime.combine(day, time.min))


class SaveFilterForm(forms.ModelForm):
    """The name of a filter. The view hands what was typed to an action; form.save is never called."""

    class Meta:
        model = SavedFilter
        fields = ["name", "is_shared"]
        labels = {"name": gettext_lazy("Name of the filter"), "is_shared": gettext_lazy("My unit sees it too")}


class ColumnsForm(forms.Form):
    """Which columns the ledger shows."""

    columns = forms.MultipleChoiceField(
        label=gettext_lazy("Columns"),
        choices=[(column.key, column.label) for column in COLUMNS],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one column.")},
    )


class UploadForm(forms.Form):
    """An edited ledger on its way back."""

    file = forms.FileField(
        label=gettext_lazy("Edited ledger"),
        widget=forms.FileInput(attrs={"accept": ",".join(ACCEPTED)}),
        error_messages={"required": gettext_lazy("Choose the edited ledger.")},
    )

    def clean_file(self) -> UploadedFile:
        """Refuse what is too large to be a ledger."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MAX_FILE:
            raise forms.ValidationError(_("The file is larger than 10 MB. Export a narrower ledger and edit that."))
        return file
