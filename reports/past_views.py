"""Past scores: upload, look at what was read, take over, undo."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach import access
from outreach.access import Permission, acting, require
from outreach.models import Unit
from reports import past_scores, score_exports
from reports.actions import past_scores as actions
from reports.models import PastImport, PastScore
from reports.snapshot_forms import PastFileForm

RANKED = (Unit.Kind.TOWNSHIP, Unit.Kind.DEPARTMENT)


def _district(request: HttpRequest) -> Unit:
    code = access.reach(request.user)
    return get_object_or_404(Unit, code=(code or "")[:6])


@require(Permission.SNAPSHOT_MAKE)
@require_http_methods(["GET", "POST"])
def past_import_list(request: HttpRequest) -> HttpResponse:
    """The imports so far, and the form for another."""
    district = _district(request)
    form = PastFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            if upload.size > past_scores.MAX_BYTES:
                raise past_scores.UnusableFileError(
                    _("The file is larger than 5 MB. Copy the scores into a new workbook.")
                )
            record = actions.check_file(
                district=district,
                content=upload.read(),
                filename=upload.name or "",
                by=acting(request),
                this_year=timezone.localdate().year,
            )
        except past_scores.UnusableFileError as error:
            form.add_error("file", str(error))
        else:
            return redirect("reports:past_import_detail", pk=record.pk)
    imports = PastImport.objects.visible_to(request.user).defer("rows", "errors").select_related("created_by")
    stored = PastScore.objects.filter(unit__code__startswith=district.code)
    years = sorted(set(stored.values_list("year", flat=True).order_by()), reverse=True)
    context = {"form": form, "imports": list(imports[:50]), "years": years, "count": stored.count()}
    return render(request, "reports/past/list.html", context, status=422 if form.is_bound else 200)


@require(Permission.SNAPSHOT_MAKE)
@require_GET
def past_import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """What was read: every row, every error."""
    record = get_object_or_404(PastImport.objects.visible_to(request.user), pk=pk)
    return render(request, "reports/past/detail.html", {"record": record})


@require(Permission.SNAPSHOT_MAKE)
@require_POST
def past_import_commit(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the rows over."""
    record = get_object_or_404(PastImport.objects.visible_to(request.user), pk=pk)
    try:
        count = actions.commit(record=record, by=acting(request))
    except ValidationError as error:
        context = {"record": record, "problem": " ".join(error.messages)}
        return render(request, "reports/past/detail.html", context, status=409)
    messages.success(request, _("%(count)d scores are taken over.") % {"count": count})
    return redirect("reports:past_import_detail", pk=pk)


@require(Permission.SNAPSHOT_MAKE)
@require_POST
def past_import_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an import back."""
    record = get_object_or_404(PastImport.objects.visible_to(request.user), pk=pk)
    try:
        count = actions.undo(record=record, by=acting(request))
    except ValidationError as error:
        context = {"record": record, "problem": " ".join(error.messages)}
        return render(request, "reports/past/detail.html", context, status=409)
    messages.success(request, _("The import is undone: %(count)d scores are removed.") % {"count": count})
    return redirect("reports:past_import_detail", pk=pk)


@require(Permission.SNAPSHOT_MAKE)
@require_GET
def past_import_template(request: HttpRequest) -> HttpResponse:
    """The workbook to fill in, with the district's townships and departments."""
    district = _district(request)
    units = Unit.objects.active().filter(code__startswith=district.code, kind__in=RANKED)
    rows = list(units.order_by("sort_order", "code").values_list("code", "name"))
    content = score_exports.past_template(rows, timezone.localdate().year - 1)
    response = HttpResponse(content, content_type=score_exports.CONTENT_TYPE)
    response["Content-Disposition"] = content_disposition_header(True, "往年得分导入模板.xlsx") or ""
    return response
