"""The desk's pages of campaigns: list, edit, coverage, households, one duty, confirmations, a household's history."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Substr
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from households.models import Category as HouseholdCategory
from households.models import Household, Pairing
from outreach import audit
from outreach.access import Permission, acting, has_permission, post_of, require
from outreach.models import Campaign, Unit
from visits import actions, exports
from visits.attempts import GONE_OUTCOMES, State
from visits.forms import CampaignForm, RosterFilterForm, StaffFinder, search_text
from visits.models import Assignment, AssignmentQuerySet, Visit, VisitStandard

PAGE_ROWS = 50
MAX_PAGED = 3_000
STATE_TONES = {
    "to_visit": "neutral",
    "make_up": "warn",
    "to_confirm": "info",
    "met": "good",
    "refused": "bad",
    "unreachable": "neutral",
    "off_roster": "neutral",
}
CAMPAIGN_TONES = {"draft": "neutral", "open": "good", "closed": "info"}
OFF = Q(state=State.OFF_ROSTER)
COUNTS = {
    "roster": Count("pk", filter=~OFF),
    "covered": Count("pk", filter=Q(covered_on__isnull=False) & ~OFF),
    "met": Count("pk", filter=Q(state=State.MET)),
    "make_up": Count("pk", filter=Q(state=State.MAKE_UP)),
    "to_confirm": Count("pk", filter=Q(state=State.TO_CONFIRM)),
    "off": Count("pk", filter=OFF),
    "unassigned": Count("pk", filter=Q(visitor=None) & ~OFF),
}


class CappedPaginator(Paginator):
    """Pages over the first MAX_PAGED rows, whatever there are."""

    @cached_property
    def count(self) -> int:
        """The rows, at most MAX_PAGED."""
        assert isinstance(self.object_list, AssignmentQuerySet)
        return self.object_list.order_by()[:MAX_PAGED].count()


def load_campaign(request: HttpRequest, pk: int) -> Campaign:
    """Return the campaign the user may see, or raise Http404."""
    return get_object_or_404(Campaign.objects.visible_to(request.user).select_related("district"), pk=pk)


@require(Permission.CAMPAIGN_VIEW)
@require_GET
def campaign_list(request: HttpRequest) -> HttpResponse:
    """The district's campaigns; for those that run, how far the user's own area is."""
    page = Paginator(Campaign.objects.visible_to(request.user).prefetch_related("units"), 20).get_page(
        request.GET.get("page")
    )
    running = [campaign.pk for campaign in page if campaign.state == Campaign.State.OPEN]
    duties = Assignment.objects.visible_to(request.user).filter(campaign__in=running).order_by()
    counts = {row["campaign"]: row for row in duties.values("campaign").annotate(**COUNTS)} if running else {}
    rows = [
        {"campaign": campaign, "tone": CAMPAIGN_TONES[campaign.state], "counts": counts.get(campaign.pk)}
        for campaign in page
    ]
    may_edit = has_permission(request.user, Permission.CAMPAIGN_EDIT)
    return render(
        request,
        "visits/campaigns.html",
        {
            "page": page,
            "rows": rows,
            "may_hand_in": has_permission(request.user, Permission.HOUSEHOLD_ASSIGN),
            "may_edit": may_edit,
        },
    )


@require(Permission.CAMPAIGN_EDIT)
@require_http_methods(["GET", "POST"])
def campaign_edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Make a campaign or change one, with its visit standard."""
    user = acting(request)
    campaign = load_campaign(request, pk) if pk is not None else None
    form = CampaignForm(request.POST or None, user=user, campaign=campaign)
    status = 200
    if request.method == "POST":
        status = 400
        if form.is_valid():
            try:
                with transaction.atomic():
                    saved = actions.save_campaign(by=user, campaign=campaign, **form.campaign_values())
                    actions.save_standard(by=user, campaign=saved, **form.standard_values())
            except ValidationError as error:
                form.add_error(None, error)
            except IntegrityError:
                form.add_error("name", _("A campaign of this name exists already."))
            else:
                messages.success(request, _("The campaign “%(name)s” was saved.") % {"name": saved.name})
                return redirect("visits:campaign_detail", saved.pk)
    return render(request, "visits/campaign_form.html", {"form": form, "campaign": campaign}, status=status)


