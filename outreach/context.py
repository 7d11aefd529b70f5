"""What every page knows: the navigation, and what the people in charge must be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from outreach import access, calendar, navigation
from outreach.access import Permission, Role

if TYPE_CHECKING:
    from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Add the navigation, whether this is a demo, and alarms. Costs no query for someone not logged in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": [], "is_demo": settings.DEMO}
    # a callable, so that only pages that show alarms ask for them
    return {"nav": navigation.entries(request), "is_demo": settings.DEMO, "alarms": lambda: alarms(request)}


def alarms(request: HttpRequest) -> list[dict[str, str]]:
    """Return what is wrong with the system and what to do, as text and (for those who can do it) url and label."""
    post = access.post_of(request.user)
    may_settle = access.has_permission(request.user, Permission.SETTINGS_EDIT)
    if post is None or not (may_settle or post.role == Role.DISTRICT_OFFICE):
        return []
    found = []
    for year in calendar.unknown_years():
        text = _(
            "The working days of %(year)s are not known, so deadlines in %(year)s count weekends only. When the State "
            "Council's notice on the holidays of %(year)s is out, enter its days in the working-day calendar."
        ) % {"year": year}
        if may_settle:
            url = reverse("admin:outreach_calendarday_import")
            found.append({"text": text, "url": url, "label": _("Import calendar days")})
        else:
            text += _("The system administrator does this.")
            found.append({"text": text, "url": "", "label": ""})
    return found
