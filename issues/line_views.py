"""The line of a department (条线): how many issues of its field there are, in which township and in which state."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from issues.line_forms import LineForm
from issues.models import Issue
from issues.workflow import RUNNING_STATES, State
from outreach.access import Permission, acting, post_of, require
from outreach.models import Unit, User

TOWNSHIP_CODE = 9  # characters: 6 of the district, 3 of the township


@require(Permission.ISSUE_VIEW)
@require_GET
def line(request: HttpRequest) -> HttpResponse:
    """Counts by township and state, each a link to its rows in the ledger."""
    user = acting(request)
    form = LineForm(request.GET, user=user)
    department = form.department
    context: dict[str, Any] = {"form": form, "department": department}
    if department is not None:
        context |= table(department, user)
    return render(request, "issues/line.html", context)


def table(department: Unit, user: User) -> dict[str, Any]:
    """The counts the user may see of the department's line. A fixed number of queries, whatever the district's size."""
    post, today = post_of(user), timezone.localdate()
    assert post is not None
    issues = Issue.objects.visible_to(user).line_of(department).filter(place__code__startswith=post.unit.district_code)
    counted = (
        issues.order_by()
        .annotate(township=Left("place__code", TOWNSHIP_CODE))
        .values_list("township", "state")
        .annotate(all=Count("pk"), late=Count("pk", filter=Q(state__in=RUNNING_STATES, due_on__lt=today)))
    )
    counts: dict[str, dict[str, int]] = {}
    for township, state, number, late in counted:
        row = counts.setdefault(township, {})
        row[state] = number
        row["late"] = row.get("late", 0) + late
        row["all"] = row.get("all", 0) + number
    states = [state for state in State if any(state in row for row in counts.values())]
    district = Unit.objects.filter(code__startswith=post.unit.district_code)
    places = [*district.townships(), *district.filter(kind=Unit.Kind.DISTRICT)]
    columns = [*states, "late", "all"]
    rows = [
        {
            "name": place.name if place.kind == Unit.Kind.TOWNSHIP else _("%(name)s itself") % {"name": place.name},
            "cells": cells(counts[place.code], columns, department=department, place=place),
        }
        for place in places
        if place.code in counts
    ]
    total = {name: sum(row.get(name, 0) for row in counts.values()) for name in columns}
    labels = [*(state.label for state in states), _("overdue"), _("Total")]
    return {"labels": labels, "rows": rows, "total": cells(total, columns, department=department, place=None)}


def cells(row: dict[str, int], columns: Iterable[str], *, department: Unit, place: Unit | None) -> list[dict[str, Any]]:
    """The numbers of a row, each with the ledger's address of its issues: none for 0, and none for the district itself,
    whose filter would take in all townships."""
    found = []
    for name in columns:
        query: dict[str, Any] = {"line": department.pk, "state": name if name in State.values else "all"}
        if name == "late":
            query |= {"state": "open", "due": "overdue"}
        if place is not None:
            query["place"] = place.pk
        is_linked = row.get(name) and (place is None or place.kind == Unit.Kind.TOWNSHIP)
        url = f"{reverse('issues:list')}?{urlencode(query)}" if is_linked else ""
        found.append({"number": row.get(name, 0), "url": url, "is_late": name == "late" and bool(row.get(name))})
    return found
