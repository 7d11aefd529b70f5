"""Every component in every state, with invented data: the bench the design system is judged on (demo only)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from outreach.access import open_to_all
from outreach.charts import Chart, Series

OUTCOMES = [("met", _("Met")), ("nobody_home", _("Nobody home")), ("refused", _("Refused")), ("moved", _("Moved"))]
KINDS = [("need", _("Need")), ("hazard", _("Hazard")), ("suggestion", _("Suggestion"))]
TOWNS: list[tuple[str, int, int, int, int, int | None]] = [
    ("青溪镇", 1286, 1240, 64, 58, 2),
    ("白鹭镇", 974, 902, 41, 36, -1),
    ("云台街道", 2310, 1987, 120, 91, 0),
    ("石门乡", 655, 402, 12, 7, -3),
    ("柳塘乡", 0, 0, 0, 0, None),
]


class SampleForm(forms.Form):
    """One field of each kind a page uses."""

    name = forms.CharField(label=_("Household head"), max_length=20, help_text=_("As written in the household book."))
    phone = forms.CharField(label=_("Phone"), widget=forms.TextInput(attrs={"inputmode": "tel"}), required=False)
    members = forms.IntegerField(label=_("Household members"), min_value=1)
    visited_on = forms.DateField(label=_("Date of the visit"), widget=forms.DateInput(attrs={"type": "date"}))
    kind = forms.ChoiceField(label=_("Kind of problem"), choices=KINDS)
    outcome = forms.ChoiceField(label=_("Outcome"), choices=OUTCOMES, widget=forms.RadioSelect)
    topics = forms.MultipleChoiceField(
        label=_("Topics explained"), choices=KINDS, widget=forms.CheckboxSelectMultiple, required=False
    )
    note = forms.CharField(label=_("Note"), widget=forms.Textarea(attrs={"rows": 3}), required=False)
    agreed = forms.BooleanField(label=_("The resident agrees to a call-back"), required=False)


class UploadForm(forms.Form):
    """A file field for the drop zone."""

    file = forms.FileField(label=_("Roster"), widget=forms.FileInput(attrs={"accept": ".xlsx,.xls,.csv,.ods"}))


class FilterForm(forms.Form):
    """Fields of a filter bar."""

    q = forms.CharField(label=_("Search"), required=False, widget=forms.TextInput(attrs={"type": "search"}))
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *OUTCOMES])
    kind = forms.ChoiceField(label=_("Kind of problem"), required=False, choices=[("", _("All")), *KINDS])


def _towns() -> list[dict[str, Any]]:
    return [
        {"name": name, "due": due, "visited": visited, "opened": opened, "solved": solved, "change": change}
        for name, due, visited, opened, solved, change in TOWNS
    ]


def _tabs() -> list[dict[str, str | int | bool | Promise]]:
    return [
        {"url": "?tab=open", "label": _("Being handled"), "count": 1287, "current": True},
        {"url": "?tab=late", "label": _("Overdue"), "count": 12, "current": False},
        {"url": "?tab=closed", "label": _("Closed"), "current": False},
    ]


def _charts() -> list[Chart]:
    """One of each kind."""
    names = [name for name, *_rest in TOWNS]
    days = [f"4-{day}" for day in range(1, 18)]
    visited = [
        Decimal(visited * 100 / due).quantize(Decimal("0.01")) if due else None for _n, due, visited, *_ in TOWNS
    ]
    return [
        Chart(
            title=_("Coverage rate"),
            labels=names,
            series=[Series(_("Coverage rate"), visited)],
            unit="%",
            label_name=_("Unit"),
            urls=["#"] * len(names),
            lying=True,
        ),
        Chart(
            title=_("Coverage rate day by day"),
            labels=days,
            series=[
                Series(_("This campaign"), [Decimal(day * day * 3) / 10 for day in range(1, 18)]),
                Series(_("Last campaign"), [Decimal(day * day * 2) / 10 for day in range(1, 15)] + [None] * 3),
            ],
            kind="line",
            unit="%",
            label_name=_("Day"),
        ),
        Chart(
            title=_("Problems by how they ended"),
            labels=names,
            series=[
                Series(_("Solved"), [town[4] for town in TOWNS], tone="good"),
                Series(_("Overdue"), [town[3] - town[4] for town in TOWNS], tone="bad"),
                Series(_("Not yet due"), [7, 3, 19, 2, 0], tone="neutral"),
            ],
            kind="stacked",
            label_name=_("Unit"),
        ),
        Chart(
            title=_("From last month's score to this month's"),
            labels=[_("Last month"), _("Coverage rate"), _("Solution rate"), _("Deductions"), _("This month")],
            series=[Series(_("Score"), [Decimal("86.40"), Decimal("3.25"), Decimal("-5.10"), -1, Decimal("83.55")])],
            kind="waterfall",
            label_name=_("Step"),
        ),
        Chart(
            title=_("Visits against what came of them"),
            labels=names[:4],
            series=[
                Series(_("Visits per household"), [round(Decimal(n) / 10, 1) for n in (14, 11, 19, 7)]),
                Series(_("Solution rate"), [round(Decimal(n) / 10, 1) for n in (906, 878, 758, 583)], unit="%"),
            ],
            kind="scatter",
            label_name=_("Unit"),
            note=_("A point is a unit, never a person."),
        ),
    ]


@open_to_all
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """The desk's components."""
    messages.success(request, _("12 households were assigned to Li Zoufang."))
    messages.error(request, _("The file was not imported: it has a password."))
    broken = SampleForm({"members": "x"}, auto_id="bad_%s")
    context = {
        "towns": _towns(),
        "tabs": _tabs(),
        "form": SampleForm(),
        "broken": broken,
        "upload": UploadForm(),
        "filters": FilterForm(request.GET or None, auto_id="filter_%s"),
        "page": Paginator(range(1234), 50).get_page(request.GET.get("page", "3")),
        "moment": datetime(2026, 4, 17, 16, 30, tzinfo=ZoneInfo("Asia/Shanghai")),
        "charts": _charts(),
        "tones": ["neutral", "info", "accent", "good", "warn", "bad"],
    }
    return render(request, "styleguide/desk.html", context)


@open_to_all
@require_GET
def phone(request: HttpRequest) -> HttpResponse:
    """The phone's components."""
    return render(request, "styleguide/phone.html", {"form": SampleForm()})
