"""The page of a survey that anyone may answer after a QR code: no login, nothing kept of who it was.

The page's own marker on the device (a cookie that says "answered", nothing more) and the limit by address keep one
person from answering often; neither is stored with an answer.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from outreach import limits
from outreach.access import open_to_all
from outreach.models import Unit
from surveys import questionnaire
from surveys.actions import asking
from surveys.answers import AnswerErrors
from surveys.models import AgeBand, Channel, Round, Sex
from surveys.texts import survey_texts

MAX_BODY = 64 * 1024
# a village may share one address of the mobile network, so this only keeps a script from filling a round
MOST_AN_HOUR = 300
COOKIE = "survey_answered"
COOKIE_SECONDS = 60 * 24 * 3600


def _open_round(code: str) -> Round:
    rounds = Round.objects.open().filter(is_anonymous=True, channels__contains=[Channel.QR])
    return get_object_or_404(rounds.select_related("version", "district"), code=code)


def _place(survey_round: Round, code: str | None) -> Unit | None:
    """The township or village a poster names; 404 where the district has none such."""
    if code is None:
        return None
    return get_object_or_404(_places(survey_round), code=code)


def _places(survey_round: Round) -> Any:
    kinds = [Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE]
    return Unit.objects.filter(code__startswith=survey_round.district.code, kind__in=kinds, is_active=True)


def _answered(request: HttpRequest, survey_round: Round) -> bool:
    value = request.get_signed_cookie(COOKIE, default="", salt=COOKIE, max_age=COOKIE_SECONDS) or ""
    return str(survey_round.pk) in value.split(".")


@open_to_all
@never_cache
@require_GET
def survey_start(request: HttpRequest, code: str, unit: str | None = None) -> HttpResponse:
    """The survey, asked item by item by static/js/survey.js."""
    survey_round = _open_round(code)
    place = _place(survey_round, unit)
    today = timezone.localdate()
    is_running = survey_round.starts_on <= today <= survey_round.ends_on
    context: dict[str, Any] = {"round": survey_round, "place": place, "is_running": is_running}
    if not is_running or _answered(request, survey_round):
        context["is_answered"] = is_running
        return render(request, "surveys/public/closed.html", context)
    context["data"] = {
        "round": survey_round.pk,
        "content": questionnaire.to_json(survey_round.version.parsed),
        "places": _place_choices(survey_round) if place is None else [],
        "texts": survey_texts(),
        "about": about(chooses_place=place is None),
    }
    return render(request, "surveys/public/ask.html", context)


def about(*, chooses_place: bool) -> dict[str, Any]:
    """What static/js/survey.js asks at the end: nothing that leads to a person."""
    return {
        "choosesPlace": chooses_place,
        "sex": [(value, str(label)) for value, label in Sex.choices if value],
        "age_band": [(value, str(label)) for value, label in AgeBand.choices if value],
    }


def _place_choices(survey_round: Round) -> list[dict[str, Any]]:
    """Townships with their villages, in official order."""
    townships: dict[str, dict[str, Any]] = {}
    villages = []
    for unit_code, name, kind in _places(survey_round).values_list("code", "name", "kind"):
        if kind == Unit.Kind.TOWNSHIP:
            townships[unit_code] = {"code": unit_code, "name": name, "villages": []}
        else:
            villages.append({"code": unit_code, "name": name})
    for village in villages:
        if village["code"][:9] in townships:
            townships[village["code"][:9]]["villages"].append(village)
    return list(townships.values())


@open_to_all
@never_cache
@require_POST
def survey_answer(request: HttpRequest, code: str, unit: str | None = None) -> HttpResponse:
    """Take one sending as JSON: number, answers, seconds, unit, sex, age_band. 422 names the items that do not fit."""
    survey_round = _open_round(code)
    place = _place(survey_round, unit)
    try:
        limits.demand("survey", get_adapter(request).get_client_ip(request), seconds=3600, most=MOST_AN_HOUR)
    except limits.TooManyError:
        return _refused(_("Too many answers come from here just now. Please try again in an hour."), 429)
    except limits.UncountedError:
        return _refused(_("This is not possible just now. Try again in a few minutes."), 503)
    sending = read_sending(request)
    if sending is None:
        return _refused(_("These answers cannot be read."), 400)
    place = place or _places(survey_round).filter(code=sending["unit"]).first() or survey_round.district
    try:
        asking.take_answers(
            survey_round=survey_round,
            number=sending["number"],
            given=sending["answers"],
            channel=Channel.QR,
            respondent=asking.Respondent(unit=place, sex=sending["sex"], age_band=sending["age_band"]),
            seconds=sending["seconds"],
        )
    except AnswerErrors as error:
        return JsonResponse({"problems": error.problems, "message": next(iter(error.problems.values()))}, status=422)
    except ValidationError as error:
        return _refused(" ".join(error.messages), 422)
    response = JsonResponse({"message": _("Your answers have arrived.")})
    known = request.get_signed_cookie(COOKIE, default="", salt=COOKIE, max_age=COOKIE_SECONDS) or ""
    kept = [part for part in known.split(".") if part][-20:]
    response.set_signed_cookie(
        COOKIE,
        ".".join([*kept, str(survey_round.pk)]),
        salt=COOKIE,
        max_age=COOKIE_SECONDS,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return response


def _refused(message: str, status: int) -> JsonResponse:
    return JsonResponse({"message": message}, status=status)


def read_sending(request: HttpRequest) -> dict[str, Any] | None:
    """Read the body; None where it is no sending at all. What is said of the person is taken only as far as known."""
    if len(request.body) > MAX_BODY:
        return None
    try:
        data = json.loads(request.body)
        number = uuid.UUID(data["number"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    seconds, unit = data.get("seconds"), data.get("unit")
    return {
        "number": number,
        "answers": data.get("answers"),
        "seconds": seconds if isinstance(seconds, dict) else {},
        "unit": unit[:12] if isinstance(unit, str) and unit.isalnum() else "",
        "sex": data.get("sex") if data.get("sex") in Sex.values else "",
        "age_band": data.get("age_band") if data.get("age_band") in AgeBand.values else "",
        "wish": data.get("wish"),  # of a call; nobody asks for one on a public page
    }
