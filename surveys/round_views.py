"""Rounds: preparing, opening, prolonging and ending one, its progress by township, its posters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach import qr
from outreach.access import Permission, acting, has_permission, require
from outreach.models import Unit
from surveys.actions import asking
from surveys.forms import ExtendForm, RoundForm
from surveys.models import Channel, Round
from surveys.progress import LEAST, count_by_township, progress

PAGE_ROWS = 30


def _visible(request: HttpRequest) -> QuerySet[Round]:
    return Round.objects.visible_to(request.user).select_related("version__questionnaire", "district", "campaign")


@require(Permission.SURVEY_VIEW)
@require_GET
def round_list(request: HttpRequest) -> HttpResponse:
    """All rounds of the district, newest first."""
    page = Paginator(_visible(request), PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "may_edit": has_permission(request.user, Permission.SURVEY_EDIT),
        "may_call": has_permission(request.user, Permission.SURVEY_CALL),
    }
    return render(request, "surveys/rounds/list.html", context)


@require(Permission.SURVEY_EDIT)
@require_http_methods(["GET", "POST"])
def round_new(request: HttpRequest) -> HttpResponse:
    """Prepare a round."""
    user = acting(request)
    assert user.post is not None
    district = Unit.objects.districts().get(code=user.post.unit.code[:6])
    return _round_form(request, Round(district=district))


@require(Permission.SURVEY_EDIT)
@require_http_methods(["GET", "POST"])
def round_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a round that has not begun."""
    survey_round = get_object_or_404(_visible(request), pk=pk)
    if survey_round.state != Round.State.DRAFT:
        messages.info(request, _("This round has begun: only its last day may be changed."))
        return redirect("surveys:round_detail", pk=pk)
    return _round_form(request, survey_round)


def _round_form(request: HttpRequest, survey_round: Round) -> HttpResponse:
    initial = {} if survey_round.pk else {"channels": [Channel.QR.value], "version": _asked_for(request)}
    form = RoundForm(request.POST or None, instance=survey_round, user=acting(request), initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            saved = asking.save_round(values=form.instance, by=acting(request))
        except ValidationError as error:
            form.add_error(None, error.messages)
        else:
            messages.success(request, _("The round is saved. Nothing is asked before it is opened."))
            return redirect("surveys:round_detail", pk=saved.pk)
    context = {"form": form, "round": survey_round}
    return render(request, "surveys/rounds/edit.html", context, status=422 if form.is_bound else 200)


def _asked_for(request: HttpRequest) -> str:
    given = request.GET.get("version", "")
    return given if given.isascii() and given.isdigit() and len(given) < 9 else ""


@require(Permission.SURVEY_VIEW)
@require_GET
def round_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A round: what it asks, until when, and how many have answered where."""
    survey_round = get_object_or_404(_visible(request), pk=pk)
    counts = count_by_township(survey_round)
    total = sum(counts.values())
    context = {
        "round": survey_round,
        "content": survey_round.version.parsed,
        "channels": [Channel(value).label for value in survey_round.channels if value in Channel.values],
        "rows": progress(_townships(survey_round), counts, survey_round.target),
        "total": total if total >= LEAST else None,
        "least": LEAST,
        "is_past": survey_round.ends_on < timezone.localdate(),
        "has_posters": _has_posters(survey_round),
        "extend_form": ExtendForm(initial={"ends_on": survey_round.ends_on}),
        "may_edit": has_permission(request.user, Permission.SURVEY_EDIT),
    }
    return render(request, "surveys/rounds/detail.html", context)


def _townships(survey_round: Round) -> list[Unit]:
    units = Unit.objects.townships().active().filter(code__startswith=survey_round.district.code)
    return list(units.order_by("sort_order", "code"))


def _has_posters(survey_round: Round) -> bool:
    return survey_round.is_anonymous and Channel.QR.value in survey_round.channels


def _act(request: HttpRequest, pk: int, act: Callable[[Round], Any], done: str) -> HttpResponse:
    survey_round = get_object_or_404(_visible(request), pk=pk)
    try:
        act(survey_round)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, done)
    return redirect("surveys:round_detail", pk=pk)


@require(Permission.SURVEY_EDIT)
@require_POST
def round_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Let answers in."""
    by = acting(request)
    return _act(
        request, pk, lambda one: asking.open_round(survey_round=one, by=by), _("The round is open: answers are taken.")
    )


@require(Permission.SURVEY_EDIT)
@require_POST
def round_extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Set another last day."""
    by, form = acting(request), ExtendForm(request.POST)
    if not form.is_valid():
        survey_round = get_object_or_404(_visible(request), pk=pk)
        messages.error(request, " ".join(str(text) for text in form.errors["ends_on"]))
        return redirect("surveys:round_detail", pk=survey_round.pk)
    day = form.cleaned_data["ends_on"]
    return _act(
        request,
        pk,
        lambda one: asking.extend_round(survey_round=one, ends_on=day, by=by),
        _("The last day is now %(day)s.") % {"day": day.isoformat()},
    )


@require(Permission.SURVEY_EDIT)
@require_POST
def round_close(request: HttpRequest, pk: int) -> HttpResponse:
    """End a round for good."""
    by = acting(request)
    return _act(
        request,
        pk,
        lambda one: asking.close_round(survey_round=one, by=by),
        _("The round has ended. No more answers are taken."),
    )


@require(Permission.SURVEY_VIEW)
@require_GET
def round_posters(request: HttpRequest, pk: int) -> HttpResponse:
    """Posters to be printed, an A4 sheet each: the district's, all townships' (?unit=townships), or a township's with
    those of its villages (?unit=code)."""
    survey_round = get_object_or_404(_visible(request), pk=pk)
    townships = _townships(survey_round)
    given = request.GET.get("unit", "")
    places: list[Unit | None] = [None]
    if given == "townships":
        places = [*townships]
    elif chosen := next((unit for unit in townships if unit.code == given), None):
        villages = Unit.objects.villages().active().filter(code__startswith=chosen.code)
        places = [chosen, *villages.order_by("sort_order", "code")]
    else:
        given = ""
    context = {
        "round": survey_round,
        "title": survey_round.version.parsed.title,
        "sheets": [_poster(survey_round, place) for place in places] if _has_posters(survey_round) else [],
        "townships": townships,
        "given": given,
    }
    return render(request, "surveys/rounds/posters.html", context)


def _poster(survey_round: Round, place: Unit | None) -> dict[str, Any]:
    # paper lasts: the address is the site's, not the one under which somebody happens to print
    start = (
        reverse("survey_start", args=[survey_round.code])
        if place is None
        else reverse("survey_start_here", args=[survey_round.code, place.code])
    )
    address = f"{settings.SITE_URL}{start}"
    return {"place": place, "address": address, "qr": qr.svg(address)}