@require(Permission.CAMPAIGN_VIEW)
@require_GET
def campaign_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A campaign: its rule in words and its coverage, unit by unit down to the household not yet visited."""
    campaign = load_campaign(request, pk)
    unit = chosen_unit(request)
    duties = Assignment.objects.visible_to(request.user).filter(campaign=campaign).order_by()
    duties = duties.filter(household__village__code__startswith=unit.code)
    rows = coverage_rows(campaign, unit, duties)
    total = {name: sum(row["counts"][name] for row in rows) for name in COUNTS}
    users = request.user
    context = {
        "campaign": campaign,
        "tone": CAMPAIGN_TONES[campaign.state],
        "standard": VisitStandard.objects.in_force(campaign),
        "versions": campaign.standards.count(),
        "categories": HouseholdCategory.objects.filter(code__in=campaign.categories),
        "unit": unit,
        "parents": parents_within_reach(request, unit),
        "rows": rows,
        "total": total,
        "households_url": households_url(campaign, unit=unit.pk if unit.kind != Unit.Kind.DISTRICT else None),
        "may_edit": has_permission(users, Permission.CAMPAIGN_EDIT),
        "may_assign": has_permission(users, Permission.HOUSEHOLD_ASSIGN),
        "may_confirm": has_permission(users, Permission.UNREACHABLE_CONFIRM),
    }
    return render(request, "visits/campaign_detail.html", context)


def chosen_unit(request: HttpRequest) -> Unit:
    """The unit the page is about: the one in the query string where it lies within reach, else the post's own."""
    post = post_of(request.user)
    assert post is not None
    wanted = search_text(request.GET.get("unit"))
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 19:
        places = Unit.objects.visible_to(request.user).exclude(kind=Unit.Kind.DEPARTMENT)
        if unit := places.filter(pk=int(wanted)).select_related("parent__parent").first():
            return unit
    return post.unit


def parents_within_reach(request: HttpRequest, unit: Unit) -> list[Unit]:
    """The units above `unit` that the user reaches, from the top."""
    post = post_of(request.user)
    assert post is not None
    parents: list[Unit] = []
    while unit.parent is not None and len(unit.code) > len(post.unit.code):
        unit = unit.parent
        parents.insert(0, unit)
    return parents


def coverage_rows(campaign: Campaign, unit: Unit, duties: AssignmentQuerySet) -> list[dict[str, Any]]:
    """Counts for each unit below `unit`, in official order, or for each group of a village."""
    if unit.kind == Unit.Kind.VILLAGE:
        groups = duties.values(place=F("household__group")).annotate(**COUNTS).order_by("place")
        return [
            {
                "name": row["place"] or _("without a group"),
                "counts": row,
                "url": households_url(campaign, unit=unit.pk, group=row["place"] or RosterFilterForm.NO_GROUP),
                "todo_url": households_url(
                    campaign, unit=unit.pk, group=row["place"] or RosterFilterForm.NO_GROUP, show="not_covered"
                ),
            }
            for row in groups
        ]
    length = 9 if unit.kind == Unit.Kind.DISTRICT else 12
    counts = {
        row["place"]: row
        for row in duties.values(place=Substr("household__village__code", 1, length)).annotate(**COUNTS)
    }
    below = Unit.objects.within(unit).filter(
        kind=Unit.Kind.TOWNSHIP if unit.kind == Unit.Kind.DISTRICT else Unit.Kind.VILLAGE
    )
    detail = reverse("visits:campaign_detail", args=[campaign.pk])
    return [
        {
            "name": place.name,
            "counts": counts[place.code],
            "url": f"{detail}?{urlencode({'unit': place.pk})}",
            "todo_url": households_url(campaign, unit=place.pk, show="not_covered"),
        }
        for place in below
        if place.code in counts
    ]


