"""The ledger's filters, as they stand in the query string."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import search
from issues.forms import Choices, category_choices, unit_choices
from issues.models import Category, IssueQuerySet, Kind, Outcome
from issues.workflow import ENDED_STATES, State
from outreach import access, calendar
from outreach.models import Campaign, Unit, UnitQuerySet, User

DUE_SOON_WORKDAYS = 2


class LedgerForm(forms.Form):
    """The ledger's filters, as they stand in the query string. A field that makes no sense is named and left out."""

    TABS = (("open", gettext_lazy("Still open")), *State.choices, ("all", gettext_lazy("All")))

    state = forms.ChoiceField(choices=TABS, required=False, widget=forms.HiddenInput)
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
    kind = forms.ChoiceField(label=gettext_lazy("Kind of issue"), required=False)
    due = forms.ChoiceField(label=gettext_lazy("Due day"), required=False)
    outcome = forms.ChoiceField(label=gettext_lazy("How it ended"), required=False)
    campaign = forms.ModelChoiceField(
        label=gettext_lazy("Campaign"),
        queryset=Campaign.objects.none(),
        required=False,
    )
    recorded_from = forms.DateField(
        label=gettext_lazy("Recorded from"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    recorded_to = forms.DateField(
        label=gettext_lazy("Recorded until"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    mine = forms.BooleanField(label=gettext_lazy("Recorded by me"), required=False)
    helped = forms.BooleanField(label=gettext_lazy("My unit helps"), required=False)
    line = forms.ModelChoiceField(label=gettext_lazy("Line of work"), queryset=Unit.objects.none(), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.found: search.Found | None = None
        post = access.post_of(user)
        unit = post.unit if post else None
        district = Unit.objects.active().filter(code__startswith=unit.district_code) if unit else Unit.objects.none()
        below = district.filter(parent=unit) if unit and unit.kind == Unit.Kind.TOWNSHIP else district.townships()
        holders = district.departments() | below
        if unit is not None:
            holders = holders | district.filter(pk=unit.pk)
        self.choose("place", district, unit_choices(below, _("everywhere")))
        self.choose("unit", district, unit_choices(holders, _("every unit")))
        self.choose("line", district.departments(), unit_choices(district.departments(), _("every line")))
        campaign = self.fields["campaign"]
        assert isinstance(campaign, forms.ModelChoiceField)
        campaign.queryset, campaign.empty_label = Campaign.objects.visible_to(user), _("every campaign")
        self.fields["category"].choices = category_choices(_("every category"))  # type: ignore[attr-defined]
        self.fields["kind"].choices = [("", _("every kind")), *Kind.choices]  # type: ignore[attr-defined]
        self.fields["outcome"].choices = [("", _("every outcome")), *Outcome.choices]  # type: ignore[attr-defined]
        self.fields["due"].choices = [  # type: ignore[attr-defined]
            ("", _("whenever")),
            ("overdue", _("overdue")),
            ("soon", _("due within %(days)d working days") % {"days": DUE_SOON_WORKDAYS}),
        ]
        self.is_valid()

    def choose(self, name: str, queryset: UnitQuerySet, choices: Choices) -> None:
        """Accept any unit of `queryset`, and offer `choices`, which are fewer."""
        field = self.fields[name]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = queryset
        chosen = str(self.data.get(name, ""))
        offered = {str(key) for _group, rows in choices[1:] for key, _label in rows}
        # a drill-down may name a unit the list does not offer: a village, seen from the district
        if chosen.isascii() and chosen.isdigit() and len(chosen) < 10 and chosen not in offered:
            choices += [(_("Chosen"), [(row.pk, row.name) for row in queryset.filter(pk=chosen)])]
        field.choices = choices

    def told(self) -> dict[str, str]:
        """The filters that were given, for the audit trail. What was searched for stays out: it may be a name."""
        told = {name: str(getattr(value, "pk", value)) for name, value in self.cleaned_data.items() if value}
        return {**told, "q": "…"} if "q" in told else told

    @property
    def tab(self) -> str:
        """The chosen state; where none is, the open ones, but all for a search. For a number found all in any case."""
        if self.found and self.found.is_number:
            return "all"
        return str(self.cleaned_data.get("state") or ("all" if self.cleaned_data.get("q") else "open"))

    def narrow(self, issues: IssueQuerySet) -> IssueQuerySet:
        """Return those of `issues` that every filter but the state lets through."""
        given = self.cleaned_data
        today = timezone.localdate()
        if place := given.get("place"):
            issues = issues.filter(place__in=list(Unit.objects.within(place).values_list("pk", flat=True)))
        if unit := given.get("unit"):
            issues = issues.filter(unit=unit)
        if category := given.get("category"):
            issues = issues.filter(category__in=[category.pk, *category.children.values_list("pk", flat=True)])
        for name in ("kind", "outcome", "campaign"):
            if given.get(name):
                issues = issues.filter(**{name: given[name]})
        if given.get("due") == "overdue":
            issues = issues.overdue(today)
        elif given.get("due") == "soon":
            issues = issues.due_between(today, calendar.add_workdays(today, DUE_SOON_WORKDAYS))
        if given.get("recorded_from"):
            issues = issues.filter(recorded_at__date__gte=given["recorded_from"])
        if given.get("recorded_to"):
            issues = issues.filter(recorded_at__date__lte=given["recorded_to"])
        if given.get("mine"):
            issues = issues.filter(recorded_by=self.user)
        if given.get("helped") and (post := access.post_of(self.user)) is not None:
            issues = issues.helped_by(post.unit)
        if line := given.get("line"):
            issues = issues.line_of(line)
        if words := given.get("q"):
            self.found = search.find(issues, words, self.user)
            issues = self.found.issues
        return issues

    def in_tab(self, issues: IssueQuerySet, tab: str = "") -> IssueQuerySet:
        """Return those of `issues` in the tab's state, in the ledger's order: what is open by due day, the most
        pressing first; what is over by due day, the latest first."""
        tab = tab or self.tab
        if tab == "all":
            return issues.order_by("-due_on", "-pk")
        issues = issues.open() if tab == "open" else issues.filter(state=tab)
        return issues.order_by("-due_on", "-pk") if tab in ENDED_STATES else issues.order_by("due_on", "pk")


class LineForm(forms.Form):
    """Whose line of work: a department's own people see theirs, all others choose."""

    unit = forms.ModelChoiceField(label=gettext_lazy("Department"), queryset=Unit.objects.none(), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        post = access.post_of(user)
        self.own = post.unit if post and post.unit.kind == Unit.Kind.DEPARTMENT else None
        code = post.unit.district_code if post else None
        self.departments = Unit.objects.active().departments().filter(code__startswith=code or "-")
        field = self.fields["unit"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = self.departments
        field.choices = unit_choices(self.departments, _("Choose a department"))
        self.is_valid()

    @property
    def department(self) -> Unit | None:
        """The department asked for; None where none is chosen yet."""
        return self.own or self.cleaned_data.get("unit")
