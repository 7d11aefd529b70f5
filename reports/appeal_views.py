"""Appeals: filed by a unit against a line of its score, decided outside it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from issues.attachments import clean_files
from issues.file_views import hand_out
from outreach.access import Permission, acting, require
from outreach.models import Unit
from reports import scores
from reports.actions import appeals
from reports.models import Appeal, AppealFile, Snapshot
from reports.scoring import GroupScore, LineScore, UnitScore
from reports.snapshot_forms import AppealForm, DecisionForm

PAGE = 30


@require(Permission.RANKING_VIEW)
@require_GET
def appeal_list(request: HttpRequest) -> HttpResponse:
    """The appeals in sight, those to be decided first."""
    rows = Appeal.objects.visible_to(request.user).select_related("unit", "snapshot__campaign", "filed_by")
    rows = rows.defer("snapshot__inputs", "snapshot__result")
    chosen = request.GET.get("state", "")
    tabs = [("", _("All")), *Appeal.State.choices]
    if chosen in Appeal.State.values:
        rows = rows.filter(state=chosen)
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "tabs": [
            {"url": f"?state={key}" if key else "?", "label": label, "current": key == chosen} for key, label in tabs
        ],
    }
    return render(request, "reports/appeals/list.html", context)


def _line_of(snapshot: Snapshot, code: str, key: str) -> tuple[GroupScore, UnitScore, LineScore]:
    group = snapshot.group_of(code)
    scored = next((each for each in group.units if each.code == code), None) if group else None
    line = scored.line(key) if scored else None
    if group is None or scored is None or line is None:
        raise Http404(key)
    return group, scored, line


@require(Permission.APPEAL_FILE)
@require_http_methods(["GET", "POST"])
def appeal_new(request: HttpRequest, pk: int, code: str, line: str) -> HttpResponse:
    """Appeal against one line of a unit's published score."""
    seen = Snapshot.objects.visible_to(request.user).select_related("campaign__district", "scheme")
    snapshot = get_object_or_404(seen.defer("inputs"), pk=pk)
    reached = Unit.objects.visible_to(request.user).filter(code__startswith=snapshot.campaign.district.code)
    unit = get_object_or_404(reached, code=code)
    group, scored, shown = _line_of(snapshot, code, line)
    form = AppealForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            filed = appeals.file_appeal(
                snapshot=snapshot,
                unit=unit,
                line=line,
                statement=form.cleaned_data["statement"],
                files=clean_files(form.cleaned_data["evidence"]),
                by=acting(request),
                today=timezone.localdate(),
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, _("The appeal is filed. You are told when it is decided."))
            return redirect("reports:appeal_detail", pk=filed.pk)
    context = {
        "form": form,
        "snapshot": snapshot,
        "unit": unit,
        "group": group,
        "score": scored,
        "line": shown,
        "line_label": scores.label_of(shown),
        "is_open": snapshot.takes_appeals(timezone.localdate()),
        "unit_url": reverse("reports:score_unit", args=[snapshot.pk, code]),
    }
    return render(request, "reports/appeals/new.html", context, status=422 if form.is_bound else 200)


@require(Permission.RANKING_VIEW)
@require_http_methods(["GET", "POST"])
def appeal_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """An appeal with its files, its decision, and the form to decide it. The action asks for the right."""
    rows = Appeal.objects.visible_to(request.user).select_related(
        "unit", "snapshot__campaign__district", "snapshot__scheme", "filed_by", "decided_by", "decided_in"
    )
    appeal = get_object_or_404(rows.defer("snapshot__inputs"), pk=pk)
    may_decide = (
        appeal.state == Appeal.State.FILED
        and appeal.filed_by_id != acting(request).pk
        and appeals.may_decide(acting(request), appeal.unit)
    )
    form = DecisionForm(request.POST or None)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            given = form.cleaned_data
            try:
                appeals.decide_appeal(
                    appeal=appeal,
                    granted=given["outcome"] == "granted",
                    decision=given["decision"],
                    points=given["points"],
                    carries=given["carries"],
                    by=acting(request),
                )
            except ValidationError as error:
                form.add_error(None, error)
            else:
                messages.success(request, _("The appeal is decided, and the unit is told."))
                return redirect("reports:appeal_detail", pk=pk)
        status = 422
    group, scored, line = _line_of(appeal.snapshot, appeal.unit.code, appeal.line)
    revision = (
        appeal.snapshot.revisions.standing().visible_to(request.user).light().first()
        if appeal.state == Appeal.State.GRANTED
        else None
    )
    context = {
        "appeal": appeal,
        "snapshot": appeal.snapshot,
        "group": group,
        "score": scored,
        "line": line,
        "line_label": scores.label_of(line),
        "unit": appeal.unit,
        "files": list(appeal.files.all()),
        "form": form if may_decide or form.is_bound else None,
        "revision": revision,
        "unit_url": reverse("reports:score_unit", args=[appeal.snapshot_id, appeal.unit.code]),
    }
    return render(request, "reports/appeals/detail.html", context, status=status)


@require(Permission.RANKING_VIEW)
@require_GET
def appeal_file(request: HttpRequest, pk: int, file: int) -> HttpResponse:
    """A file of an appeal, for those who see the appeal: a photo to look at, everything else as a download."""
    seen = Appeal.objects.visible_to(request.user).filter(pk=pk)
    return hand_out(get_object_or_404(AppealFile, pk=file, appeal__in=seen))
