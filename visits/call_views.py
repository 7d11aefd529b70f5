"""The phone desk: one case at a time. There is no list of who was drawn, and no address that names a case."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from issues.models import Category
from outreach import access
from outreach.access import Permission, acting, require
from surveys import calls, questionnaire
from surveys.actions import calling
from surveys.answers import AnswerErrors
from surveys.models import CallResult, CallTally, Draw, Drawn, Round
from surveys.public_views import about, read_sending
from surveys.texts import survey_texts
from visits.actions import wishes
from visits.app_texts import wish_texts
from visits.call_forms import CallForm


def _case(request: HttpRequest) -> Drawn | None:
    related = ("draw__round__version", "household__village", "unit", "draw__round__district")
    return Drawn.objects.visible_to(acting(request)).select_related(*related).first()


@require(Permission.SURVEY_CALL)
@require_GET
def call_desk(request: HttpRequest) -> HttpResponse:
    """The rounds with a sample: how many are still to call, and what the calls came to."""
    user = acting(request)
    draws = list(Draw.objects.visible_to(user).select_related("round").order_by("-round__starts_on", "-pk"))
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for draw_id, result, count in CallTally.objects.filter(draw__in=draws).values_list("draw", "result", "count"):
        counts[draw_id][result] += count
    now = timezone.now()
    waiting = {
        row["draw"]: row
        for row in Drawn.objects.open()
        .filter(draw__in=draws)
        .values("draw")
        .annotate(left=Count("pk"), due=Count("pk", filter=Q(call_after__lte=now)))
    }
    rows = []
    for draw in draws:
        left = waiting.get(draw.pk, {"left": 0, "due": 0})
        outcome = calls.outcome(counts[draw.pk], left["left"])
        rows.append(
            {
                "round": draw.round,
                "due": left["due"],
                "outcome": outcome,
                "results": [(label, counts[draw.pk].get(code, 0)) for code, label in CallResult.choices],
                "is_running": calling.is_running(draw.round),
                "rr1": _percent(outcome.rr1),
                "rr3": _percent(outcome.rr3),
            }
        )
    return render(request, "visits/calls/desk.html", {"rows": rows, "case": _case(request)})


def _percent(share: float | None) -> str:
    return "—" if share is None else f"{100 * share:.1f}%"


@require(Permission.SURVEY_CALL)
@require_POST
def round_next(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the next case of a round for half an hour."""
    user = acting(request)
    survey_round = get_object_or_404(Round.objects.visible_to(user), pk=pk)
    if not Draw.objects.visible_to(user).filter(round=survey_round).exists():
        messages.warning(request, _("No sample has been drawn for this round."))
        return redirect("calls:desk")
    try:
        case = calling.next_case(survey_round=survey_round, by=user)
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))
        return redirect("calls:desk")
    if case is None:
        messages.info(request, _("Nobody is to be called just now. Appointments and second tries come later."))
        return redirect("calls:desk")
    return redirect("calls:current")


@require(Permission.SURVEY_CALL)
@never_cache
@require_GET
def call_current(request: HttpRequest) -> HttpResponse:
    """One's own case: whom to call, what is said, the questions, and what came of it."""
    case = _case(request)
    if case is None:
        messages.info(request, _("You hold no call. Take the next one."))
        return redirect("calls:desk")
    return _render_case(request, case, None)


def _render_case(request: HttpRequest, case: Drawn, form: CallForm | None, *, status: int = 200) -> HttpResponse:
    contact = calling.contact_of(case, timezone.localdate())
    survey_round = case.draw.round
    attempts = list(case.attempts.all())
    wrong = {one.phone_number for one in attempts if one.result == CallResult.WRONG_NUMBER}
    texts = survey_texts()
    context = {
        "case": case,
        "round": survey_round,
        "contact": contact,
        "phones": [(number, phone, number in wrong) for number, phone in enumerate(contact.phones, 1)],
        "attempts": attempts,
        "form": form or CallForm(phones=contact.phones),
        "max_calls": calling.MAX_CALLS,
        "data": {
            "key": f"call:{case.turn}:{case.draw_id}",
            "number": str(uuid.uuid4()),
            "content": questionnaire.to_json(survey_round.version.parsed),
            "texts": texts if survey_round.is_anonymous else texts | {"anonymous": ""},
            "about": about(chooses_place=False),
            "wish": {
                "texts": wish_texts(),
                "categories": _categories(request),
                "isAnonymous": survey_round.is_anonymous,
                "canVisit": case.household is not None and not case.household.is_do_not_visit,
            },
        },
    }
    return render(request, "visits/calls/case.html", context, status=status)


def _categories(request: HttpRequest) -> list[dict[str, Any]]:
    """The kinds of problem, where the post may report one."""
    if not access.has_permission(request.user, Permission.ISSUE_OPEN):
        return []
    roots = Category.objects.filter(parent=None, is_active=True).prefetch_related("children")
    return [
        {
            "code": root.code,
            "name": root.name,
            "children": [{"code": one.code, "name": one.name} for one in root.children.all() if one.is_active],
        }
        for root in roots
    ]


@require(Permission.SURVEY_CALL)
@require_POST
def call_result(request: HttpRequest) -> HttpResponse:
    """Keep what came of a call without an interview."""
    case = _case(request)
    if case is None:
        messages.warning(request, _("This call is no longer yours: half an hour has passed. Take the next one."))
        return redirect("calls:desk")
    form = CallForm(request.POST, phones=calling.contact_of(case, timezone.localdate()).phones)
    if not form.is_valid():
        return _render_case(request, case, form, status=422)
    try:
        is_over = calling.record_call(by=acting(request), **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error)
        return _render_case(request, case, form, status=422)
    messages.success(request, _("Kept: the case is over.") if is_over else _("Kept: it comes up again later."))
    return redirect("calls:desk")


@require(Permission.SURVEY_CALL)
@require_POST
def call_back(request: HttpRequest) -> HttpResponse:
    """Give one's case back uncalled."""
    try:
        calling.give_back(by=acting(request))
    except ValidationError as error:
        messages.warning(request, " ".join(error.messages))
    return redirect("calls:desk")


@require(Permission.SURVEY_CALL)
@require_POST
def call_answers(request: HttpRequest) -> HttpResponse:
    """Take the answers as JSON, then end the case, with what the respondent wants where they agreed to it.

    Two transactions on purpose: nothing that the first writes was written together with anything of the case. A second
    sending after a fault between them stores nothing twice and ends the case.
    """
    sending = read_sending(request)
    if sending is None:
        return JsonResponse({"message": _("These answers cannot be read.")}, status=400)
    user = acting(request)
    try:
        wish = wishes.read(sending["wish"], by=user)
    except ValidationError as error:
        return JsonResponse({"message": " ".join(error.messages), "wish": False}, status=422)
    try:
        calling.take_call(
            number=sending["number"],
            given=sending["answers"],
            by=user,
            sex=sending["sex"],
            age_band=sending["age_band"],
            seconds=sending["seconds"],
        )
    except AnswerErrors as error:
        return JsonResponse({"problems": error.problems, "message": next(iter(error.problems.values()))}, status=422)
    except ValidationError as error:
        return JsonResponse({"message": " ".join(error.messages)}, status=422)
    try:
        number = wishes.end_call(by=user, wish=wish)
    except ValidationError as error:
        return JsonResponse({"message": " ".join(error.messages), "wish": False}, status=422)
    if number:
        return JsonResponse(
            {"message": _("The answers have arrived. Issue %(number)s was opened.") % {"number": number}}
        )
    return JsonResponse({"message": _("The answers have arrived.")})
