"""Units without duty (R10): the report, and the one-step ways to give a unit something or to exempt it."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from outreach.access import Permission, acting, has_permission, post_of, require
from outreach.models import Campaign, Unit
from reports import duties
from reports.actions import shortfalls as shortfall_actions
from reports.models import DutyExemption, UnitLink, WorkPlan
from reports.plan_forms import ExemptionForm, LinkForm

TABS = ("idle", "some", "exempt", "all")


@require(Permission.PLAN_VIEW)
@require_GET
def unit_duties(request: HttpRequest) -> HttpResponse:
    """The units nothing of the campaign is the business of; for the district's office and leaders, and for a township
    its own villages."""
    return render_duties(request)


def render_duties(request: HttpRequest, *, status: int = 200, refusal: str = "") -> HttpResponse:
    """Render the report; `refusal` says what was wrong with a step."""
    user = acting(request)
    post = post_of(user)
    assert post is not None
    district = Unit.objects.get(code=post.unit.district_code, kind=Unit.Kind.DISTRICT)
    found = [
        duty for duty in duties.duties(district, timezone.localdate()) if duty.unit.code.startswith(post.unit.code)
    ]
    groups = {
        "idle": [duty for duty in found if duty.is_idle],
        "some": [duty for duty in found if duty.lacks_some and not duty.is_idle],
        "exempt": [duty for duty in found if duty.exemption],
        "all": found,
    }
    labels = {
        "idle": _("Without any duty"),
        "some": _("Something missing"),
        "exempt": _("Exempted"),
        "all": _("All units"),
    }
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else "idle"
    may_edit = has_permission(user, Permission.PLAN_EDIT) and post.unit_id == district.pk
    links = UnitLink.objects.filter(ended_at=None, unit__code__startswith=district.code).select_related("unit", "place")
    context = {
        "tabs": [
            {"url": f"?tab={name}", "label": labels[name], "current": name == tab, "count": len(groups[name])}
            for name in TABS
        ],
        "tab": tab,
        "title": labels[tab],
        "rows": groups[tab],
        "count": len(groups[tab]),
        "idle_count": len(groups["idle"]),
        "whole": len(found),
        "may_edit": may_edit,
        "may_assign": has_permission(user, Permission.HOUSEHOLD_ASSIGN),
        "plan": WorkPlan.objects.filter(district=district).running().first() if may_edit else None,
        "campaign": Campaign.objects.filter(district=district).open().first(),
        # read once: every row offers them
        "places": list(LinkForm(district=district).fields["place"].choices)[1:] if may_edit else [],  # type: ignore[attr-defined]
        "links": [link for link in links if link.unit.code.startswith(post.unit.code)],
        "refusal": refusal,
    }
    return render(request, "reports/plans/duties.html", context, status=status)


def load_unit(request: HttpRequest, code: str) -> Unit:
    """Return the unit in reach, or raise Http404."""
    units = Unit.objects.visible_to(request.user).active().exclude(kind=Unit.Kind.DISTRICT)
    return get_object_or_404(units, code=code)


@require(Permission.PLAN_EDIT)
@require_POST
def unit_link(request: HttpRequest, code: str) -> HttpResponse:
    """Link a department to a place."""
    unit = load_unit(request, code)
    form = LinkForm(request.POST, district=district_of(request))
    try:
        if not form.is_valid():
            raise ValidationError(_("Choose a township or village of the district."))
        shortfall_actions.link_place(unit=unit, place=form.cleaned_data["place"], by=acting(request))
    except ValidationError as error:
        return render_duties(request, status=422, refusal=" ".join(error.messages))
    messages.success(request, _("%(unit)s is linked.") % {"unit": unit.name})
    return redirect("reports:unit_duties")


@require(Permission.PLAN_EDIT)
@require_POST
def unit_exempt(request: HttpRequest, code: str) -> HttpResponse:
    """Exempt a unit, with reason and end."""
    unit = load_unit(request, code)
    form = ExemptionForm(request.POST)
    try:
        if not form.is_valid():
            raise ValidationError(_("An exemption needs a reason and the day it ends."))
        shortfall_actions.exempt_unit(unit=unit, by=acting(request), **form.cleaned_data)
    except ValidationError as error:
        return render_duties(request, status=422, refusal=" ".join(error.messages))
    messages.success(request, _("%(unit)s is exempted.") % {"unit": unit.name})
    return redirect("reports:unit_duties")


def district_of(request: HttpRequest) -> Unit:
    """The district the post stands for. Raises PermissionDenied elsewhere."""
    post = post_of(request.user)
    if post is None or post.unit.kind != Unit.Kind.DISTRICT:
        raise PermissionDenied(_("Duties are given out by the district's office."))
    return post.unit


@require(Permission.PLAN_EDIT)
@require_POST
def unit_unlink(request: HttpRequest, link: int) -> HttpResponse:
    """End a link."""
    rows = UnitLink.objects.filter(unit__in=Unit.objects.visible_to(request.user))
    shortfall_actions.unlink_place(link=get_object_or_404(rows, pk=link), by=acting(request))
    messages.success(request, _("The link is ended."))
    return redirect("reports:unit_duties")


@require(Permission.PLAN_EDIT)
@require_POST
def unit_unexempt(request: HttpRequest, exemption: int) -> HttpResponse:
    """End an exemption before its day."""
    rows = DutyExemption.objects.filter(unit__in=Unit.objects.visible_to(request.user))
    shortfall_actions.end_exemption(exemption=get_object_or_404(rows, pk=exemption), by=acting(request))
    messages.success(request, _("The exemption is ended."))
    return redirect("reports:unit_duties")
