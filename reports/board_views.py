"""The boards: leader's home, dispatch board, a unit's page, what opens from them, and a week's confirmation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from outreach.access import Permission, Role, acting, demand, has_permission, post_of, require
from outreach.models import Campaign, Unit
from reports import leader_board, lists, live, office_board, standing, unit_board
from reports.actions.confirmations import confirm_week
from reports.board_charts import trends
from reports.board_forms import BoardForm, ConfirmForm, RowsForm
from reports.models import Confirmation
from reports.views import MAX_COUNTED, PAGE_ROWS, campaigns_of

MAX_PAGE = 200  # of visits: nobody leafs further, and each page costs what those before it do


def _campaign_of(request: HttpRequest) -> Campaign | None:
    """The campaign asked for, else the default one; None where there is none yet."""
    campaigns = campaigns_of(request)
    asked = request.GET.get("campaign", "")
    return next((each for each in campaigns if str(each.pk) == asked), campaigns[0] if campaigns else None)


def _no_campaign(request: HttpRequest) -> HttpResponse:
    may_run = has_permission(request.user, Permission.CAMPAIGN_EDIT)
    return render(request, "reports/no_campaign.html", {"may_run": may_run})


def _live_page(request: HttpRequest, name: str, build: Callable[[standing.Standing], dict[str, Any]]) -> HttpResponse:
    """Render the board `name`: the page, or for a poll its middle, or nothing where nothing changed. `build` makes the
    context of the middle; "trend_units" in it are what the page's charts show."""
    etag = live.tag(request)
    if (answer := live.unchanged(request, etag)) is not None:
        return answer
    campaign = _campaign_of(request)
    if campaign is None:
        return _no_campaign(request)
    shown = standing.read(campaign, timezone.localdate())
    context = build(shown) | {"standing": shown, "etag": etag, "seconds": live.POLL_SECONDS}
    is_poll = bool(request.headers.get("HX-Request"))
    if not is_poll:
        context |= {"charts": trends(shown, context["trend_units"]), "campaigns": _campaign_tabs(request, campaign)}
    response = render(request, f"boards/_{name}.html" if is_poll else f"boards/{name}.html", context)
    response["ETag"] = etag
    return response


def _campaign_tabs(request: HttpRequest, chosen: Campaign) -> list[dict[str, Any]]:
    """The campaigns one may look at, where there are several."""
    tabs = [
        {"url": f"?campaign={each.pk}", "label": each.name, "current": each == chosen} for each in campaigns_of(request)
    ]
    return tabs if len(tabs) > 1 else []


@require(Permission.RANKING_VIEW)
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """The board of the post one acts in: where most people land after logging in."""
    post = post_of(request.user)
    assert post is not None  # require() has seen to it
    if post.role in (Role.LEADER, Role.PUBLICITY):
        return _leader(request)
    if post.unit.kind == Unit.Kind.DISTRICT:
        return _office(request, post.unit)
    return _unit(request, post.unit.code)


@require(Permission.RANKING_VIEW)
@require_GET
def leader(request: HttpRequest) -> HttpResponse:
    """A leader's home: linked units first, the whole district one tap away. For others the whole district."""
    return _leader(request)


def _leader(request: HttpRequest) -> HttpResponse:
    asked = BoardForm(request.GET).choice()

    def build(shown: standing.Standing) -> dict[str, Any]:
        board = leader_board.build(shown, acting(request), whole=asked["whole"])
        campaign = {"campaign": shown.campaign.pk}
        tabs = [
            {"url": f"?{urlencode(campaign)}", "label": _("Linked units"), "current": board.is_linked},
            {
                "url": f"?{urlencode(campaign | {'scope': 'all'})}",
                "label": _("Whole district"),
                "current": not board.is_linked,
            },
        ]
        return {"board": board, "scope_tabs": tabs if board.has_links else [], "trend_units": board.scope.tops}

    return _live_page(request, "leader", build)


@require(Permission.RANKING_VIEW)
@require_GET
def office(request: HttpRequest) -> HttpResponse:
    """The dispatch board of the district, or of the township one works in; others get their own unit's page."""
    post = post_of(request.user)
    assert post is not None
    if not has_permission(request.user, Permission.ISSUE_VIEW):
        return _leader(request)
    if post.unit.kind in (Unit.Kind.DISTRICT, Unit.Kind.TOWNSHIP):
        return _office(request, post.unit)
    return _unit(request, post.unit.code)


