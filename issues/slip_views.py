"""The slip with the code of one issue, and the list of what its recorder has to tell residents."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from issues import actions
from issues.models import Issue, ResidentCode, ResidentMessage
from issues.progress import HEADLINES
from outreach import qr
from outreach.access import Permission, acting, require

PAGE_ROWS = 30


def code_parts(code: ResidentCode) -> dict[str, Any]:
    """Return what a card or slip shows of a code: the code, its QR and the address of the page. Paper lasts: the
    address is the site's, not the one under which somebody happens to reach it while printing."""
    address = f"{settings.SITE_URL}{reverse('resident_start')}"
    return {"code": code.spoken, "qr": qr.svg(f"{address}#{code.spoken}"), "address": address}


@require(Permission.ISSUE_VIEW)
@require_POST
@never_cache
def resident_slip(request: HttpRequest, pk: int) -> HttpResponse:
    """The slip for the resident, to be printed. A POST: printing is on record. `renew` withdraws the old code."""
    issue = get_object_or_404(Issue.objects.visible_to(request.user).with_names(), pk=pk)
    renew = "renew" in request.POST
    make = actions.renew_issue_code if renew else actions.print_issue_code
    code = make(issue=issue, by=acting(request))
    context = {"issue": issue, "renewed": renew, **code_parts(code)}
    return render(request, "issues/slip.html", context)


@require(Permission.ISSUE_OPEN)
@require_GET
def tell_list(request: HttpRequest) -> HttpResponse:
    """What I have to tell the residents whose issues I recorded, oldest first."""
    user = acting(request)
    waiting = (
        ResidentMessage.objects.filter(state=ResidentMessage.State.BY_HAND, issue__recorded_by=user)
        .select_related("issue__unit", "issue__household__village", "issue__category", "issue__place")
        .order_by("pk")
    )
    page = Paginator(waiting, PAGE_ROWS).get_page(request.GET.get("page"))
    rows = [
        {
            "message": message,
            "issue": message.issue,
            "household": message.issue.household,
            "say": str(HEADLINES[message.issue.state]) % {"unit": message.issue.unit.name},
        }
        for message in page.object_list
    ]
    return render(request, "issues/tell.html", {"page": page, "rows": rows})


@require(Permission.ISSUE_OPEN)
@require_POST
def issue_told(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick off: the resident was told."""
    issue = get_object_or_404(Issue.objects.visible_to(request.user), pk=pk)
    actions.mark_told(issue=issue, by=acting(request))
    messages.success(request, _("Noted: the resident of issue %(number)s was told.") % {"number": issue.number})
    return redirect("issues:tell_list")
