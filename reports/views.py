"""The ranking, the rows behind its figures, its export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from outreach.access import Permission, acting, demand, has_permission, require
from outreach.models import Campaign, Unit
from reports import exports, figures
from reports.figures import Figure
from reports.forms import RankingForm
from reports.indicators import RANKED
from reports.ranking import Ranking, Reader, build

PAGE_ROWS = 50
LABELS = {key: figure.label for key, figure in (figures.HOUSEHOLDS | figures.ISSUES).items()}
RATE_NAMES = {key: indicator.name for key, indicator in RANKED.items()}
# Counting on would cost more the larger the district is, and nobody reads a list that long.
MAX_COUNTED = 100_000


def campaigns_of(request: HttpRequest) -> list[Campaign]:
    """Those with something to rank, the default first: running, then the latest."""
    visible = Campaign.objects.visible_to(request.user).exclude(state=Campaign.State.DRAFT).select_related("district")
    return sorted(visible, key=lambda campaign: campaign.state != Campaign.State.OPEN)


def _ranking_of(request: HttpRequest, data: Mapping[str, str]) -> tuple[RankingForm, Ranking] | None:
    """Read what is asked for; None where there is no campaign yet."""
    campaigns = campaigns_of(request)
    if not campaigns:
        return None
    units = list(Unit.objects.filter(code__startswith=campaigns[0].district.code))
    # the district itself comes first, whatever its number in the official order
    units.sort(key=lambda unit: unit.kind != Unit.Kind.DISTRICT)
    form = RankingForm(data, campaigns=campaigns, units=units)
    return form, build(units=units, reader=Reader.of(request.user), **form.choice())


@require(Permission.RANKING_VIEW)
@require_GET
def ranking(request: HttpRequest) -> HttpResponse:
    """The ranking of townships or villages: both rates side by side, each figure leading to its rows."""
    found = _ranking_of(request, request.GET)
    may_run = has_permission(request.user, Permission.CAMPAIGN_EDIT)
    if found is None:
        return render(request, "reports/no_campaign.html", {"may_run": may_run})
    form, shown = found
    asked = {
        "campaign": shown.campaign.pk,
        "unit": "" if shown.scope.kind == Unit.Kind.DISTRICT else shown.scope.code,
        "level": shown.level or "",
        "by": shown.indicator.key,
    }
    context = {
        "form": form,
        "ranking": shown,
        "query": asked,
        "level_tabs": _level_tabs(shown, asked),
        "by_tabs": [
            {"url": _url(asked, by=key), "label": indicator.name, "current": key == shown.indicator.key}
            for key, indicator in RANKED.items()
        ],
        "district_url": _url(asked, unit="", level=""),
        "parent_url": _url(asked, unit=shown.parent.code if shown.parent else "", level=""),
        "overdue_url": shown.total.url("overdue"),
        "labels": LABELS,
        "rate_names": RATE_NAMES,
        "figure_labels": [(key, LABELS[key]) for key in (*figures.HOUSEHOLDS, *figures.ISSUES)],
        "indicators": RANKED.values(),
        "may_export": has_permission(request.user, Permission.RANKING_EXPORT) and shown.level,
        "may_assign": has_permission(request.user, Permission.HOUSEHOLD_ASSIGN),
    }
    return render(request, "reports/ranking.html", context, status=200 if form.is_valid() else 400)


def _url(asked: dict[str, Any], **other: Any) -> str:
    return "?" + urlencode({key: value for key, value in {**asked, **other}.items() if value != ""})


def _level_tabs(shown: Ranking, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Townships, all villages, and the township one is in."""
    if shown.scope.kind == Unit.Kind.VILLAGE:
        return []
    tabs = [
        {
            "url": _url(asked, unit="", level=level),
            "label": label,
            "current": shown.level == level and not shown.is_within_township,
        }
        for level, label in (("township", _("Townships")), ("village", _("All villages")))
    ]
    if shown.is_within_township:
        label = _("Villages of %(township)s") % {"township": shown.scope.name}
        tabs.append({"url": _url(asked), "label": label, "current": True})
    return tabs


@require(Permission.RANKING_EXPORT)
@require_POST
def ranking_export(request: HttpRequest) -> HttpResponse:
    """The ranking as shown, as .xlsx. A POST, because the export is written to the audit trail."""
    found = _ranking_of(request, request.POST)
    if found is None:
        return render(request, "reports/no_campaign.html", {"may_run": False}, status=422)
    form, shown = found
    if not form.is_valid() or shown.level is None:
        return render(request, "reports/export_refused.html", {"ranking": shown}, status=422)
    content = exports.export(ranking=shown, by=acting(request))
    moment = timezone.localtime(shown.counted_at or timezone.now())
    name = f"{exports.title_of(shown)} {moment:%Y-%m-%d}.xlsx".replace(":", "")
    response = HttpResponse(content, content_type=exports.CONTENT_TYPE)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    return response


