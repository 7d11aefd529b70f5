"""The large screen: for who is logged in, and by a link for the computer of a hall. Its panels are asked for again
every minute; the answer is empty while nothing has changed."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach.access import Permission, acting, open_to_all, require
from outreach.models import Campaign, Unit
from reports import hall, screen_actions
from reports.models import Freshness, HallLink
from reports.screen_forms import HallForm, HallLinkForm

COOKIE = "hall_link"
# However many screens hang in a district, the figures are read when a count changed something, and else this often:
# names and outlines of units change without one.
KEPT_SECONDS = 300
REFRESH_SECONDS = 60
TURN_SECONDS = 15


def _district_shown(request: HttpRequest) -> Unit:
    """The district of the post, whose totals are for everybody who may see rankings."""
    post = acting(request).post
    return get_object_or_404(Unit.objects.districts(), code=post.unit.district_code if post else "")


def _screen(request: HttpRequest, district: Unit, *, panels_url: str, is_hall: bool) -> HttpResponse:
    campaign = hall.default_campaign(district)
    body, etag, counted_at = _panels(campaign) if campaign else ("", "", "")
    context = {
        "district_name": district.name,
        "campaign": campaign,
        "panels": body,
        "etag": etag,
        "counted_at": counted_at,
        "panels_url": panels_url,
        "is_hall": is_hall,
        "refresh_seconds": REFRESH_SECONDS,
        "turn_seconds": TURN_SECONDS,
    }
    return render(request, "reports/hall/screen.html", context)


def _panels(campaign: Campaign) -> tuple[str, str, str]:
    """Return the panels as HTML, their ETag and when they were counted (16:05), as of the last count that changed any.

    The time stands beside and not in them: else nothing would ever be unchanged. One query while nothing changed.
    """
    today = timezone.localdate()
    changed_at, counted_at = Freshness.objects.values_list("changed_at", "counted_at").first() or (None, None)
    key = f"hall:{campaign.pk}:{today}:{translation.get_language()}:{changed_at.timestamp() if changed_at else ''}"
    kept: tuple[str, str] | None = cache.get(key)
    if kept is None:
        body = render_to_string("reports/hall/panels.html", {"hall": hall.build(campaign, today)})
        kept = body, f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
        cache.set(key, kept, KEPT_SECONDS)
    return *kept, f"{timezone.localtime(counted_at):%H:%M}" if counted_at else ""


def _panels_answer(request: HttpRequest, district: Unit) -> HttpResponse:
    campaign = hall.default_campaign(district)
    body, etag, counted_at = _panels(campaign) if campaign else ("", '"none"', "")
    same = request.headers.get("If-None-Match") == etag
    response = HttpResponseNotModified() if same else HttpResponse(body)
    response["ETag"] = etag
    response["X-Counted-At"] = counted_at
    response["Cache-Control"] = "no-store"
    return response


@require(Permission.RANKING_VIEW)
@require_GET
def screen(request: HttpRequest) -> HttpResponse:
    """The large screen of the reader's district."""
    district = _district_shown(request)
    return _screen(request, district, panels_url=reverse("reports:screen_panels"), is_hall=False)


@require(Permission.RANKING_VIEW)
@require_GET
def screen_panels(request: HttpRequest) -> HttpResponse:
    """The panels alone; 304 while they are what the screen has."""
    return _panels_answer(request, _district_shown(request))


@require(Permission.CAMPAIGN_EDIT)
@require_http_methods(["GET", "POST"])
def hall_links(request: HttpRequest) -> HttpResponse:
    """The links of the district's halls, and a form for a new one, whose address is shown this once."""
    district = get_object_or_404(Unit.objects.visible_to(request.user).districts())
    form = HallLinkForm(request.POST or None)
    address, status = "", 200
    if request.method == "POST":
        form = HallLinkForm(request.POST)
        status = 422
        if form.is_valid():
            _link, token = screen_actions.make_hall_link(
                district=district,
                name=form.cleaned_data["name"],
                days=int(form.cleaned_data["days"]),
                by=acting(request),
            )
            # behind the #: what stands there is sent to no server and stands in no log
            address = request.build_absolute_uri(reverse("reports:hall")) + f"#{token}"
            form, status = HallLinkForm(), 200
    now = timezone.now()
    links = HallLink.objects.visible_to(request.user).select_related("created_by", "ended_by").order_by("-pk")[:100]
    context = {
        "form": form,
        "address": address,
        "links": [{"link": link, "in_force": link.is_in_force(now)} for link in links],
    }
    return render(request, "reports/hall/links.html", context, status=status)


@require(Permission.CAMPAIGN_EDIT)
@require_POST
def hall_link_end(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a link."""
    link = get_object_or_404(HallLink.objects.visible_to(request.user), pk=pk)
    screen_actions.end_hall_link(link=link, by=acting(request))
    return redirect("reports:hall_links")


def _link_of(request: HttpRequest) -> HallLink | None:
    """The link this browser was let in with, if it is still in force."""
    value = request.get_signed_cookie(COOKIE, default="", salt=COOKIE) or ""
    if not (value.isascii() and value.isdigit()):
        return None
    return HallLink.objects.in_force().select_related("district").filter(pk=int(value)).first()


@open_to_all
@never_cache
@require_http_methods(["GET", "POST"])
@sensitive_post_parameters("code")
def hall_start(request: HttpRequest) -> HttpResponse:
    """Where a hall's link leads: the script sends what stands behind its #, and a cookie takes its place."""
    form = HallForm()
    status = 200
    if request.method == "POST":
        form = HallForm(request.POST)
        status = 422
        if form.is_valid():
            address = get_adapter(request).get_client_ip(request)
            link = screen_actions.open_hall(token=form.cleaned_data["code"], address=address)
            if link is not None:
                return _let_in(link)
            form.add_error("code", _("This link has run out or was withdrawn. Ask the district office for a new one."))
    return render(request, "reports/hall/start.html", {"form": form}, status=status)


def _let_in(link: HallLink) -> HttpResponse:
    response = redirect("reports:hall_screen")
    response.set_signed_cookie(
        COOKIE,
        str(link.pk),
        salt=COOKIE,
        max_age=max(link.expires_at - timezone.now(), timedelta(0)),
        path=reverse("reports:hall"),
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return response


@open_to_all
@never_cache
@require_GET
def hall_screen(request: HttpRequest) -> HttpResponse:
    """The large screen for a hall's computer."""
    link = _link_of(request)
    if link is None:
        return redirect("reports:hall")
    return _screen(request, link.district, panels_url=reverse("reports:hall_panels"), is_hall=True)


@open_to_all
@never_cache
@require_GET
def hall_panels(request: HttpRequest) -> HttpResponse:
    """The panels for a hall's computer; 401 once its link is no longer in force."""
    link = _link_of(request)
    if link is None:
        return HttpResponse(status=401)
    return _panels_answer(request, link.district)
