"""What every page knows: the navigation, the place, and what the people in charge must be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from outreach import access, calendar, navigation
from outreach.access import Permission, Role
from outreach.models import Delivery, Notification, Unit

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


def alarms(request: HttpRequest) -> list[dict[str, str]]:
    """Return what is wrong and what to do, as title, text and (for those who can do it) url and label."""
    post = access.post_of(request.user)
    may_settle = access.has_permission(request.user, Permission.SETTINGS_EDIT)
    if post is None or not (may_settle or post.role == Role.DISTRICT_OFFICE):
        return []
    found = []
    for year in calendar.unknown_years():
        text = _(
            "The working days of %(year)s are not known, so deadlines in %(year)s count weekends only. When the State "
            "Council's notice on the holidays of %(year)s is out, its days must be entered in the working-day calendar."
        ) % {"year": year}
        if may_settle:
            url, label = reverse("admin:outreach_calendarday_import"), _("Import calendar days")
        else:
            url, label = "", ""
            text += _(" The system administrator does this.")
        found.append({"title": _("Working-day calendar"), "text": text, "url": url, "label": label})
    lost = (
        Delivery.objects.visible_to(request.user).filter(state__in=[Delivery.State.DEAD, Delivery.State.DOUBT]).count()
    )
    if lost:
        text = ngettext(
            "%(count)d message did not arrive, or nobody knows whether it did.",
            "%(count)d messages did not arrive, or nobody knows whether they did.",
            lost,
        ) % {"count": lost}
        found.append(
            {"title": _("Messages"), "text": text, "url": reverse("deliveries"), "label": _("Look at the messages")}
        )
    return found
