"""Who may do what with the mediation of a dispute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from issues.models import Issue, Kind
from outreach import access
from outreach.access import Permission

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from outreach.models import User


def may_mediate(issue: Issue, user: User | AnonymousUser) -> bool:
    """May the user write the record of the mediation? The unit that holds the dispute, and whoever handles issues where
    it happened: the village's and township's mediators work with the department, not after it."""
    post = access.post_of(user)
    if post is None or not issue.is_open or issue.kind != Kind.DISPUTE:
        return False
    if not access.has_permission(user, Permission.ISSUE_HANDLE):
        return False
    return post.unit_id == issue.unit_id or issue.place.code.startswith(post.unit.code)


def may_rate(issue: Issue, user: User | AnonymousUser) -> bool:
    """May the user say how dangerous it is? Everyone who works on it or heard of it first: a warning must not wait."""
    if issue.kind != Kind.DISPUTE or not issue.is_open:
        return False
    wanted = {Permission.ISSUE_OPEN, Permission.ISSUE_HANDLE, Permission.ISSUE_CLOSE}
    return bool(wanted & access.permissions_of(user))


def may_follow_up(issue: Issue, user: User | AnonymousUser) -> bool:
    """May the user say whether the agreement was kept? Also long after sign-off: the holder, the place's units, and
    those who verify."""
    post = access.post_of(user)
    if post is None or issue.kind != Kind.DISPUTE:
        return False
    above_place = issue.place.code.startswith(post.unit.code)
    if access.has_permission(user, Permission.ISSUE_HANDLE):
        return above_place or post.unit_id in (issue.unit_id, issue.done_by_unit_id)
    return above_place and access.has_permission(user, Permission.ISSUE_CLOSE)
