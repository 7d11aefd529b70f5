"""Counting the due days again, when the working-day calendar changed: once a night, and by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils import timezone

from issues.actions.history import append_event
from issues.actions.moving import lock
from issues.actions.timing import due_day_of, set_due_day
from issues.models import Issue
from issues.workflow import OPEN_STATES, Actor
from outreach import calendar


@dataclass(frozen=True)
class Difference:
    """An open issue whose due day is not what its clock comes to."""

    issue: Issue
    before: date
    after: date

    def __str__(self) -> str:
        return f"{self.issue.number} {self.before} → {self.after}"


def deadline_differences() -> Iterator[Difference]:
    """Yield the open issues whose due day differs from what limit, extension, ledger and today's calendar come to.

    What was reported done is not looked at: it was judged by the calendar of its day. Costs two queries for every
    2 000 open issues.
    """
    table = calendar.overrides()
    for issue in Issue.objects.open().prefetch_related("segments").order_by("pk").iterator(chunk_size=2000):
        day = due_day_of(issue, segments=issue.segments.all(), table=table)
        if day != issue.due_on:
            yield Difference(issue, issue.due_on, day)


def recompute_deadlines() -> list[Difference]:
    """Set every due day that differs and say which they were; running it again changes nothing.

    Each issue in a transaction of its own, under its lock, with a step in its history and due_version + 1, so that
    reminders of the new day go out. The limit stays the one the issue was dispatched with, whatever the settings of
    kinds and categories are now: what a unit was promised is not changed behind its back.
    """
    return [difference for difference in list(deadline_differences()) if recompute_deadline(issue=difference.issue)]


@transaction.atomic
def recompute_deadline(*, issue: Issue) -> bool:
    """Count the due day of one open issue again; say whether it moved."""
    locked = lock(issue)
    before = locked.due_on
    if locked.state not in OPEN_STATES or not set_due_day(locked, segments=locked.segments.all()):
        return False
    locked.save(update_fields=["due_on", "due_version"])
    note = f"{before} → {locked.due_on}"
    append_event(
        locked,
        "recompute",
        by=None,
        actor=Actor.SYSTEM,
        at=timezone.now(),
        from_state=locked.state,
        from_unit=locked.unit,
        note=note,
    )
    return True
