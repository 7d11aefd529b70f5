"""Snapshots for those who freeze, approve and publish them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach.access import Permission, acting, has_permission, require
from outreach.models import Campaign
from reports.actions import snapshots
from reports.models import Appeal, Scheme, Snapshot
from reports.models.schemes import SchemeQuerySet
from reports.snapshot_forms import TakeForm, WhyForm

PAGE = 30
PEOPLE = ("taken_by", "approved_by", "published_by", "withdrawn_by")


@require(Permission.RANKING_VIEW)
@require_GET
def snapshot_list(request: HttpRequest) -> HttpResponse:
    """All snapshots in sight, newest first, with where they stand."""
    rows = Snapshot.objects.visible_to(request.user).light().select_related("campaign", "scheme", *PEOPLE)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "may_make": has_permission(request.user, Permission.SNAPSHOT_MAKE),
    }
    return render(request, "reports/snapshots/list.html", context)


def _schemes(request: HttpRequest) -> SchemeQuerySet:
    rows = Scheme.objects.visible_to(request.user).published().exclude(campaign__state=Campaign.State.DRAFT)
    return rows.select_related("campaign__district").order_by("-campaign__starts_on", "name")


@require(Permission.SNAPSHOT_MAKE)
@require_http_methods(["GET", "POST"])
def snapshot_take(request: HttpRequest) -> HttpResponse:
    """Freeze scores by hand."""
    schemes = _schemes(request)
    form = TakeForm(request.POST or None, schemes=schemes)
    if request.method == "POST" and form.is_valid():
        scheme = form.cleaned_data.pop("scheme")
        try:
            taken = snapshots.take(
                campaign=scheme.campaign,
                scheme=scheme,
                by=acting(request),
                today=timezone.localdate(),
                **form.cleaned_data,
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("The scores are frozen as a draft. Somebody else approves them now."))
            return redirect("reports:snapshot_detail", pk=taken.pk)
    status = 422 if form.is_bound else 200
    return render(request, "reports/snapshots/take.html", {"form": form, "has_scheme": schemes.exists()}, status=status)


def _load(request: HttpRequest, pk: int) -> Snapshot:
    rows = Snapshot.objects.visible_to(request.user).select_related("campaign__district", "scheme", *PEOPLE)
    return get_object_or_404(rows.with_replaced().defer("inputs"), pk=pk)


@require(Permission.RANKING_VIEW)
@require_GET
def snapshot_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One snapshot: where it stands, its line of revisions, its appeals, and what may be done with it."""
    return _render_detail(request, _load(request, pk))


def _render_detail(
    request: HttpRequest, snapshot: Snapshot, *, problem: str = "", typed: str = "", status: int = 200
) -> HttpResponse:
    visible = Snapshot.objects.visible_to(request.user)
    of_line = Q(pk=snapshot.first_of_line) | Q(root=snapshot.first_of_line)
    line = list(visible.light().filter(of_line).select_related(*PEOPLE).order_by("revision"))
    stands = any(row.revises_id == snapshot.pk and row.state != Snapshot.State.WITHDRAWN for row in line)
    appeals = list(Appeal.objects.visible_to(request.user).filter(snapshot=snapshot).select_related("unit"))
    may_make = has_permission(request.user, Permission.SNAPSHOT_MAKE)
    may_approve = has_permission(request.user, Permission.SNAPSHOT_APPROVE)
    context: dict[str, Any] = {
        "snapshot": snapshot,
        "line": line,
        "appeals": [(row, _label(snapshot, row.line)) for row in appeals],
        "changes": _changes(visible, snapshot),
        "may_approve": may_approve
        and snapshot.state == Snapshot.State.DRAFT
        and snapshot.taken_by_id != acting(request).pk,
        "waits_for_another": snapshot.state == Snapshot.State.DRAFT and snapshot.taken_by_id == acting(request).pk,
        "may_publish": may_approve and snapshot.state == Snapshot.State.APPROVED,
        "may_withdraw": snapshot.state != Snapshot.State.WITHDRAWN
        and not stands
        and (may_approve if snapshot.published_at else may_make),
        "may_revise": may_make
        and snapshot.state == Snapshot.State.PUBLISHED
        and not stands
        and any(row.state == Appeal.State.GRANTED for row in appeals),
        "problem": problem,
        "typed": typed,
    }
    return render(request, "reports/snapshots/detail.html", context, status=status)


def _label(snapshot: Snapshot, key: str) -> str:
    """What a line of a snapshot is called."""
    return next((line["label"] for unit in _units(snapshot) for line in unit["lines"] if line["key"] == key), key)


def _units(snapshot: Snapshot) -> list[dict[str, Any]]:
    return [unit for group in snapshot.result["groups"] for unit in group["units"]]


def _changes(visible: Any, snapshot: Snapshot) -> list[dict[str, Any]]:
    """What a revision changed: units whose total or rank is not what it was."""
    if snapshot.revises_id is None:
        return []
    before = visible.defer("inputs").filter(pk=snapshot.revises_id).first()
    if before is None:
        return []
    old = {unit["code"]: unit for unit in _units(before)}
    return [
        {"unit": unit, "before": old[unit["code"]]}
        for unit in _units(snapshot)
        if unit["code"] in old
        and (unit["total"], unit["rank"]) != (old[unit["code"]]["total"], old[unit["code"]]["rank"])
    ]


def _approve(request: HttpRequest, snapshot: Snapshot, why: str) -> Snapshot:
    snapshots.approve(snapshot=snapshot, by=acting(request))
    messages.success(request, _("The snapshot is approved. It can be published now."))
    return snapshot


def _publish(request: HttpRequest, snapshot: Snapshot, why: str) -> Snapshot:
    snapshots.publish(snapshot=snapshot, by=acting(request), today=timezone.localdate())
    messages.success(request, _("The scores are published, and the units are told."))
    return snapshot


def _withdraw(request: HttpRequest, snapshot: Snapshot, why: str) -> Snapshot:
    snapshots.withdraw(snapshot=snapshot, why=why, by=acting(request))
    messages.success(request, _("The snapshot is withdrawn; it stays in the list."))
    return snapshot


def _revise(request: HttpRequest, snapshot: Snapshot, why: str) -> Snapshot:
    revision = snapshots.revise(snapshot=snapshot, why=why, by=acting(request))
    messages.success(request, _("The revision is a draft. Look at what changed, then somebody else approves it."))
    return revision


ACTS: dict[str, Callable[[HttpRequest, Snapshot, str], Snapshot]] = {
    "approve": _approve,
    "publish": _publish,
    "withdraw": _withdraw,
    "revise": _revise,
}
NEED_REASON = ("withdraw", "revise")


@require(Permission.RANKING_VIEW)
@require_POST
def snapshot_act(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Take one step with a snapshot, or say why not. The action asks for the right."""
    snapshot = _load(request, pk)
    if name not in ACTS:
        raise Http404(name)
    form = WhyForm(request.POST)
    why = form.cleaned_data["why"] if form.is_valid() else ""
    if name in NEED_REASON and not why:
        problem = _("Give a reason of at most 200 characters.")
        return _render_detail(request, snapshot, problem=problem, typed=request.POST.get("why", "")[:500], status=422)
    try:
        result = ACTS[name](request, snapshot, why)
    except ValidationError as error:
        return _render_detail(request, _load(request, pk), problem=" ".join(error.messages), typed=why, status=409)
    return redirect("reports:snapshot_detail", pk=result.pk)
