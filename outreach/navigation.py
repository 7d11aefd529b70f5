"""The main navigation: what stands in the top bar, and where a person lands after logging in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from outreach import access
from outreach.access import Permission, Role

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True)
class Entry:
    """One entry; `prefix` marks the paths under which it is the current one."""

    label: str | Promise
    url_name: str
    permission: Permission
    icon: str
    prefix: str


ENTRIES = (
    Entry(_("My list"), "visits:phone_app", Permission.VISIT_RECORD, "list", "/phone/"),
    Entry(pgettext_lazy("navigation", "Board"), "boards:home", Permission.RANKING_VIEW, "target", "/boards/"),
    Entry(_("Ranking"), "reports:ranking", Permission.RANKING_VIEW, "chart", "/reports/"),
    Entry(
        pgettext_lazy("navigation", "Tasks"), "reports:task_list", Permission.PLAN_VIEW, "clipboard", "/reports/work/"
    ),
    Entry(pgettext_lazy("navigation", "Surveys"), "surveys:rounds", Permission.SURVEY_VIEW, "message", "/surveys/"),
    Entry(_("Issues"), "issues:list", Permission.ISSUE_VIEW, "flag", "/issues/"),
    Entry(
        pgettext_lazy("navigation", "Households"), "households:list", Permission.HOUSEHOLD_VIEW, "home", "/households/"
    ),
    Entry(_("Campaigns"), "visits:campaigns", Permission.CAMPAIGN_VIEW, "calendar", "/campaigns/"),
    Entry(pgettext_lazy("navigation", "Channels"), "channels", Permission.MESSAGE_SETUP, "send", "/channels/"),
    Entry(_("Administration"), "admin:index", Permission.ADMIN_SITE, "settings", "/admin/"),
    Entry(pgettext_lazy("navigation", "Clues"), "clues:list", Permission.CLUE_VIEW, "lock", "/clues/"),
    Entry(_("Audit"), "audit", Permission.AUDIT_VIEW, "shield", "/audit/"),
)


def entries(request: HttpRequest) -> list[dict[str, object]]:
    """Return what the user may open, as dicts of url, label, icon and current."""
    allowed = access.permissions_of(request.user)
    # where one page lies below another's prefix, the longer one names it
    here = max((entry.prefix for entry in ENTRIES if request.path.startswith(entry.prefix)), key=len, default="")
    visitor = (post := access.post_of(request.user)) is not None and post.role == Role.VISITOR
    return [
        {
            "url": reverse(entry.url_name),
            "label": entry.label,
            "icon": entry.icon,
            "current": entry.prefix == here,
        }
        for entry in ENTRIES
        # a visitor's households are the phone's list; the desk's roster would be a second, poorer one
        if entry.permission in allowed and not (visitor and entry.url_name == "households:list")
    ]


PHONE_ENTRIES = (
    ("visits:phone_app", _("My list"), "list", "/phone/"),
    ("issues:list", _("Issues"), "flag", "/issues/"),
    ("me", _("Me"), "user", "/me/"),
)


def phone_entries(request: HttpRequest) -> list[dict[str, object]]:
    """Return the tabs at the bottom of a phone, like `entries`; none for who records no visits."""
    user = getattr(request, "user", None)
    if user is None or Permission.VISIT_RECORD not in access.permissions_of(user):
        return []
    return [
        {
            "url": reverse(name),
            "label": label,
            "icon": icon,
            "current": request.path.startswith(prefix),
            "counts_unread": name == "me",
        }
        for name, label, icon, prefix in PHONE_ENTRIES
    ]


def home_url_name(role: str) -> str:
    """Return the page a role lands on."""
    if role == Role.VISITOR:
        return "visits:phone_app"
    if role == Role.DEPARTMENT_HANDLER:
        return "issues:list"
    if role == Role.SYSTEM_ADMIN:
        return "admin:index"
    if role == Role.DISCIPLINE:
        return "clues:list"
    return "boards:home"
