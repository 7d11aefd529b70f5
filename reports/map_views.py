"""The map of units, the boundaries it is drawn from, and the chart of effort against result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from outreach.access import Permission, acting, has_permission, require
from outreach.models import Campaign, Unit
from reports import boundaries, effort, maps, screen_actions
from reports.models import Boundary, BoundaryFile
from reports.ranking import Reader
from reports.screen_forms import BoundaryForm, EffortForm, MapForm

FormT = TypeVar("FormT", MapForm, EffortForm)


def _asked(request: HttpRequest, form_of: Callable[..., FormT]) -> tuple[FormT, list[Unit]] | None:
    """The form with what is asked for, and the district's units; None where there is no campaign yet."""
    visible = Campaign.objects.visible_to(request.user).exclude(state=Campaign.State.DRAFT).select_related("district")
    campaigns = sorted(visible, key=lambda campaign: campaign.state != Campaign.State.OPEN)
    if not campaigns:
        return None
    units = list(Unit.objects.filter(code__startswith=campaigns[0].district.code))
    units.sort(key=lambda unit: unit.kind != Unit.Kind.DISTRICT)
    return form_of(request.GET, campaigns=campaigns, units=units), units


def _no_campaign(request: HttpRequest) -> HttpResponse:
    may_run = has_permission(request.user, Permission.CAMPAIGN_EDIT)
    return render(request, "reports/no_campaign.html", {"may_run": may_run})


def _url(asked: dict[str, Any], **other: Any) -> str:
    return "?" + urlencode({key: value for key, value in {**asked, **other}.items() if value != ""})


@require(Permission.RANKING_VIEW)
@require_GET
def map_show(request: HttpRequest) -> HttpResponse:
    """The units by a figure, on a map or as tiles, and as a table."""
    found = _asked(request, MapForm)
    if found is None:
        return _no_campaign(request)
    form, units = found
    choice = form.choice()
    shown = maps.build(units=units, reader=Reader.of(request.user), today=timezone.localdate(), **choice)
    in_township = shown.scope.kind == Unit.Kind.TOWNSHIP
    asked = {
        "campaign": shown.campaign.pk,
        "unit": shown.scope.code if in_township else "",
        "figure": shown.figure.key,
    }
    context = {
        "form": form,
        "map": shown,
        "asked": asked,
        "in_township": in_township,
        "figure_tabs": [
            {"url": _url(asked, figure=key), "label": figure.label, "current": key == shown.figure.key}
            for key, figure in form.figures.items()
        ],
        "district_url": _url(asked, unit=""),
        "may_keep": has_permission(request.user, Permission.CAMPAIGN_EDIT),
    }
    return render(request, "reports/map/map.html", context, status=200 if form.is_valid() else 400)


@require(Permission.RANKING_VIEW)
@require_GET
def effort_show(request: HttpRequest) -> HttpResponse:
    """Effort against result, a point for each unit."""
    found = _asked(request, EffortForm)
    if found is None:
        return _no_campaign(request)
    form, units = found
    shown = effort.compare(units=units, today=timezone.localdate(), **form.choice())
    # the fields show what is shown, also where the address said nothing
    fields = EffortForm(
        {
            "campaign": str(shown.campaign.pk),
            "unit": shown.scope.code,
            "level": shown.level,
            "effort": shown.effort.key,
            "result": shown.result.key,
        },
        campaigns=list(form.campaigns.values()),
        units=units,
    )
    context = {"form": fields, "errors": form.errors, "shown": shown, "chart": shown.chart()}
    return render(request, "reports/map/effort.html", context, status=200 if form.is_valid() else 400)


def _district_of(request: HttpRequest) -> Unit:
    """The district whose boundaries the post keeps; 404 for a post that does not stand for a whole district."""
    return get_object_or_404(Unit.objects.visible_to(request.user).districts())


@require(Permission.CAMPAIGN_EDIT)
@require_http_methods(["GET", "POST"])
def boundaries_edit(request: HttpRequest) -> HttpResponse:
    """What the map is drawn from, and a form for a file of boundaries."""
    district = _district_of(request)
    form = BoundaryForm(request.POST or None, request.FILES or None)
    status = 200
    if request.method == "POST":
        form = BoundaryForm(request.POST, request.FILES)
        status = 422
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                kept = screen_actions.read_boundaries(
                    district=district,
                    filename=file.name or "",
                    content=file.read(),
                    datum=form.cleaned_data["datum"],
                    by=acting(request),
                )
                return redirect("reports:boundary_file", pk=kept.pk)
            except boundaries.UnusableBoundariesError as error:
                form.add_error("file", str(error))
    drawn = Boundary.objects.filter(unit__code__startswith=district.code)
    applied = BoundaryFile.objects.visible_to(request.user).exclude(applied_at=None).defer("shapes", "faults")
    context = {
        "form": form,
        "drawn": drawn.count(),
        "files": applied.select_related("uploaded_by").order_by("-applied_at")[:10],
    }
    return render(request, "reports/map/boundaries.html", context, status=status)


@require(Permission.CAMPAIGN_EDIT)
@require_GET
def boundary_file(request: HttpRequest, pk: int) -> HttpResponse:
    """What a file would bring: the units it names, the units it leaves out, the features that could not be used."""
    file = get_object_or_404(BoundaryFile.objects.visible_to(request.user), pk=pk)
    units = Unit.objects.filter(code__startswith=file.district.code).active()
    drawn = [unit for unit in units if unit.kind in (Unit.Kind.TOWNSHIP, Unit.Kind.VILLAGE)]
    have = set(Boundary.objects.filter(unit__in=drawn).values_list("unit__code", flat=True))
    context = {
        "file": file,
        "found": [unit for unit in drawn if unit.code in file.shapes],
        "missing": [unit for unit in drawn if unit.code not in file.shapes and unit.code not in have],
    }
    return render(request, "reports/map/boundary_file.html", context)


@require(Permission.CAMPAIGN_EDIT)
@require_POST
def boundary_file_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Draw the map from the file."""
    file = get_object_or_404(BoundaryFile.objects.visible_to(request.user), pk=pk)
    try:
        count = screen_actions.apply_boundaries(file=file, by=acting(request))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("reports:boundary_file", pk=pk)
    messages.success(
        request,
        ngettext("%(count)d boundary was imported.", "%(count)d boundaries were imported.", count) % {"count": count},
    )
    return redirect("reports:map")
