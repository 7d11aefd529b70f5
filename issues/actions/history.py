"""The history of an issue: appended with every step, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from issues import chain
from issues.models import Issue, IssueEvent
from issues.notices import tell_of
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
    detail: Mapping[str, Any] | None = None,
    is_first: bool = False,
) -> IssueEvent:
    """Append one step to the history of `issue`, as it now is, and chain it to the step before. `by` is None exactly
    where `actor` is not staff; for `detail` see IssueEvent.

    Those whom the step concerns are told. The one place where an event is written. It takes the issue's row lock
    itself, so that no caller can forget it; `is_first` says that the issue was inserted in this transaction: nobody
    else sees it yet, and its chain is empty. In any case the database refuses an event that does not follow the head,
    and moves the head on (issues_issueevent_link).
    """
    post = access.post_of(by) if by else None
    assert (actor == Actor.STAFF) == (post is not None)
    count, head = 0, chain.GENESIS
    if not is_first:
        heads = Issue.objects.select_for_update(no_key=True).values_list("event_count", "head_hash")
        count, head = heads.get(pk=issue.pk)
    event = IssueEvent(
        issue=issue,
        seq=count + 1,
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
        detail=chain.plain(detail or {}),
        previous_hash=head,
    )
    event.hash = chain.digest(event.canonical())
    event.save(force_insert=True)
    # a later save of this object must not put the old head back
    issue.event_count, issue.head_hash = event.seq, event.hash
    tell_of(event, issue)
    return event
