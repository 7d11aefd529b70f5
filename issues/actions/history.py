"""The history of an issue: appended with every step, in the same transaction."""

from __future__ import annotations

from datetime import datetime

from issues.models import Issue, IssueEvent
from outreach import access
from outreach.models import Unit, User

MAX_TEXT = 2000


def append_event(
    issue: Issue, move: str, *, by: User, at: datetime, from_state: str, from_unit: Unit | None, note: str
) -> IssueEvent:
    """Append one step to the history of `issue`, as it now is."""
    post = access.post_of(by)
    assert post is not None
    return IssueEvent.objects.create(
        issue=issue,
        at=at,
        by=by,
        by_unit=post.unit,
        move=move,
        from_state=from_state,
        to_state=issue.state,
        from_unit=from_unit,
        to_unit=issue.unit,
        note=note,
    )
