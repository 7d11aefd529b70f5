"""Difficult issues (疑难问题): which ones they are, by mark or by rule, and who may write and answer what."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils.translation import gettext as _

from issues import workflow
from issues.models import DifficultMark, Instruction, Issue, IssueQuerySet
from issues.recipients import chain
from outreach import access, calendar
from outreach.access import Permission
from outreach.models import LeaderLink, Unit

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from outreach.models import User

MANY_REDOS = 2
LONG_OVERDUE = 10  # working days


def cutoff_of(today: date) -> date:
    """Return the last due day that lies more than LONG_OVERDUE working days back."""
    return calendar.more_than_workdays_ago(today, LONG_OVERDUE)


def is_difficult(cutoff: date) -> Q:
    """Alive, and marked by a person, under supervision, redone MANY_REDOS times, or running since a due day up to
    `cutoff`."""
    by_rule = Q(supervised_at__isnull=False) | Q(redos__gte=MANY_REDOS)
    late = Q(state__in=workflow.RUNNING_STATES, due_on__lte=cutoff)
    return Q(state__in=workflow.ALIVE_STATES) & (Q(difficult_mark__isnull=False) | by_rule | late)


def in_tab(issues: IssueQuerySet, tab: str, cutoff: date) -> IssueQuerySet:
    """The issues of a tab of the list, each once: waiting for an instruction, instructed, answered, settled."""
    match tab:
        case "given":
            return issues.filter(instructions__is_current=True, instructions__answered_at=None)
        case "answered":
            return issues.filter(
                instructions__is_current=True, instructions__answered_at__isnull=False, instructions__settled_at=None
            )
        case "settled":
            return issues.filter(instructions__is_current=True, instructions__settled_at__isnull=False)
    # every instructed issue has exactly one that is current
    return issues.filter(is_difficult(cutoff)).filter(instructions=None)


def mark_of(issue: Issue) -> DifficultMark | None:
    """A person's mark, where there is one."""
    try:
        return issue.difficult_mark
    except DifficultMark.DoesNotExist:
        return None


def reasons(issue: Issue, cutoff: date) -> list[str]:
    """Why the issue is difficult, in words; empty: it is not. Costs a query where the mark is not loaded."""
    if issue.state not in workflow.ALIVE_STATES:
        return []
    mark = mark_of(issue)
    words = [mark.reason] if mark else []
    if issue.supervised_at is not None:
        words.append(_("under supervision"))
    if issue.redos >= MANY_REDOS:
        words.append(_("redone %(count)d times") % {"count": issue.redos})
    if issue.is_running and issue.due_on <= cutoff:
        words.append(_("more than %(days)d working days overdue") % {"days": LONG_OVERDUE})
    return words


def units_for(issue: Issue) -> list[Unit]:
    """The units an instruction may go to, the holder first: it, the helping units, the place, and the units above
    them. All of them see the issue. The district itself does not answer: nobody there handles issues."""
    starts = [issue.unit, *(row.unit for row in issue.helping_units.all()), issue.place]
    found: dict[int, Unit] = {}
    for start in starts:
        node: Unit | None = start
        while node is not None and node.kind != Unit.Kind.DISTRICT:
            if node.is_active:
                found.setdefault(node.pk, node)
            node = node.parent
    return list(found.values())


def may_instruct(issue: Issue, user: User | AnonymousUser) -> bool:
    """May the user write an instruction on an issue he sees?"""
    return issue.state in workflow.ALIVE_STATES and access.has_permission(user, Permission.ISSUE_INSTRUCT)


def may_answer(instruction: Instruction, user: User | AnonymousUser) -> bool:
    """Is it for the user's unit to answer?"""
    post = access.post_of(user)
    return (
        post is not None
        and post.unit_id == instruction.to_unit_id
        and access.has_permission(user, Permission.ISSUE_HANDLE)
    )


def may_settle(instruction: Instruction, user: User | AnonymousUser, links: frozenset[str]) -> bool:
    """May the user take the unit's answer as enough? The leader who wrote it, and a leader who answers for the unit or
    one above it: nobody else's word is waved through. `links` is `links_of(user)`, read once for many."""
    if not access.has_permission(user, Permission.ISSUE_INSTRUCT):
        return False
    return instruction.by_id == user.pk or not links.isdisjoint(chain(instruction.to_unit.code))


def links_of(user: User | AnonymousUser) -> frozenset[str]:
    """The codes of the units the user answers for as a leader."""
    post = access.post_of(user)
    if post is None or not access.has_permission(user, Permission.ISSUE_INSTRUCT):
        return frozenset()
    return frozenset(LeaderLink.objects.filter(leader=post).values_list("unit__code", flat=True))


def may_mark(issue: Issue, user: User | AnonymousUser) -> bool:
    """May the user put an issue he sees on the list, or take it off?"""
    return issue.state in workflow.ALIVE_STATES and access.has_permission(user, Permission.ISSUE_MARK_DIFFICULT)
