"""What is brought up again and again: by category and place, and by household."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from issues import clusters
from issues.models import Issue
from outreach.access import Permission, acting, permissions_of, require

MAX_SHOWN = 8  # numbers of one group


@require(Permission.ISSUE_VIEW)
@require_GET
def cluster_list(request: HttpRequest) -> HttpResponse:
    """Repeated issues of a period, each number with its issues one click away. What makes no sense is the default."""
    user = acting(request)
    days = clusters.period(request.GET.get("days"))
    level = "township" if request.GET.get("level") == "township" else "village"
    since = timezone.localdate() - timedelta(days=days)
    issues = Issue.objects.visible_to(user)
    may_gather = Permission.ISSUE_DISPATCH in permissions_of(user)
    rows = [
        {
            "cluster": row,
            "url": _ledger(category=row.category.pk, place=row.place.pk, recorded_from=since),
            "family_url": f"{reverse('issues:cluster_family')}?{urlencode(_key(row, days))}" if may_gather else "",
        }
        for row in clusters.by_place(issues, since=since, level=level)
    ]
    homes = [{"row": row} for row in clusters.by_household(issues, user=user, since=since)]
    labels = {"village": _("By village"), "township": _("By township")}
    context = {
        "rows": rows,
        "may_gather": may_gather,
        "homes": homes,
        "alike": [
            {"group": group, "shown": group.issues[:MAX_SHOWN], "more": len(group.issues) - MAX_SHOWN}
            for group in clusters.by_text(issues, since=since)
        ],
        "since": since,
        "least": clusters.LEAST,
        "levels": [
            {"url": f"?level={name}&days={days}", "label": label, "current": name == level}
            for name, label in labels.items()
        ],
        "periods": [
            {
                "url": f"?level={level}&days={number}",
                "label": _("%(days)d days") % {"days": number},
                "current": number == days,
            }
            for number in clusters.PERIODS
        ],
    }
    return render(request, "issues/clusters.html", context)


def _key(row: clusters.Cluster, days: int) -> dict[str, int]:
    return {"category": row.category.pk, "place": row.place.pk, "days": days}


def _ledger(**filters: object) -> str:
    return f"{reverse('issues:list')}?{urlencode({'state': 'all', **filters})}"
