"""Figures entered by hand, bonus marks and deductions: listed, entered, decided on by another person."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from issues.documents import XLSX
from issues.file_views import hand_out
from outreach.access import Permission, acting, has_permission, require
from outreach.models import Campaign, Unit
from reports import entered
from reports.actions import marks as actions
from reports.entered import Typed, Wanted
from reports.mark_forms import (
    AdjustmentFilterForm,
    DecisionForm,
    FigureFilterForm,
    PeriodForm,
    ProposeForm,
    WorkbookForm,
    default_period,
)
from reports.models import AdjustmentEntry, EnteredFigure, EvidenceFile

PAGE_ROWS = 50


# ---- entered figures


@require(Permission.SCORE_DECIDE)
@require_GET
def figure_list(request: HttpRequest) -> HttpResponse:
    """The entered figures, and what the schemes in use still ask for."""
    user = acting(request)
    campaigns = list(_campaigns(request))
    asked: dict[str, Wanted] = {}
    for campaign in campaigns[:5]:
        asked |= {key: each for key, each in entered.wanted(campaign).items() if key not in asked}
    form = FigureFilterForm(request.GET, user=user, asked=asked)
    rows = EnteredFigure.objects.visible_to(user).select_related("unit", "campaign", "entered_by", "decided_by")
    for name, field in (("campaign", "campaign"), ("indicator", "indicator_key"), ("state", "state")):
        if (value := form.value(name)) is not None:
            rows = rows.filter(**{field: value})
    page = Paginator(rows.prefetch_related("files"), PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": [
            {
                "figure": row,
                "label": asked[row.indicator_key].label if row.indicator_key in asked else row.indicator_key,
                "may_decide": _may_decide_figure(row, request),
            }
            for row in page
        ],
        "campaign": campaigns[0] if campaigns else None,
        "asked": list(entered.wanted(campaigns[0]).values()) if campaigns else [],
    }
    return render(request, "reports/marks/figures.html", context)


def _campaigns(request: HttpRequest) -> list[Campaign]:
    visible = Campaign.objects.visible_to(request.user).exclude(state=Campaign.State.DRAFT).select_related("district")
    return sorted(visible, key=lambda campaign: campaign.state != Campaign.State.OPEN)


def _may_decide_figure(figure: EnteredFigure, request: HttpRequest) -> bool:
    user = acting(request)
    waiting = figure.state == EnteredFigure.State.ENTERED and figure.entered_by_id != user.pk
    return waiting and actions.may_judge(figure.unit, user)


@require(Permission.SCORE_DECIDE)
@require_http_methods(["GET", "POST"])
def figure_enter(request: HttpRequest, campaign: int, indicator: str) -> HttpResponse:
    """The figures of one indicator and period, a row a unit: typed, or filled in from a workbook and looked through
    before they are stored."""
    chosen = get_object_or_404(Campaign.objects.visible_to(request.user).select_related("district"), pk=campaign)
    asked = entered.wanted(chosen).get(indicator)
    if asked is None:
        raise Http404
    units = _units_of(chosen, asked)
    rows = [Typed(unit) for unit in units]
    upload = WorkbookForm()
    form = PeriodForm(initial=default_period(chosen, timezone.localdate()))
    status = 200
    notes: list[str] = []
    if request.method == "POST":
        form = PeriodForm(request.POST, request.FILES)
        _fill(rows, request, asked)
        if "upload" in request.POST:
            form = PeriodForm(initial={key: request.POST.get(key, "") for key in ("first", "last", "evidence")})
            upload = WorkbookForm(request.POST, request.FILES)
            status, notes = _from_workbook(upload, rows, asked)
        elif form.is_valid() and not any(row.error for row in rows):
            done = _store(request, chosen, asked, form, rows)
            if done is not None:
                return done
            status = 422
        else:
            status = 422
    context = {
        "form": form,
        "upload": upload,
        "rows": rows,
        "asked": asked,
        "campaign": chosen,
        "notes": notes,
        "wrong": sum(bool(row.error) for row in rows),
        "filled": sum(row.read is not None for row in rows),
    }
    return render(request, "reports/marks/enter.html", context, status=status)


def _units_of(campaign: Campaign, asked: Wanted) -> list[Unit]:
    units = Unit.objects.filter(code__startswith=campaign.district.code, kind__in=asked.kinds).active()
    return list(units.order_by("sort_order", "code")[: entered.MAX_ROWS])


def _fill(rows: list[Typed], request: HttpRequest, asked: Wanted) -> None:
    for row in rows:
        for name in ("numerator", "denominator", "value"):
            setattr(row, name, request.POST.get(f"{name}-{row.unit.code}", "").strip()[:20].replace("\0", ""))
        entered.read(row, asked.measure)


def _from_workbook(upload: WorkbookForm, rows: list[Typed], asked: Wanted) -> tuple[int, list[str]]:
    """Fill the rows in from the workbook; return the status and what to tell about it."""
    if not upload.is_valid():
        return 422, []
    file = upload.cleaned_data["workbook"]
    try:
        if file.size > 10 * 1024 * 1024:
            raise ValidationError(_("The file is too large."))
        found = entered.read_workbook(file.read(), file.name or "")
    except ValidationError as error:
        upload.add_error("workbook", error)
        return 422, []
    by_code, by_name = {row.unit.code: row for row in rows}, {row.unit.name: row for row in rows}
    unknown = []
    for cells in found:
        row = by_code.get(cells.get("code", "")) or by_name.get(cells.get("name", ""))
        if row is None:
            unknown.append(cells.get("name") or cells.get("code", ""))
            continue
        for name in ("numerator", "denominator", "value"):
            setattr(row, name, cells.get(name, "")[:20])
        entered.read(row, asked.measure)
    notes = (
        [_("Not found among the units, left out: %(names)s") % {"names": _("; ").join(unknown[:20])}] if unknown else []
    )
    return 200, notes


def _store(
    request: HttpRequest, campaign: Campaign, asked: Wanted, form: PeriodForm, rows: list[Typed]
) -> HttpResponse | None:
    figures = [
        actions.FigureRow(
            indicator_key=asked.key,
            unit=row.unit,
            first=form.cleaned_data["first"],
            last=form.cleaned_data["last"],
            numerator=row.read[0],
            denominator=row.read[1],
            value=row.read[2],
            evidence=form.cleaned_data["evidence"],
        )
        for row in rows
        if row.read is not None
    ]
    if not figures:
        form.add_error(None, _("Enter the figure of at least one unit."))
        return None
    try:
        done = actions.enter_figures(
            campaign=campaign, rows=figures, files=form.cleaned_data["papers"], by=acting(request)
        )
    except ValidationError as error:
        form.add_error(None, error)
        return None
    told = ngettext(
        "%(count)d figure is entered. It counts once another person has approved it.",
        "%(count)d figures are entered. They count once another person has approved them.",
        len(done),
    )
    messages.success(request, told % {"count": len(done)})
    return redirect("reports:figures")


@require(Permission.SCORE_DECIDE)
@require_GET
def figure_template(request: HttpRequest, campaign: int, indicator: str) -> HttpResponse:
    """The workbook to be filled in."""
    chosen = get_object_or_404(Campaign.objects.visible_to(request.user).select_related("district"), pk=campaign)
    asked = entered.wanted(chosen).get(indicator)
    if asked is None:
        raise Http404
    response = HttpResponse(entered.template(_units_of(chosen, asked), asked), content_type=XLSX)
    response["Content-Disposition"] = content_disposition_header(True, f"{asked.label}.xlsx") or "attachment"
    return response


@require(Permission.SCORE_DECIDE)
@require_POST
def figure_decide(request: HttpRequest) -> HttpResponse:
    """Approve or refuse the ticked figures."""
    pks = [int(pk) for pk in request.POST.getlist("rows")[:500] if pk.isascii() and pk.isdigit() and len(pk) < 19]
    figures = list(EnteredFigure.objects.visible_to(request.user).filter(pk__in=pks))
    approve = request.POST.get("do") == "approve"
    if not figures or request.POST.get("do") not in ("approve", "refuse"):
        messages.error(request, _("Tick the figures first."))
        return redirect("reports:figures")
    try:
        done = actions.decide_figures(figures=figures, approve=approve, by=acting(request))
    except PermissionDenied as error:
        messages.error(request, str(error))
    else:
        told = _("%(count)d figures are approved and count now.") if approve else _("%(count)d figures are refused.")
        messages.success(request, told % {"count": done})
    return redirect("reports:figures")


# ---- bonus marks and deductions


@require(Permission.RANKING_VIEW)
@require_GET
def adjustment_list(request: HttpRequest) -> HttpResponse:
    """Bonus marks and deductions of units within reach."""
    user = acting(request)
    form = AdjustmentFilterForm(request.GET, user=user)
    rows = AdjustmentEntry.objects.visible_to(user).select_related("unit", "campaign", "proposed_by", "decided_by")
    for name in ("campaign", "state", "kind", "unit"):
        if (value := form.value(name)) is not None:
            rows = rows.filter(**{name: value})
    page = Paginator(rows, PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "may_propose": has_permission(user, Permission.SCORE_PROPOSE),
        "waiting": AdjustmentEntry.objects.visible_to(user).filter(state=AdjustmentEntry.State.PROPOSED).count(),
    }
    return render(request, "reports/marks/adjustments.html", context)


@require(Permission.SCORE_PROPOSE)
@require_http_methods(["GET", "POST"])
def adjustment_new(request: HttpRequest) -> HttpResponse:
    """Propose a bonus or deduction."""
    user = acting(request)
    form = ProposeForm(request.POST or None, request.FILES or None, user=user)
    if request.method == "POST" and form.is_valid():
        scheme, item, _kinds = form.items[form.cleaned_data["item"]]
        values = {key: form.cleaned_data[key] for key in ("unit", "points", "reason", "happened_on", "unfixed")}
        try:
            entry = actions.propose_adjustment(
                campaign=scheme.campaign, item=item, by=user, files=form.cleaned_data["papers"], **values
            )
        except ValidationError as error:
            form.add_error(None, ValidationError(error.messages))
        else:
            messages.success(request, _("It is proposed. It counts once another person has approved it."))
            return redirect("reports:adjustment", pk=entry.pk)
    context = {"form": form, "items": form.items}
    return render(request, "reports/marks/propose.html", context, status=422 if form.is_bound else 200)


@require(Permission.RANKING_VIEW)
@require_GET
def adjustment_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One bonus or deduction, with its evidence."""
    entry = get_object_or_404(_entries(request), pk=pk)
    return render(request, "reports/marks/adjustment.html", _entry_context(request, entry, DecisionForm()))