def households_url(campaign: Campaign, **query: Any) -> str:
    """The rows behind a number."""
    given = {name: value for name, value in query.items() if value}
    return f"{reverse('visits:campaign_roster', args=[campaign.pk])}?{urlencode(given)}"


@require(Permission.CAMPAIGN_EDIT)
@require_POST
def campaign_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the campaign and build its roster."""
    campaign = load_campaign(request, pk)
    try:
        update = actions.open_campaign(campaign=campaign, by=acting(request))
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(
            request, _("The campaign is running; %(count)d households are on its roster.") % {"count": update.added}
        )
    return redirect("visits:campaign_detail", pk)


@require(Permission.CAMPAIGN_EDIT)
@require_POST
def campaign_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close the campaign."""
    campaign = load_campaign(request, pk)
    try:
        actions.close_campaign(campaign=campaign, by=acting(request))
    except ValidationError as error:
        messages.error(request, error.messages[0])
    else:
        messages.success(request, _("The campaign is closed."))
    return redirect("visits:campaign_detail", pk)


@require(Permission.HOUSEHOLD_ASSIGN)
@require_POST
def campaign_refresh(request: HttpRequest, pk: int) -> HttpResponse:
    """Take in households imported since, and take off those that moved."""
    campaign = load_campaign(request, pk)
    post = post_of(request.user)
    assert post is not None
    update = actions.refresh_roster(campaign=campaign, by=acting(request), within=post.unit)
    messages.success(
        request,
        _("Roster refreshed: %(added)d households added, %(off)d taken off, %(back)d put back.")
        % {"added": update.added, "off": update.taken_off, "back": update.put_back},
    )
    return redirect("visits:campaign_detail", pk)


@require(Permission.CAMPAIGN_VIEW)
@require_GET
def campaign_roster(request: HttpRequest, pk: int) -> HttpResponse:
    """The households on the roster, row by row, as filtered."""
    campaign = load_campaign(request, pk)
    form = RosterFilterForm(request.GET, user=acting(request))
    duties = filtered(request, campaign, form)
    page = CappedPaginator(duties, PAGE_ROWS).get_page(request.GET.get("page"))
    names = category_names()
    rows = [
        {
            "duty": duty,
            "tone": STATE_TONES[duty.state],
            "tags": [names.get(code, code) for code in duty.household.categories],
        }
        for duty in page
    ]
    context = {
        "campaign": campaign,
        "form": form,
        "page": page,
        "rows": rows,
        "query": request.GET.urlencode(),
        "max_paged": MAX_PAGED,
        "is_capped": page.paginator.count >= MAX_PAGED,
        "may_export": has_permission(request.user, Permission.HOUSEHOLD_EXPORT),
    }
    return render(request, "visits/campaign_roster.html", context)


def filtered(request: HttpRequest, campaign: Campaign, form: RosterFilterForm) -> AssignmentQuerySet:
    """The campaign's duties the user sees and the form asks for, in door order, with all that a row shows."""
    duties = Assignment.objects.visible_to(request.user).filter(campaign=campaign)
    return form.narrow(duties).select_related("household__village", "visitor").in_walking_order()


def category_names() -> dict[str, str]:
    """Household categories by code."""
    return dict(HouseholdCategory.objects.values_list("code", "name"))


