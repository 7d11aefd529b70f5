"""The list of reports upward, and the same as a file."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from issues import actions, exports, upward
from outreach import calendar
from outreach.access import Permission, acting, has_permission, post_of, require

PAGE_ROWS = 30
TABS = {
    "waiting": gettext_lazy("waiting for the answer"),
    "overdue": gettext_lazy("answer overdue"),
    "answered": gettext_lazy("answered"),
    "all": gettext_lazy("all"),
}


def chosen_tab(request: HttpRequest) -> str:
    """The tab the address names; the first where it names none there is."""
    wanted = request.GET.get("tab", "")
    return wanted if wanted in TABS else "waiting"


@require(Permission.ISSUE_VIEW)
@require_GET
def upward_list(request: HttpRequest) -> HttpResponse:
    """Who reported what to whom, when, and the answer or how long it has been waited for."""
    user, today, tab = acting(request), timezone.localdate(), chosen_tab(request)
    reports, table = upward.reports_for(user), calendar.overrides()
    tabs = [
        {
            "url": f"?tab={name}",
            "label": label,
            "current": name == tab,
            "count": upward.in_tab(reports, name, today).order_by().count(),
        }
        for name, label in TABS.items()
    ]
    page = Paginator(upward.in_tab(reports, tab, today), PAGE_ROWS).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [upward_row(upward.waiting(report, today, table)) for report in page.object_list],
        "tabs": tabs,
        "tab": tab,
        "figures": upward.figures(reports, today),
        "may_export": has_permission(user, Permission.ISSUE_EXPORT),
    }
    return render(request, "issues/upward.html", context)


def upward_row(row: upward.Waiting) -> dict[str, Any]:
    """One line of the list."""
    is_answered = row.report.answered_at is not None
    tone, icon = ("good", "check") if is_answered else ("bad", "alert") if row.is_overdue else ("warn", "clock")
    return {
        "report": row.report,
        "title": Truncator(row.report.issue.text).chars(50),
        "days": row.days,
        "mark": {"word": upward.state_word(row), "tone": tone, "icon": icon},
    }


@require(Permission.ISSUE_EXPORT)
@require_POST
def upward_export(request: HttpRequest) -> HttpResponse:
    """The tab as .xlsx. A POST, because it is written to the audit trail."""
    user, today, tab = acting(request), timezone.localdate(), chosen_tab(request)
    post, table = post_of(user), calendar.overrides()
    assert post is not None
    reports = list(upward.in_tab(upward.reports_for(user), tab, today)[: upward.MAX_ROWS + 1])
    if len(reports) > upward.MAX_ROWS:
        messages.error(request, _("More than %(count)d reports: export a tab.") % {"count": upward.MAX_ROWS})
        return redirect(f"{reverse('issues:upward')}?tab={tab}")
    rows = (upward.waiting(report, today, table) for report in reports)
    content = upward.workbook(rows, by=user, unit=post.unit, today=today)
    actions.log_upward_export(by=user, tab=tab, rows=len(reports))
    response = HttpResponse(content, content_type=exports.XLSX)
    name = _("%(unit)s reports upward %(date)s.xlsx") % {"unit": post.unit.name, "date": today}
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
