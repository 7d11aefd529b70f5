"""What every page knows: the navigation, the place, and what the people in charge must be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.functional import SimpleLazyObject

from outreach import access, navigation
from outreach.alarms import SOURCES, Alarm
from outreach.models import Notification, Unit

if TYPE_CHECKING:
    from django.http import HttpRequest

    from outreach.models import User


def site(request: HttpRequest) -> dict[str, Any]:
    """Add the navigation, whether this is a demo, and alarms. Costs no query for someone not logged in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"nav": [], "is_demo": settings.DEMO, "district": ""}
    return {
        "nav": navigation.entries(request),
        "is_demo": settings.DEMO,
        "district": _district_of(user),
        "unread": SimpleLazyObject(lambda: Notification.objects.of(user).unread().count()),
        "alarms": lambda: alarms(request),  # called by the templates that show them, not by fragments
    }


def _district_of(user: User) -> Any:
    """Return the name of the district the post belongs to, looked up when a template first asks for it."""
    post = user.post
    if post is None:
        return ""
    if post.unit.kind == Unit.Kind.DISTRICT:
        return post.unit.name
    return SimpleLazyObject(
        lambda: Unit.objects.filter(code=post.unit.district_code).values_list("name", flat=True).first() or ""
    )


def alarms(request: HttpRequest) -> list[Alarm]:
    """Return what is wrong with the system and what to do, from all who registered to say so."""
    user = request.user
    if not user.is_authenticated or access.post_of(user) is None:
        return []
    return [alarm for source in SOURCES for alarm in source(user)]