@require(Permission.HOUSEHOLD_EXPORT)
@require_POST
def campaign_export(request: HttpRequest, pk: int) -> HttpResponse:
    """The filtered households as a workbook; it may be filled in and sent back as a table of visitors. Logged."""
    campaign, user = load_campaign(request, pk), acting(request)
    form = RosterFilterForm(request.GET, user=user)
    duties = filtered(request, campaign, form)
    if duties.order_by()[: exports.MAX_ROWS + 1].count() > exports.MAX_ROWS:
        messages.error(
            request,
            _("More than %(count)d households: choose a township first. Nothing was exported.")
            % {"count": exports.MAX_ROWS},
        )
        return redirect(f"{reverse('visits:campaign_roster', args=[pk])}?{request.GET.urlencode()}")
    townships = dict(Unit.objects.visible_to(user).townships().values_list("code", "name"))
    content, count = exports.roster_book(
        duties.iterator(chunk_size=2000), campaign=campaign, townships=townships, categories=category_names()
    )
    filters = {name: request.GET.get(name, "")[:40] for name in ("unit", "show", "visitor") if request.GET.get(name)}
    audit.record("campaign.export", campaign, by=user, rows=count, filters=filters)
    response = HttpResponse(content, content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    name = _("%(campaign)s households") % {"campaign": campaign.name}
    response["Content-Disposition"] = content_disposition_header(True, f"{name}.xlsx")
    return response


@require(Permission.CAMPAIGN_VIEW)
@require_http_methods(["GET", "POST"])
def campaign_duty(request: HttpRequest, pk: int, assignment: int) -> HttpResponse:
    """One household in a campaign: its visitor, state and visits; hand it over, or decide on it."""
    found = get_object_or_404(
        Assignment.objects.visible_to(request.user).select_related(
            "campaign__district", "household__village__parent", "visitor", "previous_visitor", "unreachable_by"
        ),
        pk=assignment,
        campaign=pk,
    )
    error, status = "", 200
    if request.method == "POST":
        try:
            messages.success(request, decide(request, found))
        except ValidationError as refused:
            error, status = refused.messages[0], 400
        else:
            return redirect(next_url(request) or request.path)
    standard = VisitStandard.objects.in_force(found.campaign)
    user = request.user
    may_confirm = has_permission(user, Permission.UNREACHABLE_CONFIRM)
    is_candidate = (
        may_confirm
        and standard is not None
        and Assignment.objects.filter(pk=found.pk).unreachable_candidates(standard).exists()
    )
    may_assign = has_permission(user, Permission.HOUSEHOLD_ASSIGN)
    context = {
        "campaign": found.campaign,
        "duty": found,
        "household": found.household,
        "tone": STATE_TONES[found.state],
        "visits": visit_rows(request, found.household),
        "standard": standard,
        "error": error,
        "may_assign": may_assign,
        "staff": StaffFinder(found.household.village).people.values() if may_assign else [],
        "may_confirm": may_confirm,
        "is_candidate": is_candidate,
        "is_gone": may_confirm and found.state == State.TO_CONFIRM,
    }
    return render(request, "visits/duty.html", context, status=status)


def decide(request: HttpRequest, duty: Assignment) -> str:
    """Do what the button says; returns what to tell. Raises ValidationError, or PermissionDenied from the action."""
    user = acting(request)
    match request.POST.get("decision"):
        case "assign":
            text = search_text(request.POST.get("who"))
            visitor = StaffFinder(duty.household.village).find(text, duty.household.village) if text else None
            actions.assign_one(assignment=duty, visitor=visitor, by=user)
            if visitor is None:
                return _("The household has no visitor now.")
            return _("%(name)s visits this household now.") % {"name": visitor.name}
        case "unreachable":
            actions.confirm_unreachable(assignment=duty, by=user)
            return _("Confirmed: %(name)s cannot be reached.") % {"name": duty.household.head_name}
        case "verified_empty" | "moved" as roster_state:
            actions.confirm_off_roster(assignment=duty, roster_state=roster_state, by=user)
            return _("Taken off the roster: %(name)s.") % {"name": duty.household.head_name}
        case "recheck":
            due_on = actions.ask_recheck(assignment=duty, by=user)
            return _("To be visited once more by %(day)s: %(name)s.") % {
                "day": due_on,
                "name": duty.household.head_name,
            }
    raise ValidationError(_("Choose what to do."))


def next_url(request: HttpRequest) -> str:
    """Where the form asked to go on, if it is a page of this site."""
    target = request.POST.get("next", "")
    return target if url_has_allowed_host_and_scheme(target, {request.get_host()}) else ""


@require(Permission.UNREACHABLE_CONFIRM)
@require_GET
def campaign_confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """What waits for a decision: doors tried in vain often enough, and households reported as empty or moved."""
    campaign = load_campaign(request, pk)
    standard = VisitStandard.objects.in_force(campaign)
    duties = (
        Assignment.objects.visible_to(request.user)
        .filter(campaign=campaign)
        .select_related("household__village", "visitor")
        .in_walking_order()
    )
    gone = duties.filter(state=State.TO_CONFIRM, last_outcome__in=sorted(GONE_OUTCOMES))
    candidates = duties.unreachable_candidates(standard) if standard else duties.none()
    context = {
        "campaign": campaign,
        "standard": standard,
        "gone": Paginator(gone, 20).get_page(request.GET.get("gone")),
        "candidates": Paginator(candidates, 20).get_page(request.GET.get("candidates")),
        "here": request.get_full_path(),
    }
    return render(request, "visits/campaign_confirm.html", context)


def visit_rows(request: HttpRequest, household: Household) -> list[dict[str, Any]]:
    """The household's visits, newest first, at most 50, with what was heard at each."""
    visits = (
        Visit.objects.visible_to(request.user)
        .filter(household=household)
        .select_related("visitor", "visitor_unit", "campaign", "resident")
        .prefetch_related("items__category", "items__issue", "topics", "conflicts")
    )
    tones = {"met": "good", "partly_met": "good", "refused": "bad"}
    return [{"visit": visit, "tone": tones.get(visit.outcome, "neutral")} for visit in visits[:50]]


@require(Permission.VISIT_VIEW)
@require_http_methods(["GET", "POST"])
def household_history(request: HttpRequest, pk: int) -> HttpResponse:
    """The visits to a household and who is paired with it: a fragment of the household's page, or a page of its own.

    POST pairs somebody with the household or ends a pairing.
    """
    household = get_object_or_404(Household.objects.visible_to(request.user).select_related("village"), pk=pk)
    error, status = "", 200
    may_assign = has_permission(request.user, Permission.HOUSEHOLD_ASSIGN)
    if request.method == "POST":
        try:
            change_pairing(request, household)
        except ValidationError as refused:
            error, status = refused.messages[0], 400
        else:
            if not request.headers.get("HX-Request"):
                return redirect("visits:household_history", pk)
    context = {
        "household": household,
        "visits": visit_rows(request, household),
        "pairings": Pairing.objects.filter(household=household).select_related("user").order_by("ended_on", "pk"),
        "staff": StaffFinder(household.village).people.values() if may_assign else [],
        "may_assign": may_assign,
        "error": error,
    }
    is_fragment = request.headers.get("HX-Request")
    template = "visits/_household_history.html" if is_fragment else "visits/household_history.html"
    # htmx swaps no 4xx answer in; the fragment says itself what is wrong
    return render(request, template, context, status=200 if is_fragment else status)


def change_pairing(request: HttpRequest, household: Household) -> None:
    """Pair the person named, or end the pairing chosen. Raises ValidationError, PermissionDenied from the action."""
    user = acting(request)
    if request.POST.get("end"):
        chosen = search_text(request.POST["end"])
        wanted = int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < 19 else 0
        pairing = get_object_or_404(Pairing, pk=wanted, household=household)
        actions.end_pairing(pairing=pairing, by=user)
        return
    person = StaffFinder(household.village).find(request.POST.get("who", ""), household.village)
    actions.pair_household(household=household, user=person, by=user)
