"""The history of an issue: appended with every step, in the same transaction."""

from __future__ import annotations

from datetime import datetime

from issues.models import Issue, IssueEvent
from issues.workflow import Actor
from outreach import access
from outreach.models import Unit, User

MAX_TEXT = 2000


def append_event(
    issue: Issue,
    move: str,
    *,
    by: User | None,
    at: datetime,
    from_state: str,
    from_unit: Unit | None,
    note: str,
    reason: str = "",
    actor: str = Actor.STAFF,
) -> IssueEvent:
    """Append one step to the history of `issue`, as it now is. `by` is None exactly where `actor` is not staff."""
    post = access.post_of(by) if by else None
    assert (actor == Actor.STAFF) == (post is not None)
    return IssueEvent.objects.create(
        issue=issue,
        at=at,
        actor=actor,
        by=by,
        by_unit=post.unit if post else None,
        move=move,
        from_state=from_state,
        to_state=issue.state,
        from_unit=from_unit,
        to_unit=issue.unit,
        reason=reason,
        note=note,
    )