def _entries(request: HttpRequest) -> Any:
    rows = AdjustmentEntry.objects.visible_to(request.user)
    return rows.select_related("unit", "campaign", "proposed_by", "decided_by")


def _entry_context(request: HttpRequest, entry: AdjustmentEntry, form: DecisionForm) -> dict[str, Any]:
    user = acting(request)
    own = entry.proposed_by_id == user.pk
    judges = entry.state == AdjustmentEntry.State.PROPOSED and actions.may_judge(entry.unit, user)
    files = EvidenceFile.objects.visible_to(user).filter(adjustment=entry)
    return {"entry": entry, "form": form, "files": files, "may_decide": judges and not own, "is_own": judges and own}


@require(Permission.SCORE_DECIDE)
@require_POST
def adjustment_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve or refuse a proposal."""
    entry = get_object_or_404(_entries(request), pk=pk)
    form = DecisionForm(request.POST)
    if not form.is_valid() or request.POST.get("do") not in ("approve", "refuse"):
        return render(request, "reports/marks/adjustment.html", _entry_context(request, entry, form), status=422)
    approve = request.POST["do"] == "approve"
    try:
        actions.decide_adjustment(
            entry=entry, approve=approve, decision=form.cleaned_data["decision"], by=acting(request)
        )
    except (ValidationError, PermissionDenied) as error:
        form.add_error("decision", " ".join(getattr(error, "messages", [str(error)])))
        return render(request, "reports/marks/adjustment.html", _entry_context(request, entry, form), status=422)
    messages.success(request, _("It is approved and counts now.") if approve else _("It is refused."))
    return redirect("reports:adjustment", pk=pk)


@require(Permission.RANKING_VIEW)
@require_GET
def evidence(request: HttpRequest, pk: int) -> HttpResponse:
    """A file of evidence, for those who may see it."""
    row = get_object_or_404(EvidenceFile.objects.visible_to(request.user), pk=pk)
    return hand_out(row)
