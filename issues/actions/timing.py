"""The clock's ledger of an issue, and the due day that follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.utils import timezone

from issues import clock, workflow
from issues.models import Category, Issue, IssueSegment, KindLimit
from outreach import calendar


def limit_of(*, category: Category, kind: str, is_urgent: bool) -> int:
    """Return the working days such an issue may take by today's limits."""
    return clock.limit(
        kind=kind,
        category_limits=[node.workdays for node in category.path()],
        kind_limits={row.kind: (row.workdays, row.urgent_workdays) for row in KindLimit.objects.all()},
        is_urgent=is_urgent,
    )


def turn_clock(issue: Issue, *, at: datetime) -> None:
    """Bring the ledger of segments in line with the state and holder of `issue`, and the due day with the ledger.

    The issue is not saved here. Run under the issue's row lock; running it again changes nothing.
    """
    switch_segment(issue, at=at)
    set_due_day(issue, segments=IssueSegment.objects.filter(issue=issue))


def switch_segment(issue: Issue, *, at: datetime) -> None:
    """Bring the ledger of segments in line with the state and holder of `issue`: a segment ends where the unit or what
    the clock does changes, and the next begins at the same moment."""
    kind = kind_of_stretch(issue)
    current = IssueSegment.objects.filter(issue=issue, ended_at=None).first()
    if current is not None and (current.kind, current.unit_id) != (kind, issue.unit_id):
        current.ended_at = at
        current.save(update_fields=["ended_at"])
        current = None
    if current is None:
        begin_segment(issue, at=at)


def begin_segment(issue: Issue, *, at: datetime) -> None:
    """Begin the segment the state of `issue` asks for, where it asks for one and none is open."""
    if kind := kind_of_stretch(issue):
        IssueSegment.objects.create(issue=issue, unit_id=issue.unit_id, kind=kind, started_at=at)


def kind_of_stretch(issue: Issue) -> str:
    """Return what the clock does in the state of `issue`: running, paused, reviewing; "" where there is no segment."""
    kind = workflow.CLOCK[workflow.State(issue.state)]
    stretches = (workflow.Clock.RUNNING, workflow.Clock.PAUSED, workflow.Clock.REVIEWING)
    return kind if kind in stretches else ""


def set_due_day(issue: Issue, *, segments: Iterable[IssueSegment]) -> bool:
    """Set on `issue` (unsaved) the due day its limit, extension and `segments` come to; say whether it moved."""
    day = due_day_of(issue, segments=segments, table=calendar.overrides())
    if day == issue.due_on:
        return False
    issue.due_on = day
    issue.due_version += 1
    return True


def due_day_of(issue: Issue, *, segments: Iterable[IssueSegment], table: calendar.Overrides) -> date:
    """Return the due day the limit and extension of `issue` and its `segments` come to. Asks the database nothing."""
    return clock.deadline(
        dispatched_on=timezone.localdate(issue.dispatched_at or issue.recorded_at),
        limit=issue.limit_workdays,
        extended=issue.extended_workdays,
        segments=stretches_of(segments),
        table=table,
    )


def stretches_of(segments: Iterable[IssueSegment]) -> list[clock.Segment]:
    """Return rows of the ledger as the pure functions of clock.py take them, in local days."""
    return [
        clock.Segment(
            unit=row.unit_id,
            kind=clock.Kind(row.kind),
            start=timezone.localdate(row.started_at),
            end=local_day(row.ended_at),
        )
        for row in segments
    ]


def local_day(moment: datetime | None) -> date | None:
    """Return the day of `moment` on the district's clock, or None."""
    return None if moment is None else timezone.localdate(moment)
