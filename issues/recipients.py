"""Who must hear of an issue, found from the posts people hold: nearest unit first, upward where nobody sits there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from django.utils.functional import cached_property

from issues import workflow
from issues.models import Issue
from outreach.access import ROLE_PERMISSIONS, Permission, Role
from outreach.models import LeaderLink, Membership

# Where nobody has accepted an issue it is dispatched, not handled.
DISPATCH_STATES = (workflow.State.NEW, workflow.State.RETURNED, workflow.State.ARBITRATION)


def chain(code: str) -> Iterator[str]:
    """Yield a unit's code and those of the units above it, the district last: codes are paths."""
    yield code
    while len(code) > 6:
        code = code[:9] if len(code) > 9 else code[:6]
        yield code


class Posts:
    """The posts of some units, or of all: a query, and one for who asks of leaders; then any number of questions."""

    def __init__(self, codes: Iterable[str] | None = None) -> None:
        rows = Membership.objects.filter(user__is_active=True)
        self._links = LeaderLink.objects.filter(leader__user__is_active=True)
        if codes is not None:
            wanted = {part for code in codes for part in chain(code)}
            rows, self._links = rows.filter(unit__code__in=wanted), self._links.filter(unit__code__in=wanted)
        self._posts: dict[str, list[tuple[str, frozenset[str], int]]] = defaultdict(list)
        for code, role, grants, user in rows.values_list("unit__code", "role", "grants", "user"):
            self._posts[code].append((role, ROLE_PERMISSIONS[role] | frozenset(grants), user))

    @cached_property
    def _leaders(self) -> dict[str, set[int]]:
        leaders: dict[str, set[int]] = defaultdict(set)
        for code, user in self._links.values_list("unit__code", "leader__user"):
            leaders[code].add(user)
        return leaders

    def able(self, code: str, permission: Permission) -> set[int]:
        """Those who may do `permission` in the nearest unit where anybody may: `code` itself or above."""
        for unit in chain(code):
            if found := {user for _role, allowed, user in self._posts[unit] if permission in allowed}:
                return found
        return set()

    def in_role(self, code: str, role: Role) -> set[int]:
        """Those who hold a post of this role at the unit itself."""
        return {user for held, _allowed, user in self._posts[code] if held == role}

    def office(self, code: str) -> set[int]:
        """Those of the district who may put an issue under supervision."""
        return self.able(code[:6], Permission.ISSUE_SUPERVISE)

    def handlers(self, code: str) -> set[int]:
        """Those who handle at a unit; where nobody does, those above who dispatch."""
        own = {user for _role, allowed, user in self._posts[code] if Permission.ISSUE_HANDLE in allowed}
        return own or self.dispatchers(code)

    def dispatchers(self, code: str) -> set[int]:
        """Those who dispatch for a unit."""
        return self.able(code, Permission.ISSUE_DISPATCH)

    def verifiers(self, code: str) -> set[int]:
        """Those above a unit who judge its work."""
        above = list(chain(code))[1:] or [code]
        return self.able(above[0], Permission.ISSUE_CLOSE)

    def heads(self, code: str) -> set[int]:
        """The head of a department, the administrators of a village's or the township itself; else the office."""
        for unit in chain(code):
            heads = {
                user for role, _p, user in self._posts[unit] if role in (Role.DEPARTMENT_HEAD, Role.TOWNSHIP_ADMIN)
            }
            if heads:
                return heads
        return self.office(code)

    def leaders(self, code: str) -> set[int]:
        """The leaders linked to a unit or the nearest above it; where nobody is, the district office."""
        return next((self._leaders[unit] for unit in chain(code) if self._leaders[unit]), None) or self.office(code)

    def holders(self, issue: Issue) -> set[int]:
        """Those at the holding unit whose turn it is."""
        code = issue.unit.code
        return self.dispatchers(code) if issue.state in DISPATCH_STATES else self.handlers(code)
