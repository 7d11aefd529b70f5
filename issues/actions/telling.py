"""Telling the resident: at receipt, on change and at the end (domain.md I4). By SMS where that is possible, else by who
recorded the issue, for whom it stands on a list until it is done (首问负责)."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from issues import workflow
from issues.models import Issue, IssueEvent, ResidentMessage
from issues.workflow import Actor, Told
from outreach import access
from outreach.access import Permission
from outreach.models import Channel, User

END_MOVES = ("refuse", "answer_up", "finish", "close", "close_not_content", "merge")
# Worth a walk or a call. The rest is read on the page, or goes out by SMS: nobody walks to say "it was passed on".
WORTH_A_WALK = (*END_MOVES, "restore", "grant", "pause", "report_up", "redo", "redo_up")

Kind, State = ResidentMessage.Kind, ResidentMessage.State


def tell_resident(issue: Issue, event: IssueEvent) -> ResidentMessage | None:
    """Note that the resident is to hear of `event`, where the table of moves says so; called with each step, in its
    transaction. Returns None where there is nothing to tell: the resident took the step, or was there (receipt)."""
    step = workflow.BY_NAME.get(event.move)
    if event.actor == Actor.RESIDENT or not (event.move == "open" or (step and Told.RESIDENT in step.tell)):
        return None
    by_text = can_text(issue)
    if not by_text and event.move not in WORTH_A_WALK:
        return None
    # one list entry an issue: whoever tells the latest has told it all
    issue.resident_messages.filter(state__in=[State.BY_HAND, State.WAITING]).update(state=State.OVERTAKEN)
    return ResidentMessage.objects.create(
        issue=issue,
        event=event,
        kind=Kind.RECEIPT if event.move == "open" else Kind.END if event.move in END_MOVES else Kind.CHANGE,
        state=State.WAITING if by_text else State.BY_HAND,
        made_at=event.at,
    )


def can_text(issue: Issue) -> bool:
    """Say whether the resident has a number and the district a gateway for text messages."""
    if issue.household is None or not issue.household.phone:
        return False
    gateways = Channel.objects.active().filter(unit__code=issue.place.district_code, kind=Channel.Kind.SMS)
    return gateways.exists()


@transaction.atomic
def mark_told(*, issue: Issue, by: User) -> int:
    """Note that `by`, who recorded `issue`, has told the resident all there was to tell; return how many things that
    were. Twice is once. Raises PermissionDenied for anybody else."""
    access.demand(by, Permission.ISSUE_VIEW)
    if issue.recorded_by_id != by.pk:
        raise PermissionDenied("only who recorded the issue")
    return issue.resident_messages.filter(state=State.BY_HAND).update(
        state=State.TOLD, told_at=timezone.now(), told_by=by
    )
