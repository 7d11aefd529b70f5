"""Issues by the unit that holds them: what departments are judged by, and who is late.

A place's figures count where a problem arose; who must act is its holder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Min

from outreach.models import Campaign, Unit
from reports import cases, facts, lists
from reports.indicators import Facts
from reports.lists import Window

# what a department's figures are on boards: sums of the cases it is charged with (cases.SUMS), as the indicators take
# them, so that its rate is one number wherever it stands
SUMS = {
    "issues_raised": "received",
    "issues_solved": "ended_solved",
    "issues_explained": "ended_explained",
    "issues_not_accepted": "ended_not_accepted",
    "issues_otherwise": "ended_otherwise",
    "issues_in_review": "reviewed",
    "overdue": "overdue",
}


def read(campaign: Campaign, units: Iterable[Unit], today: date) -> dict[str, Facts]:
    """Return department code → the figures of the issues it is charged with, its offices' with it. One query.

    Charged: what it was sent, what it reported done and how that ended, what it holds past the due day.
    """
    sums = facts.read_cases(campaign, units, today, first=None, last=None)[cases.Side.HOLDER]
    found: dict[str, Facts] = {}
    for code, charged in sums.items():
        if "D" in code:
            counts: dict[str, Any] = {name: charged[key] for name, key in SUMS.items()}
            found[code] = Facts(**counts, not_due=charged["running"] - charged["overdue"])
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
