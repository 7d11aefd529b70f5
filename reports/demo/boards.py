"""What the boards need beside the work: whom leaders answer for, how days ended, who confirmed a week."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from outreach.models import Campaign, LeaderLink, Unit, User
from reports import facts, held, standing, unit_board
from reports.closing import counts_of
from reports.demo.work import moment
from reports.indicators import Facts
from reports.models import Confirmation, DayClose
from reports.office_board import last_week

DAYS = 35
LINKED = ("439900101", "439900001", "439900D08")
NOTE = "走访次数少计 2 户：11 组两户由结对干部补录，尚未同步，请核实。"

# As of the end of each day: the rows say when each step was taken, and the demo knows no detours.
ENDS = """
    SELECT unit.id, days.day::date,
        count(*) FILTER (WHERE issue.recorded_at < days.night) AS raised,
        count(*) FILTER (WHERE issue.closed_at < days.night AND issue.outcome = 'solved') AS solved,
        count(*) FILTER (WHERE issue.closed_at < days.night AND issue.outcome = 'explained') AS explained,
        count(*) FILTER (WHERE issue.closed_at < days.night AND issue.outcome = 'not_accepted') AS not_accepted,
        count(*) FILTER (WHERE issue.recorded_at < days.night AND issue.due_on < days.day
            AND (issue.done_at IS NULL OR issue.done_at >= days.night)) AS overdue
    FROM (SELECT day, (day + interval '1 day') AT TIME ZONE 'Asia/Shanghai' AS night
          FROM generate_series(%(first)s::date::timestamp, %(last)s::date::timestamp, interval '1 day') day) days
    CROSS JOIN outreach_unit unit
    JOIN issues_issue issue ON issue.campaign_id = %(campaign)s
    JOIN outreach_unit side ON side.id = CASE WHEN unit.kind = 'department' THEN issue.unit_id ELSE issue.place_id END
        AND starts_with(side.code, unit.code)
    GROUP BY 1, 2
"""


def add_boards(staff: dict[str, User], campaign: Campaign, today: date) -> None:
    """Link the leaders, keep the ends of the last days, and let two townships answer for last week's figures."""
    post = staff["L001"].memberships.get()
    for unit in Unit.objects.filter(code__in=LINKED):
        LeaderLink.objects.get_or_create(leader=post, unit=unit)
    _close_days(campaign, today)
    _confirm(staff, campaign, today)


def _close_days(campaign: Campaign, today: date) -> None:
    units = list(Unit.objects.filter(code__startswith=campaign.district.code))
    first = max(campaign.starts_on, today - timedelta(days=DAYS))
    last = min(today, campaign.ends_on + timedelta(days=1)) - timedelta(days=1)
    if last < first:
        return
    issues = _issue_ends(campaign, first, last)
    known = {**facts.read(campaign, units, today), **held.read(campaign, units, today)}
    rows = []
    for day in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        visited = facts.read(campaign, units, day, last=day)
        for unit in units:
            if unit.code not in known:
                continue
            seen = visited.get(unit.code, Facts())
            counts = counts_of(
                Facts(
                    households=seen.households,
                    off_roster=seen.off_roster,
                    covered=seen.covered,
                    met=seen.met,
                    visits=seen.visits,
                    **issues.get((unit.pk, day), {}),
                )
            )
            rows.append(DayClose(campaign=campaign, unit=unit, day=day, counts=counts))
    DayClose.objects.bulk_create(rows, batch_size=1000)


def _issue_ends(campaign: Campaign, first: date, last: date) -> dict[tuple[int, date], dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(ENDS, {"campaign": campaign.pk, "first": first, "last": last})
        rows = cursor.fetchall()
    names = ("issues_raised", "issues_solved", "issues_explained", "issues_not_accepted", "overdue")
    return {(unit, day): dict(zip(names, counts, strict=True)) for unit, day, *counts in rows}


def _confirm(staff: dict[str, User], campaign: Campaign, today: date) -> None:
    """One township confirmed the week, another found it wrong."""
    first = last_week(today)
    if first < campaign.starts_on:
        return
    shown = standing.read(campaign, today)
    for number, note in (("A201", NOTE), ("A301", "")):
        user = staff.get(number)
        post = user.memberships.select_related("unit").first() if user else None
        if user is None or post is None:
            continue
        Confirmation.objects.create(
            campaign=campaign,
            unit=post.unit,
            week_on=first,
            figures=unit_board.week_figures(shown, post.unit, first),
            note=note,
            confirmed_at=min(timezone.now(), moment(first + timedelta(days=7), 9, 10)),
            confirmed_by=user,
        )
