"""Who may do what, and where: permissions, the roles' table, reach, and the guard every view carries.

A person acts in one post at a time (User.post). The post's role (and what was granted to the post on top) says what
may be done; the post's unit says where: that unit and all below it, because a unit's code begins with its parent's.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from outreach.models import Membership, User


class Permission(StrEnum):
    """One thing a post may do. The value is what audit rows and grants store: never rename one."""

    ADMIN_SITE = "admin.site"
    UNIT_EDIT = "unit.edit"
    USER_EDIT = "user.edit"
    SETTINGS_EDIT = "settings.edit"
    AUDIT_VIEW = "audit.view"
    HOUSEHOLD_VIEW = "household.view"
    HOUSEHOLD_EDIT = "household.edit"
    HOUSEHOLD_EXPORT = "household.export"
    ROSTER_IMPORT = "roster.import"
    ID_NUMBER_REVEAL = "id_number.reveal"
    RESIDENT_CHANGE_DECIDE = "resident_change.decide"
    CAMPAIGN_VIEW = "campaign.view"
    CAMPAIGN_EDIT = "campaign.edit"
    HOUSEHOLD_ASSIGN = "household.assign"
    VISIT_RECORD = "visit.record"
    VISIT_VIEW = "visit.view"
    UNREACHABLE_CONFIRM = "unreachable.confirm"
    ISSUE_VIEW = "issue.view"
    ISSUE_OPEN = "issue.open"
    ISSUE_DISPATCH = "issue.dispatch"
    ISSUE_HANDLE = "issue.handle"
    ISSUE_CLOSE = "issue.close"
    ISSUE_SUPERVISE = "issue.supervise"
    ISSUE_EXPORT = "issue.export"
    ISSUE_SETUP = "issue.setup"
    ISSUE_INSTRUCT = "issue.instruct"
    ISSUE_MARK_DIFFICULT = "issue.mark_difficult"
    RANKING_VIEW = "ranking.view"
    RANKING_EXPORT = "ranking.export"
    SCHEME_EDIT = "scheme.edit"
    SCORE_PROPOSE = "score.propose"
    SCORE_DECIDE = "score.decide"
    SNAPSHOT_MAKE = "snapshot.make"
    SNAPSHOT_APPROVE = "snapshot.approve"
    APPEAL_FILE = "appeal.file"
    BULLETIN_MAKE = "bulletin.make"
    PLAN_VIEW = "plan.view"
    PLAN_EDIT = "plan.edit"
    TASK_REPORT = "task.report"
    SHORTFALL_EDIT = "shortfall.edit"
    SURVEY_VIEW = "survey.view"
    SURVEY_EDIT = "survey.edit"
    SURVEY_ASK = "survey.ask"
    SURVEY_CALL = "survey.call"
    SURVEY_EXPORT = "survey.export"
    POLL_EDIT = "poll.edit"
    MESSAGE_SETUP = "message.setup"
    MESSAGE_WATCH = "message.watch"
    CLUE_REPORT = "clue.report"
    CLUE_VIEW = "clue.view"

    @property
    def label(self) -> str:
        """What it allows, for people."""
        return str(PERMISSION_LABELS[self])


PERMISSION_LABELS: dict[Permission, str | Promise] = {
    Permission.ADMIN_SITE: _("open the administration"),
    Permission.UNIT_EDIT: _("keep units"),
    Permission.USER_EDIT: _("keep accounts"),
    Permission.SETTINGS_EDIT: _("keep settings"),
    Permission.AUDIT_VIEW: _("read the audit trail"),
    Permission.HOUSEHOLD_VIEW: _("see households"),
    Permission.HOUSEHOLD_EDIT: _("edit households"),
    Permission.HOUSEHOLD_EXPORT: _("export households"),
    Permission.ROSTER_IMPORT: _("import rosters"),
    Permission.ID_NUMBER_REVEAL: _("reveal ID numbers"),
    Permission.RESIDENT_CHANGE_DECIDE: _("decide on corrections of the roster"),
    Permission.CAMPAIGN_VIEW: _("see campaigns"),
    Permission.CAMPAIGN_EDIT: _("run campaigns"),
    Permission.HOUSEHOLD_ASSIGN: _("assign households"),
    Permission.VISIT_RECORD: _("record visits"),
    Permission.VISIT_VIEW: _("see visits"),
    Permission.UNREACHABLE_CONFIRM: _("confirm a household as unreachable"),
    Permission.ISSUE_VIEW: _("see issues"),
    Permission.ISSUE_OPEN: _("report issues"),
    Permission.ISSUE_DISPATCH: _("dispatch issues"),
    Permission.ISSUE_HANDLE: _("handle issues"),
    Permission.ISSUE_CLOSE: _("sign issues off"),
    Permission.ISSUE_SUPERVISE: _("put issues under supervision"),
    Permission.ISSUE_EXPORT: _("export issues"),
    Permission.ISSUE_SETUP: _("keep issue categories and routing"),
    Permission.ISSUE_INSTRUCT: _("write instructions on issues"),
    Permission.ISSUE_MARK_DIFFICULT: _("put issues on the list of difficult ones"),
    Permission.RANKING_VIEW: _("see the ranking"),
    Permission.RANKING_EXPORT: _("export the ranking"),
    Permission.SCHEME_EDIT: _("write scoring schemes"),
    Permission.SCORE_PROPOSE: _("propose bonus marks and deductions"),
    Permission.SCORE_DECIDE: _("decide on bonus marks, deductions and appeals"),
    Permission.SNAPSHOT_MAKE: _("freeze scores"),
    Permission.SNAPSHOT_APPROVE: _("approve and publish scores"),
    Permission.APPEAL_FILE: _("appeal against a score"),
    Permission.BULLETIN_MAKE: _("draw up bulletins"),
    Permission.PLAN_VIEW: _("see plans and tasks"),
    Permission.PLAN_EDIT: _("write plans and hand out tasks"),
    Permission.TASK_REPORT: _("report on tasks"),
    Permission.SHORTFALL_EDIT: _("keep the province's deductions and last year's shortfalls"),
    Permission.SURVEY_VIEW: _("see surveys and their results"),
    Permission.SURVEY_EDIT: _("write questionnaires and draw samples"),
    Permission.SURVEY_ASK: _("ask the questions of a survey"),
    Permission.SURVEY_CALL: _("call those drawn for a survey"),
    Permission.SURVEY_EXPORT: _("export survey results"),
    Permission.POLL_EDIT: _("keep the official poll's results"),
    Permission.MESSAGE_SETUP: _("set up message channels"),
    Permission.MESSAGE_WATCH: _("watch over messages that did not arrive"),
    Permission.CLUE_REPORT: _("hand in clues about conduct"),
    Permission.CLUE_VIEW: _("read clues about conduct"),
}


class Role(models.TextChoices):
    """The roles of a campaign (domain.md §3), and the discipline office, which takes no part in it."""

    VISITOR = "visitor", _("visitor")
    VILLAGE_CLERK = "village_clerk", _("village clerk")
    TOWNSHIP_ADMIN = "township_admin", _("township admin")
    DEPARTMENT_HANDLER = "department_handler", _("department handler")
    DEPARTMENT_HEAD = "department_head", _("department head")
    DISTRICT_OFFICE = "district_office", _("district office")
    SUPERVISOR = "supervisor", _("supervisor")
    LEADER = "leader", _("district leader")
    PUBLICITY = "publicity", _("publicity")
    SYSTEM_ADMIN = "system_admin", _("system admin")
    DISCIPLINE = "discipline", _("discipline office")


P = Permission

ROLE_SENTENCES = {
    Role.VISITOR: _("Visits the households assigned to them, records visits and reports problems."),
    Role.VILLAGE_CLERK: _("Keeps the village's roster, visits households and follows the village's problems."),
    Role.TOWNSHIP_ADMIN: _("Imports rosters, assigns households to visitors and dispatches the township's problems."),
    Role.DEPARTMENT_HANDLER: _("Accepts and solves the problems sent to the department."),
    Role.DEPARTMENT_HEAD: _("Answers for the department's problems and may handle them."),
    Role.DISTRICT_OFFICE: _("Runs campaigns, routing and ranking for the whole district."),
    Role.SUPERVISOR: _("Checks visits, verifies results and signs problems off."),
    Role.LEADER: _("Reads every figure down to its rows and writes instructions on difficult problems."),
    Role.PUBLICITY: _("Reads totals for publicity; sees no household."),
    Role.SYSTEM_ADMIN: _("Keeps accounts, units and settings; sees no household data."),
    Role.DISCIPLINE: _("Reads and follows up clues about conduct; sees nothing else."),
}

ROLE_PERMISSIONS: dict[str, frozenset[Permission]] = {
    Role.VISITOR: frozenset({P.HOUSEHOLD_VIEW, P.VISIT_RECORD, P.VISIT_VIEW, P.ISSUE_VIEW, P.ISSUE_OPEN, P.SURVEY_ASK}),
    Role.VILLAGE_CLERK: frozenset(
        {P.HOUSEHOLD_VIEW, P.HOUSEHOLD_EDIT, P.RESIDENT_CHANGE_DECIDE, P.ID_NUMBER_REVEAL, P.CAMPAIGN_VIEW}
        | {
            P.VISIT_RECORD,
            P.VISIT_VIEW,
            P.ISSUE_VIEW,
            P.ISSUE_OPEN,
            P.ISSUE_HANDLE,
            P.RANKING_VIEW,
            P.PLAN_VIEW,
            P.TASK_REPORT,
            P.SURVEY_ASK,
        }
    ),
    Role.TOWNSHIP_ADMIN: frozenset(
        {P.HOUSEHOLD_VIEW, P.HOUSEHOLD_EDIT, P.HOUSEHOLD_EXPORT, P.ROSTER_IMPORT, P.ID_NUMBER_REVEAL}
        | {P.RESIDENT_CHANGE_DECIDE, P.CAMPAIGN_VIEW, P.HOUSEHOLD_ASSIGN, P.VISIT_RECORD, P.VISIT_VIEW}
        | {P.UNREACHABLE_CONFIRM, P.ISSUE_VIEW, P.ISSUE_OPEN, P.ISSUE_DISPATCH, P.ISSUE_HANDLE, P.ISSUE_CLOSE}
        | {
            P.ISSUE_EXPORT,
            P.ISSUE_MARK_DIFFICULT,
            P.RANKING_VIEW,
            P.RANKING_EXPORT,
            P.SCORE_PROPOSE,
            P.APPEAL_FILE,
            P.PLAN_VIEW,
            P.TASK_REPORT,
            P.SURVEY_VIEW,
            P.SURVEY_ASK,
        }
    ),
    Role.DEPARTMENT_HANDLER: frozenset(
        {P.ISSUE_VIEW, P.ISSUE_HANDLE, P.ISSUE_EXPORT, P.RANKING_VIEW, P.PLAN_VIEW, P.TASK_REPORT}
    ),
    Role.DEPARTMENT_HEAD: frozenset(
        {
            P.ISSUE_VIEW,
            P.ISSUE_HANDLE,
            P.ISSUE_EXPORT,
            P.ISSUE_MARK_DIFFICULT,
            P.RANKING_VIEW,
            P.SCORE_PROPOSE,
            P.APPEAL_FILE,
            P.PLAN_VIEW,
            P.TASK_REPORT,
            P.SURVEY_VIEW,
        }
    ),
    Role.DISTRICT_OFFICE: frozenset(
        {P.HOUSEHOLD_VIEW, P.HOUSEHOLD_EXPORT, P.ROSTER_IMPORT, P.CAMPAIGN_VIEW, P.CAMPAIGN_EDIT}
        | {P.HOUSEHOLD_ASSIGN, P.VISIT_VIEW, P.UNREACHABLE_CONFIRM, P.ISSUE_VIEW, P.ISSUE_OPEN, P.ISSUE_DISPATCH}
        | {P.ISSUE_CLOSE, P.ISSUE_SUPERVISE, P.ISSUE_EXPORT, P.ISSUE_SETUP, P.RANKING_VIEW, P.RANKING_EXPORT}
        | {
            P.MESSAGE_WATCH,
            P.ISSUE_MARK_DIFFICULT,
            P.SCHEME_EDIT,
            P.SCORE_PROPOSE,
            P.SCORE_DECIDE,
            P.SNAPSHOT_MAKE,
            P.SNAPSHOT_APPROVE,
            P.BULLETIN_MAKE,
            P.PLAN_VIEW,
            P.PLAN_EDIT,
            P.SHORTFALL_EDIT,
            P.SURVEY_VIEW,
            P.SURVEY_EDIT,
            P.SURVEY_ASK,
            P.SURVEY_CALL,
            P.SURVEY_EXPORT,
            P.POLL_EDIT,
        }
    ),
    Role.SUPERVISOR: frozenset(
        {P.HOUSEHOLD_VIEW, P.CAMPAIGN_VIEW, P.VISIT_VIEW, P.UNREACHABLE_CONFIRM, P.ISSUE_VIEW, P.ISSUE_CLOSE}
        | {
            P.ISSUE_SUPERVISE,
            P.ISSUE_EXPORT,
            P.RANKING_VIEW,
            P.RANKING_EXPORT,
            P.AUDIT_VIEW,
            P.SCORE_PROPOSE,
            P.SCORE_DECIDE,
            P.BULLETIN_MAKE,
            P.PLAN_VIEW,
            P.SURVEY_VIEW,
            P.SURVEY_ASK,
            P.SURVEY_CALL,
        }
    ),
    Role.LEADER: frozenset(
        {P.HOUSEHOLD_VIEW, P.CAMPAIGN_VIEW, P.VISIT_VIEW, P.ISSUE_VIEW, P.ISSUE_EXPORT}
        | {P.ISSUE_INSTRUCT, P.RANKING_VIEW, P.RANKING_EXPORT, P.SNAPSHOT_APPROVE, P.PLAN_VIEW, P.SURVEY_VIEW}
    ),
    Role.PUBLICITY: frozenset({P.RANKING_VIEW, P.SURVEY_VIEW}),
    Role.SYSTEM_ADMIN: frozenset(
        {P.ADMIN_SITE, P.UNIT_EDIT, P.USER_EDIT, P.SETTINGS_EDIT, P.MESSAGE_SETUP, P.MESSAGE_WATCH}
    ),
    Role.DISCIPLINE: frozenset({P.CLUE_VIEW}),
}
# Whoever works here may have heard of something.
ROLE_PERMISSIONS = {role: permissions | {P.CLUE_REPORT} for role, permissions in ROLE_PERMISSIONS.items()}

# These come with a role alone: an administrator who could grant them could grant them to himself.
NEVER_GRANTED = frozenset({P.CLUE_VIEW})

ViewT = TypeVar("ViewT", bound=Callable[..., HttpResponse])


def post_of(user: User | AnonymousUser) -> Membership | None:
    """Return the post `user` acts in, or None: not logged in, switched off, or without any post."""
    return getattr(user, "post", None) if user.is_authenticated and user.is_active else None


def permissions_of(user: User | AnonymousUser) -> frozenset[Permission]:
    """Return what `user` may do in the current post."""
    post = post_of(user)
    if post is None:
        return frozenset()
    return ROLE_PERMISSIONS[post.role] | ({Permission(value) for value in post.grants} - NEVER_GRANTED)


def has_permission(user: User | AnonymousUser, permission: Permission) -> bool:
    """Say whether `user` may do `permission` in the current post."""
    return permission in permissions_of(user)


def acting(request: HttpRequest) -> User:
    """Return the account behind a request whose view demands a login, for `by=`."""
    assert request.user.is_authenticated
    return request.user


def demand(user: User | AnonymousUser, permission: Permission) -> None:
    """Raise PermissionDenied unless `user` may do `permission`; actions begin with it."""
    if not has_permission(user, permission):
        raise PermissionDenied(permission.value)


def reach(user: User | AnonymousUser) -> str | None:
    """Return the code that begins every unit the current post reaches, or None where it reaches nothing.

    A district's departments carry the district's code, so the district's posts reach them too.
    """
    post = post_of(user)
    return None if post is None else post.unit.code


def require(permission: Permission) -> Callable[[ViewT], ViewT]:
    """Guard a view: 403 unless the current post has `permission`. The URL test reads `view.permission`."""

    def decorate(view: ViewT) -> ViewT:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            demand(request.user, permission)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def any_post(view: ViewT) -> ViewT:
    """Mark a view as open to everyone who is logged in, whatever the post."""
    view.permission = "any_post"  # type: ignore[attr-defined]
    return view


def open_to_all(view: ViewT) -> ViewT:
    """Mark a view as open to everyone, logged in or not."""
    view.permission = "open"  # type: ignore[attr-defined]
    view.login_required = False  # type: ignore[attr-defined]
    return view