def _office(request: HttpRequest, scope: Unit) -> HttpResponse:
    asked = BoardForm(request.GET).choice()

    def build(shown: standing.Standing) -> dict[str, Any]:
        board = office_board.build(
            shown, acting(request), scope, period=asked["period"], quiet_days=asked["quiet_days"]
        )
        kept = {"campaign": shown.campaign.pk, "quiet": asked["quiet_days"]}
        tabs = [
            {
                "url": f"?{urlencode(kept | {'period': key})}",
                "label": label,
                "current": key == asked["period"],
            }
            for key, label in (("today", _("Today")), ("week", _("This week")))
        ]
        return {"board": board, "period_tabs": tabs, "trend_units": [scope]}

    return _live_page(request, "office", build)


@require(Permission.RANKING_VIEW)
@require_GET
def unit(request: HttpRequest, code: str) -> HttpResponse:
    """A unit's own page; totals of every unit of the district are open to whoever may see rankings."""
    return _unit(request, code)


def _unit(request: HttpRequest, code: str) -> HttpResponse:
    post = post_of(request.user)
    assert post is not None
    district = post.unit.district_code

    def build(shown: standing.Standing) -> dict[str, Any]:
        found = get_object_or_404(Unit, code=code, code__startswith=district)
        board = unit_board.build(shown, acting(request), found)
        form = None
        if board.week is not None and board.week.may_confirm:
            form = ConfirmForm(initial=ConfirmForm.initial_of(board.week.first, board.week.values))
        return {"board": board, "form": form, "today": shown.today, "trend_units": [found]}

    return _live_page(request, "unit", build)


