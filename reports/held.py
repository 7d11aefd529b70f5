"""Issues by the unit that holds them: what departments are judged by, and who is late.

A place's figures count where a problem arose; who must act is its holder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Min, Q

from issues import workflow
from issues.models import Issue, Outcome
from outreach.models import Campaign, Unit
from reports import lists
from reports.facts import ASIDE_STATES
from reports.figures import CLOSED, JUDGED_OUTCOMES, RUNNING
from reports.indicators import Facts
from reports.lists import Window


def read(campaign: Campaign, today: date) -> dict[str, Facts]:
    """Return department code → the figures of the issues it holds, its offices' with it. One query."""
    rows = (
        Issue.objects.filter(campaign=campaign, unit__kind=Unit.Kind.DEPARTMENT)
        .order_by()
        .values_list("unit__code")
        .annotate(
            issues_raised=Count("pk"),
            issues_solved=Count("pk", filter=CLOSED & Q(outcome=Outcome.SOLVED)),
            issues_explained=Count("pk", filter=CLOSED & Q(outcome=Outcome.EXPLAINED)),
            issues_not_accepted=Count("pk", filter=CLOSED & Q(outcome=Outcome.NOT_ACCEPTED)),
            issues_otherwise=Count("pk", filter=CLOSED & ~Q(outcome__in=JUDGED_OUTCOMES)),
            issues_in_review=Count("pk", filter=Q(state__in=workflow.REVIEW_STATES)),
            issues_set_aside=Count("pk", filter=Q(state__in=ASIDE_STATES)),
            overdue=Count("pk", filter=RUNNING & Q(due_on__lt=today)),
            not_due=Count("pk", filter=RUNNING & Q(due_on__gte=today)),
        )
    )
    names = (
        *("issues_raised", "issues_solved", "issues_explained", "issues_not_accepted", "issues_otherwise"),
        *("issues_in_review", "issues_set_aside", "overdue", "not_due"),
    )
    found: dict[str, Facts] = {}
    for code, *counts in rows:
        counted = Facts(**dict(zip(names, counts, strict=True)))
        # an office of a department (439900D0801) counts with the department (439900D08) too
        for each in {code, code[:9]}:
            found[each] = found.get(each, Facts()) + counted
    return found


@dataclass(frozen=True, slots=True)
class Late:
    """A unit that holds overdue issues."""

    unit: Unit
    count: int
    days: int  # the oldest one's, in calendar days


def late_units(campaign: Campaign, codes: Sequence[str], today: date) -> list[Late]:
    """Return who holds overdue issues that arose at or below the units `codes` or are held there, those with the most
    first: a township sees the departments that are late with its problems. Two queries."""
    window = Window.of_day(today, today)
    overdue = lists.issue_rows(lists.LISTS["late_here"], campaign, codes, window)
    rows = list(overdue.order_by().values("unit").annotate(count=Count("pk"), oldest=Min("due_on")))
    units = Unit.objects.select_related("parent").in_bulk([row["unit"] for row in rows])
    late = [Late(units[row["unit"]], row["count"], (today - row["oldest"]).days) for row in rows]
    return sorted(late, key=lambda row: (-row.count, -row.days, row.unit.sort_order, row.unit.code))