def _place_of(request: HttpRequest, campaign: str, code: str) -> tuple[Campaign, Unit]:
    chosen = get_object_or_404(Campaign.objects.visible_to(request.user), pk=campaign)
    # totals of every unit of the district are open to whoever may see rankings; visible_to narrows the rows
    return chosen, get_object_or_404(Unit, code=code, code__startswith=chosen.district.code)


def _figure_of(table: dict[str, Figure], key: str) -> Figure:
    if key not in table:
        raise Http404(key)
    return table[key]


def _context(
    campaign: Campaign,
    unit: Unit,
    figure: Figure,
    table: dict[str, Figure],
    every: QuerySet[Any],
    seen: QuerySet[Any],
    outside: str = "",
) -> dict[str, Any]:
    """What both lists show around their rows: how many there are, how many are out of reach, the sibling figures.

    The lists page by key, so that the thousandth page costs what the first does.
    """
    total, visible = (rows.order_by()[: MAX_COUNTED + 1].count() for rows in (every, seen))
    query = f"?outside={outside}" if outside else ""
    return {
        "campaign": campaign,
        "unit": unit,
        "figure": figure,
        "total": total,
        "is_capped": total > MAX_COUNTED,
        "max_counted": MAX_COUNTED,
        "hidden": total - visible,
        "tabs": [
            {"url": f"../{each.key}/{query}", "label": each.label, "current": each is figure} for each in table.values()
        ],
        "outside": outside,
        "first_url": query or "?",
        "is_households": table is figures.HOUSEHOLDS,
        "ranking_url": reverse("reports:ranking") + _url({"campaign": campaign.pk}),
        "unit_url": reverse("reports:ranking") + _url({"campaign": campaign.pk, **_scope_of(unit)}),
    }


def _scope_of(unit: Unit) -> dict[str, str]:
    return {} if unit.kind == Unit.Kind.DISTRICT else {"unit": unit.code}


def _after(request: HttpRequest) -> int | None:
    """The key of the last row of the page before; whatever is no key starts from the first page."""
    after = request.GET.get("after", "")
    return int(after) if after.isdecimal() and len(after) <= 18 else None


@require(Permission.RANKING_VIEW)
@require_GET
def household_rows(request: HttpRequest, campaign: str, code: str, figure: str) -> HttpResponse:
    """The households behind a figure, as far as the reader's own reach goes."""
    demand(request.user, Permission.HOUSEHOLD_VIEW)
    chosen, unit = _place_of(request, campaign, code)
    which = _figure_of(figures.HOUSEHOLDS, figure)
    every = figures.household_rows(chosen, unit, which, timezone.localdate())
    seen = every.visible_to(request.user)
    after = _after(request)
    page = seen.select_related("household__village", "visitor").order_by("household_id")
    rows = list((page if after is None else page.filter(household_id__gt=after))[: PAGE_ROWS + 1])
    context = {
        **_context(chosen, unit, which, figures.HOUSEHOLDS, every, seen),
        "rows": rows[:PAGE_ROWS],
        "next_url": f"?after={rows[PAGE_ROWS - 1].household_id}" if len(rows) > PAGE_ROWS else "",
        "is_first": after is None,
    }
    return render(request, "reports/household_rows.html", context)


@require(Permission.RANKING_VIEW)
@require_GET
def issue_rows(request: HttpRequest, campaign: str, code: str, figure: str) -> HttpResponse:
    """The issues behind a figure, as far as the reader's own reach goes."""
    demand(request.user, Permission.ISSUE_VIEW)
    chosen, unit = _place_of(request, campaign, code)
    which = _figure_of(figures.ISSUES, figure)
    today = timezone.localdate()
    asked = request.GET.get("outside", "")
    outside = asked if asked in (Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE) else ""
    every = figures.issue_rows(chosen, unit, which, today, outside=outside)
    seen = every.visible_to(request.user)
    after = _after(request)
    page = seen.select_related("place", "unit", "category").order_by("-pk")
    rows = list((page if after is None else page.filter(pk__lt=after))[: PAGE_ROWS + 1])
    context = {
        **_context(chosen, unit, which, figures.ISSUES, every, seen, outside),
        "rows": rows[:PAGE_ROWS],
        "next_url": _url({"after": rows[PAGE_ROWS - 1].pk, "outside": outside}) if len(rows) > PAGE_ROWS else "",
        "is_first": after is None,
        "today": today,
    }
    return render(request, "reports/issue_rows.html", context)