@require(Permission.TASK_REPORT)
@require_POST
def week_confirm(request: HttpRequest) -> HttpResponse:
    """Confirm the last week's figures of one's own unit, or say what is wrong with them."""
    post = post_of(request.user)
    assert post is not None
    campaign = _campaign_of(request)
    form = ConfirmForm(request.POST)
    back = redirect("boards:unit", post.unit.code)
    if campaign is None or not form.is_valid():
        messages.error(request, _("Nothing was saved: look at the figures again and confirm them once more."))
        return back
    try:
        confirm_week(
            shown=standing.read(campaign, timezone.localdate()), unit=post.unit, by=acting(request), **form.cleaned_data
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        noted = _("Kept your note: the district office reads it.")
        messages.success(request, noted if form.cleaned_data["note"] else _("Confirmed the week's figures."))
    return back


@require(Permission.RANKING_VIEW)
@require_GET
def confirmations(request: HttpRequest) -> HttpResponse:
    """Which units within reach confirmed the last week's figures, which found them wrong, and which did neither."""
    demand(request.user, Permission.ISSUE_VIEW)
    campaign = _campaign_of(request)
    if campaign is None:
        return _no_campaign(request)
    first = office_board.last_week(timezone.localdate())
    done = {
        row.unit_id: row
        for row in Confirmation.objects.visible_to(request.user)
        .filter(campaign=campaign, week_on=first)
        .select_related("confirmed_by")
    }
    units = Unit.objects.visible_to(request.user).active().exclude(kind=Unit.Kind.DISTRICT)
    if post := post_of(request.user):
        # a district looks at townships and departments; villages are for their township
        units = units.exclude(kind=Unit.Kind.VILLAGE) if post.unit.kind == Unit.Kind.DISTRICT else units
    rows = [(each, done.get(each.pk)) for each in units]
    # what somebody found wrong comes first, then what is missing
    rows.sort(key=lambda row: 1 if row[1] is None else 0 if row[1].note else 2)
    context = {
        "campaign": campaign,
        "rows": [{"unit": each, "done": row} for each, row in rows],
        "first": first,
        "last": first + lists.WEEK,
        "counts": {
            "all": len(rows),
            "done": sum(row is not None for _unit, row in rows),
            "noted": sum(row is not None and bool(row.note) for _unit, row in rows),
        },
    }
    return render(request, "boards/confirmations.html", context)


def _place_of(request: HttpRequest, campaign: str, code: str) -> tuple[Campaign, Unit]:
    chosen = get_object_or_404(Campaign.objects.visible_to(request.user), pk=campaign)
    return chosen, get_object_or_404(Unit, code=code, code__startswith=chosen.district.code)


def _rows_context(request: HttpRequest, every: QuerySet[Any], seen: QuerySet[Any], form: RowsForm) -> dict[str, Any]:
    """The counts around a page of rows: how many there are, how many are out of reach."""
    total, visible = (rows.order_by()[: MAX_COUNTED + 1].count() for rows in (every, seen))
    return {
        "total": total,
        "is_capped": total > MAX_COUNTED,
        "max_counted": MAX_COUNTED,
        "hidden": total - visible,
        "window": form.window(timezone.localdate()),
        "first_url": _page_url(request, ""),
        "back_url": reverse("boards:home"),
    }


def _page_url(request: HttpRequest, after: str) -> str:
    kept = {key: request.GET[key] for key in ("first", "last", "holder", "mine") if key in request.GET}
    return "?" + urlencode(kept | ({"after": after} if after else {}))


@require(Permission.RANKING_VIEW)
@require_GET
def issue_rows(request: HttpRequest, campaign: str, code: str, key: str) -> HttpResponse:
    """The issues behind a board's figure, as far as the reader's own reach goes."""
    demand(request.user, Permission.ISSUE_VIEW)
    chosen, place = _place_of(request, campaign, code)
    which = lists.LISTS.get(key)
    if which is None:
        raise Http404(key)
    form = RowsForm(request.GET)
    window = form.window(timezone.localdate())
    linked = leader_board.linked_units(acting(request)) if form.cleaned_data.get("mine") else []
    codes = standing.Scope("", linked).codes if linked else [place.code]
    every = lists.issue_rows(which, chosen, codes, window, holder=form.cleaned_data.get("holder", ""))
    seen = every.visible_to(request.user)
    after = request.GET.get("after", "")
    page = seen.select_related("place", "unit", "category").order_by("-pk")
    if after.isascii() and after.isdecimal() and len(after) <= 18:
        page = page.filter(pk__lt=int(after))
    rows = list(page[: PAGE_ROWS + 1])
    context = {
        **_rows_context(request, every, seen, form),
        "campaign": chosen,
        "unit": place,
        "name": _("Linked units") if linked else place.name,
        "which": which,
        "rows": rows[:PAGE_ROWS],
        "next_url": _page_url(request, str(rows[PAGE_ROWS - 1].pk)) if len(rows) > PAGE_ROWS else "",
        "is_first": not after,
        "today": window.today,
    }
    return render(request, "boards/issue_rows.html", context)


@require(Permission.RANKING_VIEW)
@require_GET
def visit_rows(request: HttpRequest, campaign: str, code: str) -> HttpResponse:
    """The visits of some days in a unit, as far as the reader's own reach goes."""
    demand(request.user, Permission.HOUSEHOLD_VIEW)
    chosen, place = _place_of(request, campaign, code)
    form = RowsForm(request.GET)
    window = form.window(timezone.localdate())
    linked = leader_board.linked_units(acting(request)) if form.cleaned_data.get("mine") else []
    places = standing.Scope("", linked).places if linked else [place]
    every = lists.visit_rows(chosen, [each.code for each in places], window)
    seen = every.visible_to(request.user)
    ordered = seen.select_related("household__village", "visitor_unit").order_by("-visited_at", "uuid")
    number = request.GET.get("page", "")
    page = max(1, min(int(number), MAX_PAGE)) if number.isascii() and number.isdecimal() and len(number) < 9 else 1
    rows = list(ordered[(page - 1) * PAGE_ROWS : page * PAGE_ROWS + 1])
    kept = {key: request.GET[key] for key in ("first", "last", "mine") if key in request.GET}
    context = {
        **_rows_context(request, every, seen, form),
        "campaign": chosen,
        "unit": place,
        "name": _("Linked units") if linked else place.name,
        "rows": rows[:PAGE_ROWS],
        "next_url": "?" + urlencode(kept | {"page": page + 1}) if len(rows) > PAGE_ROWS and page < MAX_PAGE else "",
        "is_first": page == 1,
    }
    return render(request, "boards/visit_rows.html", context)
