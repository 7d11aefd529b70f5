"""What the people in charge must be told on every page: each app adds a source of its own when it is loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from outreach import access, calendar
from outreach.access import Permission, Role
from outreach.models import Delivery

if TYPE_CHECKING:
    from outreach.models import User


@dataclass(frozen=True)
class Alarm:
    """What is wrong and what to do; `url` and `label` lead those who can do it to where they do it."""

    title: str
    text: str
    url: str = ""
    label: str = ""


Source = Callable[["User"], list[Alarm]]


def calendar_alarms(user: User) -> list[Alarm]:
    """The years whose working days nobody entered, for those who enter them and for the district office."""
    post = access.post_of(user)
    may_settle = access.has_permission(user, Permission.SETTINGS_EDIT)
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
        found.append(Alarm(title=_("Working-day calendar"), text=text, url=url, label=label))
    return found


def message_alarms(user: User) -> list[Alarm]:
    """How many messages were given up or are in doubt, for those who may send them again."""
    if not access.has_permission(user, Permission.MESSAGE_WATCH):
        return []
    lost = Delivery.objects.visible_to(user).filter(state__in=[Delivery.State.DEAD, Delivery.State.DOUBT]).count()
    if not lost:
        return []
    text = ngettext(
        "%(count)d message did not arrive, or nobody knows whether it did.",
        "%(count)d messages did not arrive, or nobody knows whether they did.",
        lost,
    ) % {"count": lost}
    return [Alarm(title=_("Messages"), text=text, url=reverse("deliveries"), label=_("Look at the messages"))]


# Called with the user of every full page, in this order: a source costs few queries and the same number for everybody.
SOURCES: list[Source] = [calendar_alarms, message_alarms]
