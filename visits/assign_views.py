"""The desk's page where households are handed to visitors."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from outreach.access import Permission, acting, post_of, require
from outreach.models import Campaign, Unit, User
from visits import actions
from visits.actions import Place, Selection
from visits.attempts import State
from visits.forms import AssignForm, StaffFinder, UploadForm, search_text
from visits.models import Assignment, staff_posts
from visits.sheets import Table, read_table
from visits.views import load_campaign

METHODS: tuple[tuple[str, str | Promise], ...] = (
    ("evenly", gettext_lazy("Evenly")),
    ("places", gettext_lazy("By village or group")),
    ("table", gettext_lazy("From Excel")),
    ("pairing", gettext_lazy("By pairing")),
    ("remove", gettext_lazy("Take back")),
)
# More names than this are no list to tick: they are written instead.
MAX_STAFF = 200


@require(Permission.HOUSEHOLD_ASSIGN)
@require_http_methods(["GET", "POST"])
def campaign_assign(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose households (query string), choose a way, hand them over; below, who has how much."""
    campaign, user = load_campaign(request, pk), acting(request)
    query = request.GET.copy()
    post = post_of(user)
    assert post is not None
    if not query.get("unit"):
        query["unit"] = str(first_unit(user, post.unit).pk)
    form = AssignForm(query, user=user)
    selection = form.selection(campaign)
    method = query.get("method", "evenly")
    method = method if method in dict(METHODS) else "evenly"
    table, error, status = None, "", 200
    upload = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        try:
            if selection is None:
                raise ValidationError(_("Choose a township or village first."))
            if method == "table":
                changed, table = assign_table(request, upload, selection, by=user)
            else:
                changed = assign(request, method, selection, by=user)
        except ValidationError as refused:
            error, status = refused.messages[0], 400
        else:
            if table is None or not table.errors:
                messages.success(request, changed_text(changed))
                table = None
            else:
                status = 400
                if changed:
                    messages.success(request, changed_text(changed))
    query.pop("method", None)
    here = reverse("visits:campaign_assign", args=[pk])
    context = {
        "campaign": campaign,
        "form": form,
        "method": method,
        "methods": [
            {"label": label, "url": f"{here}?{query.urlencode()}&method={name}", "current": name == method}
            for name, label in METHODS
        ],
        "action": f"{here}?{query.urlencode()}&method={method}",
        "selection": selection,
        "upload": upload,
        "table": table,
        "error": error,
        "is_running": campaign.state == Campaign.State.OPEN,
        **(selection_context(selection) if selection else {}),
    }
    return render(request, "visits/assign.html", context, status=status)


def first_unit(user: User, own: Unit) -> Unit:
    """What is chosen to begin with: the user's own township or village, or the district's first township."""
    if own.kind in (Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE):
        return own
    return Unit.objects.visible_to(user).townships().order_by("sort_order", "code").first() or own


def selection_context(selection: Selection) -> dict[str, Any]:
    """How many households are chosen, the places they lie in, and the people with what they have already."""
    chosen = selection.assignments()
    grouping = "household__group" if selection.unit.kind == Unit.Kind.VILLAGE else "household__village"
    counts = chosen.order_by().values(grouping).annotate(households=Count("pk"))
    by_place = {row[grouping]: row["households"] for row in counts}
    if selection.unit.kind == Unit.Kind.VILLAGE:
        places = [
            {"key": f"g:{group}", "name": group or _("without a group"), "households": count}
            for group, count in sorted(by_place.items())
        ]
    else:
        places = [
            {"key": f"v:{village.pk}", "name": village.name, "households": by_place[village.pk]}
            for village in Unit.objects.within(selection.unit).villages()
            if village.pk in by_place
        ]
    workload = workload_rows(selection)
    load = {row["visitor"]: row["assigned"] for row in workload}
    local = (
        staff_posts(selection.unit)
        .filter(unit__code__startswith=selection.unit.township_code)
        .select_related("user", "unit")
        .order_by("user__staff_number")
    )
    staff: dict[int, dict[str, Any]] = {}
    for post in local[: MAX_STAFF + 1]:
        staff.setdefault(post.user_id, {"user": post.user, "post": post, "assigned": load.get(post.user_id, 0)})
    return {
        "chosen_count": sum(by_place.values()),
        "places": places,
        "staff": list(staff.values())[:MAX_STAFF],
        "workload": workload,
    }


