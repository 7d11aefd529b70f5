"""The visitor's pages: my list, a household with its form, the standard in words, and the sync endpoint."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Prefetch, Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from households.models import Category as HouseholdCategory
from households.models import Household, Pairing, Resident
from issues.models import Category, Issue
from outreach.access import Permission, Role, acting, post_of, require
from outreach.models import Campaign, User
from visits import forms
from visits.actions import Receipt, Result, record_visit
from visits.attempts import MET_OUTCOMES, Outcome, State
from visits.models import TO_DO_STATES, Assignment, AssignmentQuerySet, Topic, Visit, VisitStandard
from visits.payload import PayloadError, VisitPayload, parse

ROWS = 30
MAX_PAGE = 1000
MAX_BATCH = 50

# How an outcome looks on its button, in the order of the buttons.
OUTCOME_ICONS = (
    (Outcome.MET, "check-circle"),
    (Outcome.NOBODY_HOME, "door"),
    (Outcome.PARTLY_MET, "message"),
    (Outcome.COME_BACK, "calendar"),
    (Outcome.REFUSED, "ban"),
    (Outcome.AWAY_LONG, "lock"),
    (Outcome.MOVED, "swap"),
    (Outcome.NO_ACCESS, "shield"),
    (Outcome.LEAFLET_LEFT, "file"),
)


@require(Permission.VISIT_RECORD)
@require_GET
def visit_list(request: HttpRequest) -> HttpResponse:
    """My list: whom to visit, in the order of the doors, with chips and a search. The same queries at any length."""
    user = acting(request)
    today = timezone.localdate()
    mine = Assignment.objects.of_visitor(user)
    to_do = Q(state__in=TO_DO_STATES, household__do_not_visit_at__isnull=True)
    counts = mine.aggregate(
        todo=Count("pk", filter=to_do),
        due=Count("pk", filter=Q(state=State.MAKE_UP, due_on__lte=today, household__do_not_visit_at__isnull=True)),
        met=Count("pk", filter=Q(state=State.MET)),
        all=Count("pk"),
        campaigns=Count("campaign", distinct=True),
    )
    paired = Pairing.objects.filter(user=user, ended_on=None).count()
    text = forms.search_text(request.GET.get("q"))
    view = request.GET.get("view", "todo")
    if view not in ("todo", "due", "met", "all", "paired") or (view == "paired" and not paired):
        view = "todo"
    page = _page_number(request.GET.get("page"))
    rows, has_more = _paired_rows(user, text, page) if view == "paired" else _duty_rows(mine, view, text, page, today)
    context = {
        "rows": rows,
        "has_more": has_more,
        "next_page": page + 1,
        "view": view,
        "q": text,
        "counts": counts,
        "chips": _chips(view, counts, paired),
        "today": today,
        "progress": counts["all"] and counts["met"],
    }
    template = "visits/phone/_rows.html" if request.headers.get("HX-Request") else "visits/phone/list.html"
    return render(request, template, context)


def _page_number(value: str | None) -> int:
    is_number = value is not None and value.isascii() and value.isdecimal() and len(value) < 9
    return max(1, min(int(value), MAX_PAGE)) if value and is_number else 1


def _chips(view: str, counts: dict[str, int], paired: int) -> list[dict[str, Any]]:
    labels = [("todo", _("to visit")), ("due", _("make-up due now")), ("met", _("met")), ("all", _("all"))]
    chips = [
        {"label": label, "count": counts[name], "current": view == name, "url": f"?{urlencode({'view': name})}"}
        for name, label in labels
    ]
    if paired:
        chips.append({"label": _("paired"), "count": paired, "current": view == "paired", "url": "?view=paired"})
    return chips


def _duty_rows(
    mine: AssignmentQuerySet, view: str, text: str, page: int, today: Any
) -> tuple[list[dict[str, Any]], bool]:
    duties = mine.select_related("household__village", "campaign").in_door_order()
    if text:
        # Whoever looks for a name wants to find it, met or not.
        duties = duties.filter(_matches(text, "household__"))
    elif view == "todo":
        duties = duties.to_do()
    elif view == "due":
        duties = duties.to_do().make_up_due(today).order_by("due_on", "household__door_key", "pk")
    elif view == "met":
        duties = duties.filter(state=State.MET).order_by("-met_on", "household__door_key", "pk")
    found = list(duties[(page - 1) * ROWS : page * ROWS + 1])
    names = _category_names()
    return [
        {"household": duty.household, "duty": duty, "tags": _tags(duty.household, names)} for duty in found[:ROWS]
    ], len(found) > ROWS


def _paired_rows(user: User, text: str, page: int) -> tuple[list[dict[str, Any]], bool]:
    households = (
        Household.objects.filter(Exists(Pairing.objects.filter(household=OuterRef("pk"), user=user, ended_on=None)))
        .select_related("village")
        .in_door_order()
    )
    if text:
        households = households.filter(_matches(text, ""))
    found = list(households[(page - 1) * ROWS : page * ROWS + 1])
    names = _category_names()
    return [{"household": household, "duty": None, "tags": _tags(household, names)} for household in found[:ROWS]], len(
        found
    ) > ROWS


def _matches(text: str, prefix: str) -> Q:
    """Name, pinyin initials (zs → 张三), door, group, number, or the end of a phone number; of the head or of anybody
    in the household."""
    residents = Q(name__contains=text)
    found = (
        Q(**{f"{prefix}head_name__contains": text})
        | Q(**{f"{prefix}address__contains": text})
        | Q(**{f"{prefix}group__contains": text})
        | Q(**{f"{prefix}number__endswith": text})
    )
    if text.isascii() and text.isalpha():
        found |= Q(**{f"{prefix}head_pinyin__startswith": text.lower()})
        residents |= Q(pinyin__startswith=text.lower())
    if text.isascii() and text.isdigit() and len(text) >= 3:
        found |= Q(**{f"{prefix}phone__endswith": text})
        residents |= Q(phone__endswith=text) | Q(second_phone__endswith=text)
    key = f"{prefix}pk" if prefix else "pk"
    return found | Q(Exists(Resident.objects.filter(residents, household=OuterRef(key))))


def _category_names() -> dict[str, str]:
    return dict(HouseholdCategory.objects.values_list("code", "name"))


def _tags(household: Household, names: dict[str, str]) -> list[str]:
    return [names.get(code, code) for code in household.categories]


@require(Permission.VISIT_RECORD)
@require_http_methods(["GET", "POST"])
def visit_household(request: HttpRequest, pk: int) -> HttpResponse:
    """A household: what to know before knocking, and the form of the visit. POST records it.

    The page's script asks for JSON and keeps the page as it is until there is a receipt; without script the answer is
    the next page, or this one again with everything still filled in.
    """
    user = acting(request)
    household = get_object_or_404(Household.objects.visible_to(user).select_related("village"), pk=pk)
    view = request.GET.get("view", "todo")
    back = f"{reverse('visits:list')}?{urlencode({'view': view[:10]})}"
    if request.method == "GET":
        return render(request, "visits/phone/household.html", _household_page(request, household, {}, back))
    as_json = "application/json" in request.headers.get("Accept", "")
    try:
        payload = parse(forms.raw_visit(request.POST, request.FILES, household.pk))
        receipt = record_visit(by=user, payload=payload)
    except PayloadError as error:
        receipt = Receipt(
            str(request.POST.get("uuid", ""))[:36], Result.REFUSED, error.code, str(error.message), error.field
        )
        payload = None
    if receipt.result == Result.REFUSED or payload is None:
        status = 400 if payload is None else 422
        if as_json:
            return JsonResponse(receipt.as_json(), status=status)
        context = _household_page(request, household, request.POST, back) | {"receipt": receipt}
        return render(request, "visits/phone/household.html", context, status=status)
    messages.success(request, _saved_message(household, payload, receipt))
    return JsonResponse(receipt.as_json() | {"next": back}) if as_json else redirect(back)


def _saved_message(household: Household, payload: VisitPayload, receipt: Receipt) -> str:
    """Say what was saved and what follows from it."""
    parts = [
        _("Saved: %(name)s, %(outcome)s.") % {"name": household.head_name, "outcome": Outcome(payload.outcome).label}
    ]
    if receipt.message:
        parts.append(receipt.message)
    if receipt.issues:
        parts.append(_("The problem is now issue %(number)s.") % {"number": _("and").join(receipt.issues)})
    duty = Assignment.objects.filter(campaign=payload.campaign, household=household).first()
    if duty is not None and duty.state == State.MAKE_UP and duty.due_on is not None:
        parts.append(
            _("Go again by %(day)s, better in the %(band)s.")
            % {"day": date_format(duty.due_on, "MONTH_DAY_FORMAT"), "band": short_band(duty.suggested_band)}
        )
    elif duty is not None and duty.state == State.TO_CONFIRM:
        parts.append(_("The township will confirm it."))
    return " ".join(parts)


def short_band(band: str) -> str:
    """The part of the day in one word."""
    return {"morning": _("morning"), "afternoon": _("afternoon"), "evening": _("evening")}.get(band, "")


def _household_page(request: HttpRequest, household: Household, values: Any, back: str) -> dict[str, Any]:
    """Everything the household's page shows; `values` is what was posted, or nothing."""
    user = acting(request)
    post = post_of(user)
    duties = (
        Assignment.objects.filter(household=household, campaign__state=Campaign.State.OPEN)
        .select_related("campaign")
        .order_by("-campaign__starts_on", "-pk")
    )
    is_paired = Pairing.objects.filter(household=household, user=user, ended_on=None).exists()
    if not is_paired and post is not None and post.role == Role.VISITOR:
        duties = duties.filter(visitor=user)
    wanted = forms.number_or_text(request.GET.get("campaign") or values.get("campaign"))
    open_duties = list(duties)
    duty = next((one for one in open_duties if one.campaign_id == wanted), next(iter(open_duties), None))
    # Whoever may see the household may see its visits and issues: asking `visible_to` again would only cost time.
    last_visit = Visit.objects.filter(household=household).select_related("visitor").first()
    open_issues = Issue.objects.filter(household=household).open().select_related("category")
    residents = list(household.residents.all())
    categories = list(
        Category.objects.filter(parent=None, is_active=True).prefetch_related(
            Prefetch("children", Category.objects.filter(is_active=True))
        )
    )
    now = timezone.localtime()
    return {
        "household": household,
        "tags": _tags(household, _category_names()),
        "duty": duty,
        "duties": open_duties,
        "standard": VisitStandard.objects.in_force(duty.campaign) if duty else None,
        "is_paired": is_paired,
        "may_record": not household.is_do_not_visit and (duty is not None or is_paired),
        "last_visit": last_visit,
        "open_issues": list(open_issues[:5]),
        "residents": residents,
        "phone": household.phone or next((one.phone for one in residents if one.phone), ""),
        "relations": Resident.Relation.choices,
        "categories": categories,
        "topics": list(Topic.objects.filter(is_active=True)),
        "outcomes": [(outcome.value, outcome.label, icon) for outcome, icon in OUTCOME_ICONS],
        "heard_kinds": forms.heard_kinds(),
        "met_outcomes": " ".join(sorted(MET_OUTCOMES)),
        "values": values,
        "chosen_topics": values.getlist("topics") if values else [],
        "uuid": values.get("uuid") or str(uuid.uuid4()),
        "visited_at": values.get("visited_at") or now.strftime("%Y-%m-%dT%H:%M"),
        "now": now,
        "back": back,
        "today": timezone.localdate(),
    }


@require(Permission.VISIT_RECORD)
@require_GET
def visit_standard(request: HttpRequest) -> HttpResponse:
    """What counts as a visit, in words, for each campaign I have duties in; and what to say on each topic."""
    campaigns = Campaign.objects.visible_to(request.user).open()
    if (post := post_of(request.user)) is not None and post.role == Role.VISITOR:
        campaigns = campaigns.filter(pk__in=Assignment.objects.of_visitor(acting(request)).values("campaign"))
    latest = (
        VisitStandard.objects.filter(campaign__in=campaigns)
        .select_related("campaign")
        .order_by("campaign_id", "-version")
        .distinct("campaign_id")
    )
    context = {"standards": latest, "topics": Topic.objects.filter(is_active=True)}
    return render(request, "visits/phone/standard.html", context)
