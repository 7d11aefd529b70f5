"""Every indicator in words; what they come to for a unit, and the rows behind each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from outreach.access import Permission, demand, has_permission, require
from outreach.models import Campaign, Unit
from reports import readings
from reports.indicators import INDICATORS, Basis, Indicator, wilson
from reports.scoring import Reading
from visits.models import Assignment

PAGE_ROWS = 50
MAX_COUNTED = 100_000
PARTS: dict[str, str | Promise] = {
    "denominator": _("All that count"),
    "numerator": _("Those that count for it"),
    "missed": _("Those that fell short"),
}
BASES: dict[Basis, tuple[str | Promise, str | Promise]] = {
    Basis.HOUSEHOLDS: (_("Visits"), _("of the households that live there")),
    Basis.HOLDER: (_("Issues the unit held"), _("judges townships, villages and departments by their own work")),
    Basis.PLACE: (_("Issues that arose there"), _("judges a place by its residents' issues, whoever held them")),
    Basis.ENTERED: (_("Entered by the office"), _("with evidence, and approved by somebody else")),
}
KINDS = {kind.value: kind.label for kind in Unit.Kind}


@dataclass(frozen=True)
class Row:
    """An indicator as the pages show it; with what it came to for a unit, and the links to its rows."""

    indicator: Indicator
    reading: Reading | None = None
    links: tuple[tuple[str | Promise, str], ...] = ()

    @property
    def kinds(self) -> list[str | Promise]:
        """The kinds of unit it is read for."""
        return [label for kind, label in KINDS.items() if kind in self.indicator.applies_to]

    @property
    def interval(self) -> tuple[float, float] | None:
        """The Wilson interval in percent, where cases are few."""
        if self.reading is None or not 0 < self.reading.denominator < self.indicator.min_denominator:
            return None
        return wilson(self.reading.numerator, self.reading.denominator)


@dataclass(frozen=True)
class Group:
    """The indicators of one basis."""

    title: str | Promise
    note: str | Promise
    rows: list[Row]


def _grouped(rows: list[Row]) -> list[Group]:
    found = [Group(*BASES[basis], [row for row in rows if row.indicator.basis == basis]) for basis in Basis]
    return [group for group in found if group.rows]


@require(Permission.RANKING_VIEW)
@require_GET
def indicators(request: HttpRequest) -> HttpResponse:
    """Every indicator with its formula in words and what it counts."""
    groups = _grouped([Row(indicator) for indicator in INDICATORS.values()])
    return render(request, "reports/indicators/definitions.html", {"groups": groups})


@require(Permission.RANKING_VIEW)
@require_GET
def unit_indicators(request: HttpRequest, campaign: str, code: str) -> HttpResponse:
    """What every indicator comes to for a unit in a period, each leading to its rows."""
    chosen, unit = _place(request, campaign, code)
    first, last, today = _period(request, chosen)
    read = readings.read(chosen, first=first, last=last, today=today)[unit.code]
    query = _query(first, last if request.GET.get("last") else None)
    rows = [Row(INDICATORS[key], reading, _links(request, chosen, unit, key, query)) for key, reading in read.items()]
    context = {
        "campaign": chosen,
        "unit": unit,
        "groups": _grouped(rows),
        "first": first,
        "last": last,
        "ranking_url": f"{reverse('reports:ranking')}?{urlencode({'campaign': chosen.pk})}",
    }
    return render(request, "reports/indicators/unit.html", context)


def _links(
    request: HttpRequest, campaign: Campaign, unit: Unit, key: str, query: str
) -> tuple[tuple[str | Promise, str], ...]:
    is_households = INDICATORS[key].basis == Basis.HOUSEHOLDS
    if not has_permission(request.user, Permission.HOUSEHOLD_VIEW if is_households else Permission.ISSUE_VIEW):
        return ()
    return tuple(
        (PARTS[part], reverse("reports:indicator_rows", args=[campaign.pk, unit.code, key, part]) + query)
        for part in ("numerator", "denominator", "missed")
    )


@require(Permission.RANKING_VIEW)
@require_GET
def indicator_rows(request: HttpRequest, campaign: str, code: str, indicator: str, part: str) -> HttpResponse:
    """The households or issues behind an indicator's part, as far as the reader's own reach goes."""
    chosen, unit = _place(request, campaign, code)
    if indicator not in readings.COUNTED or part not in PARTS:
        raise Http404(indicator)
    which = readings.COUNTED[indicator]
    is_households = which.basis == Basis.HOUSEHOLDS
    demand(request.user, Permission.HOUSEHOLD_VIEW if is_households else Permission.ISSUE_VIEW)
    first, last, today = _period(request, chosen)
    every = readings.rows(indicator, part, campaign=chosen, unit=unit, first=first, last=last, today=today)
    query = _query(first, last if request.GET.get("last") else None)
    context = _rows(request, every, is_households, query) | {
        "campaign": chosen,
        "unit": unit,
        "figure": {"label": f"{which.name} · {PARTS[part]}"},
        "tabs": [
            {"url": f"../{each}/{query}", "label": label, "current": each == part} for each, label in PARTS.items()
        ],
        "today": today,
        "ranking_url": f"{reverse('reports:ranking')}?{urlencode({'campaign': chosen.pk})}",
        "unit_url": reverse("reports:unit_indicators", args=[chosen.pk, unit.code]) + query,
    }
    return render(request, "reports/household_rows.html" if is_households else "reports/issue_rows.html", context)


def _rows(request: HttpRequest, every: QuerySet[Any], is_households: bool, query: str) -> dict[str, Any]:
    """One page of rows; paged by key, so that the thousandth costs what the first does."""
    seen = every.visible_to(request.user)  # type: ignore[attr-defined]
    total, visible = (rows.order_by()[: MAX_COUNTED + 1].count() for rows in (every, seen))
    asked = request.GET.get("after", "")
    after = int(asked) if asked.isdecimal() and len(asked) <= 18 else None
    if every.model is Assignment:
        page = seen.select_related("household__village", "visitor").order_by("household_id")
        page = page if after is None else page.filter(household_id__gt=after)
    else:
        page = seen.select_related("place", "unit", "category").order_by("-pk")
        page = page if after is None else page.filter(pk__lt=after)
    rows = list(page[: PAGE_ROWS + 1])
    next_url = ""
    if len(rows) > PAGE_ROWS:
        last = rows[PAGE_ROWS - 1]
        next_url = f"{query or '?'}{'&' if query else ''}after={last.household_id if is_households else last.pk}"
    return {
        "rows": rows[:PAGE_ROWS],
        "total": total,
        "is_capped": total > MAX_COUNTED,
        "max_counted": MAX_COUNTED,
        "hidden": total - visible,
        "outside": "",
        "is_households": is_households,
        "first_url": query or "?",
        "next_url": next_url,
        "is_first": after is None,
    }


def _place(request: HttpRequest, campaign: str, code: str) -> tuple[Campaign, Unit]:
    visible = Campaign.objects.visible_to(request.user).select_related("district")
    chosen = get_object_or_404(visible, pk=campaign)
    # totals of every unit of the district are open to whoever may see rankings; visible_to narrows the rows
    return chosen, get_object_or_404(Unit, code=code, code__startswith=chosen.district.code)


def _period(request: HttpRequest, campaign: Campaign) -> tuple[date | None, date, date]:
    """The days asked for, and today; what is no day of the campaign's years counts as not asked."""
    today = timezone.localdate()

    def day(name: str) -> date | None:
        try:
            asked = date.fromisoformat(request.GET.get(name, ""))
        except ValueError:
            return None
        return asked if campaign.starts_on.year - 1 <= asked.year <= campaign.ends_on.year + 1 else None

    return day("first"), day("last") or today, today


def _query(first: date | None, last: date | None) -> str:
    asked = {"first": first, "last": last}
    given = {name: day.isoformat() for name, day in asked.items() if day is not None}
    return f"?{urlencode(given)}" if given else ""