def workload_rows(selection: Selection) -> list[dict[str, Any]]:
    """Who has how many households of the campaign in the unit, how many were met, and how many make-ups are due."""
    today = timezone.localdate()
    rows = (
        Assignment.objects.filter(
            campaign=selection.campaign,
            visitor__isnull=False,
            household__village__code__startswith=selection.unit.code,
        )
        .exclude(state=State.OFF_ROSTER)
        .order_by("visitor__staff_number")
        .values("visitor", "visitor__name", "visitor__staff_number")
        .annotate(
            assigned=Count("pk"),
            covered=Count("pk", filter=Q(covered_on__isnull=False)),
            met=Count("pk", filter=Q(state=State.MET)),
            due=Count("pk", filter=Q(state=State.MAKE_UP, due_on__lte=today)),
            untouched=Count("pk", filter=Q(attempts=0)),
        )
    )
    return [dict(row) for row in rows]


def assign(request: HttpRequest, method: str, selection: Selection, *, by: User) -> int:
    """Hand the selection over in the way chosen; returns how many changed hands. Raises ValidationError."""
    if method == "pairing":
        return actions.assign_by_pairing(selection=selection, by=by)
    finder = StaffFinder(selection.unit)
    if method == "remove":
        text = search_text(request.POST.get("who"))
        visitor = None
        if request.POST.get("everybody") != "yes":
            if not text:
                raise ValidationError(_("Write from whom, or tick “from everybody”."))
            visitor = finder.find_anywhere(text)
        return actions.unassign(selection=selection, visitor=visitor, by=by)
    if method == "places":
        return actions.assign_places(selection=selection, places=read_places(request, selection, finder), by=by)
    return actions.assign_evenly(selection=selection, visitors=read_visitors(request, selection, finder), by=by)


def read_visitors(request: HttpRequest, selection: Selection, finder: StaffFinder) -> list[User]:
    """The people ticked and those written, each once, in staff number order."""
    ticked = [search_text(value) for value in request.POST.getlist("visitors")]
    people = {finder.find(number, selection.unit).pk for number in ticked if number}
    written = request.POST.get("others", "").replace("，", ",").replace("、", ",").replace("\n", ",").split(",")
    people |= {finder.find(text, selection.unit).pk for text in written if search_text(text)}
    return [person for pk, person in finder.people.items() if pk in people]


def read_places(request: HttpRequest, selection: Selection, finder: StaffFinder) -> list[Place]:
    """The villages or groups for which somebody was written."""
    villages = {unit.pk: unit for unit in Unit.objects.within(selection.unit).villages()}
    places = []
    for key, value in request.POST.items():
        text = search_text(str(value))
        if not text or not key.startswith(("v:", "g:")):
            continue
        if key.startswith("g:"):
            village, group = selection.unit, key[2:].replace("\x00", "")
        else:
            number = key[2:]
            found = villages.get(int(number)) if number.isascii() and number.isdecimal() else None
            if found is None:
                raise ValidationError(_("One of the villages is not part of the unit chosen."))
            village, group = found, None
        places.append(Place(village=village, group=group, visitor=finder.find(text, village)))
    if not places:
        raise ValidationError(_("Write a visitor beside at least one place."))
    return places


def assign_table(request: HttpRequest, form: UploadForm, selection: Selection, *, by: User) -> tuple[int, Table]:
    """Assign as an uploaded table says: all rows, or none where one is wrong and the user did not say otherwise.

    A table names each household, so one that has a visitor changes hands too; those visited only where asked.
    """
    if not form.is_valid():
        raise ValidationError(_("Choose an Excel file."))
    table = read_table(form.cleaned_data["file"], selection)
    if table.errors and not form.cleaned_data["anyway"]:
        return 0, table
    named = Selection(
        campaign=selection.campaign,
        unit=selection.unit,
        include_assigned=True,
        include_visited=selection.include_visited,
    )
    return actions.assign_from_rows(selection=named, rows=table.rows, by=by), table


def changed_text(changed: int) -> str:
    """What to tell after handing over."""
    if not changed:
        return _("No household changed hands: those chosen have their visitor already.")
    return ngettext("%(count)d household was handed over.", "%(count)d households were handed over.", changed) % {
        "count": changed
    }
