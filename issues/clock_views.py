"""The card of an issue's page that says how its due day came about, and who held it how long."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from issues import clock, workflow
from issues.actions.timing import local_day, stretches_of
from issues.models import Issue, IssueSegment
from outreach import calendar

SEGMENT_TONES = {"running": "accent", "paused": "warn", "reviewing": "info"}


def clock_card(issue: Issue, today: date | None = None) -> dict[str, Any]:
    """Return what templates/issues/_clock.html shows of `issue`. Costs two queries, whatever happened to it."""
    today = today or timezone.localdate()
    rows = list(issue.segments.select_related("unit"))
    segments, table = stretches_of(rows), calendar.overrides()
    start = timezone.localdate(issue.dispatched_at or issue.recorded_at)
    asked: dict[str, Any] = {"segments": segments, "today": today, "table": table}
    held = clock.held_by_unit(after=start, **asked)
    late = clock.late_by_unit(due=issue.due_on, **asked)
    names = {row.unit_id: row.unit.name for row in rows}
    return {
        "facts": facts_of(issue, start=start, segments=segments, table=table, late=sum(late.values()), today=today),
        "segments": [segment_row(row) for row in rows],
        "units": [{"name": names[unit], "held": days, "late": late.get(unit, 0)} for unit, days in held.items()],
        "late": sum(late.values()),
    }


def facts_of(
    issue: Issue,
    *,
    start: date,
    segments: list[clock.Segment],
    table: calendar.Overrides,
    late: int,
    today: date,
) -> list[tuple[str, str]]:
    """The due day and how it came about, as pairs of a label and a sentence."""
    still = sum(calendar.is_workday(day, table) for day in clock.standstill(segments) if start < day <= issue.due_on)
    started = (
        _("%(day)s, the next working day is the first") if issue.dispatched_at else _("%(day)s, not dispatched yet")
    )
    facts = [
        (_("Counted from"), started % {"day": start}),
        (_("Limit"), _("%(days)d working days") % {"days": issue.limit_workdays}),
    ]
    if issue.extended_workdays:
        facts.append((_("Granted on top"), _("%(days)d working days") % {"days": issue.extended_workdays}))
    if still:
        facts.append((_("Stood still"), _("%(days)d working days, given back") % {"days": still}))
    facts.append((_("Due on"), str(issue.due_on)))
    facts.append((_("Now"), standing(issue, late=late, today=today, table=table)))
    return facts


def standing(issue: Issue, *, late: int, today: date, table: calendar.Overrides) -> str:
    """Say what the clock does now and how much time is left."""
    kind = workflow.CLOCK[workflow.State(issue.state)]
    if kind == workflow.Clock.PAUSED and issue.paused_until:
        return _("paused until %(day)s; the days are given back when it goes on") % {"day": issue.paused_until}
    if kind == workflow.Clock.PAUSED:
        return _("paused; the days are given back when it goes on")
    if kind in (workflow.Clock.REVIEWING, workflow.Clock.ENDED):
        return _("stopped, %(days)d working days late") % {"days": late} if late else _("stopped, in time")
    if late:
        return _("running, %(days)d working days late") % {"days": late}
    return _("running, %(days)d working days left") % {"days": calendar.workdays_between(today, issue.due_on, table)}


def segment_row(row: IssueSegment) -> dict[str, Any]:
    """One stretch as the table shows it."""
    return {
        "unit": row.unit.name,
        "kind": row.get_kind_display(),
        "tone": SEGMENT_TONES[row.kind],
        "start": timezone.localdate(row.started_at),
        "end": local_day(row.ended_at),
    }
