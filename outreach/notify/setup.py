"""Setting up how messages leave: a district's channels and hours, and a person's own channels."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from outreach import access, audit, sealing
from outreach.access import Permission
from outreach.models import Channel, Delivery, MessageHours, PersonalChannel, Unit, User
from outreach.notify import carriers

# Where the robots live that everybody may use; a district's own channels add the hosts of a private deployment.
ROBOT_HOSTS = {
    Channel.Kind.WECOM: "qyapi.weixin.qq.com",
    Channel.Kind.DINGTALK: "oapi.dingtalk.com",
    Channel.Kind.FEISHU: "open.feishu.cn",
}


def shown_as(kind: str, settings: dict[str, Any]) -> str:
    """Return a channel's address for people: enough to know it by, not enough to use it."""
    if kind == Channel.Kind.EMAIL:
        return str(settings.get("address") or f"{settings['sender']} · {settings['host']}:{settings['port']}")[:200]
    if kind == Channel.Kind.SMS and "url" not in settings:
        return ""
    parts = urlsplit(settings["url"])
    return f"{parts.hostname} {sealing.mask(parts.query or parts.path)}"[:200]


@transaction.atomic
def save_channel(*, channel: Channel, settings: dict[str, Any], by: User) -> Channel:
    """Store a new or changed channel with `settings` as its form gave them; its last test no longer counts.

    Raises PermissionDenied, also where the unit is out of reach.
    """
    access.demand(by, Permission.MESSAGE_SETUP)
    demand_reach(channel.unit, by)
    channel.sealed, channel.shown = sealing.seal(settings), shown_as(channel.kind, settings)
    channel.tested_at, channel.test_error = None, ""
    channel.save()
    audit.record("channel.save", channel, by=by, name=channel.name, unit=channel.unit.name)
    return channel


@transaction.atomic
def switch_channel(*, channel: Channel, is_active: bool, by: User) -> None:
    """Put a channel into use or out of it. Raises PermissionDenied; ValidationError for a second gateway of a kind."""
    access.demand(by, Permission.MESSAGE_SETUP)
    demand_reach(channel.unit, by)
    channel.is_active = is_active
    if is_active:
        channel.validate_constraints()
    channel.save(update_fields=["is_active"])
    audit.record("channel.on" if is_active else "channel.off", channel, by=by, name=channel.name)


def test_channel(*, channel: Channel, to: str, by: User) -> carriers.Answer:
    """Send one message now, to `to` (an address or number; unused for a group), and keep what became of it.

    Not in a transaction: the message is out whatever happens afterwards. Raises PermissionDenied.
    """
    access.demand(by, Permission.MESSAGE_SETUP)
    demand_reach(channel.unit, by)
    title, text = _("Test message"), _("This channel works. Set up by the system administrator.")
    key = str(Delivery().key)
    try:
        settings = carriers.opened(channel)
        if channel.kind == Channel.Kind.EMAIL:
            carrier: carriers.Carrier = carriers.mail(settings, to, key)
        elif channel.kind == Channel.Kind.SMS:
            carrier = carriers.text_message(settings, to, key)
        else:
            carrier = carriers.group_carrier(channel, key)
        answer = carriers.hand_over(carrier, title, text)
    except (carriers.UnusableChannelError, KeyError, TypeError, ValueError) as error:
        answer = carriers.Answer(False, str(error)[:300])
    with transaction.atomic():
        channel.tested_at, channel.test_error = timezone.now(), "" if answer.is_sent else answer.error or "?"
        channel.save(update_fields=["tested_at", "test_error"])
        audit.record("channel.test", channel, by=by, name=channel.name, error=channel.test_error)
    return answer


def hours_of(user: User) -> MessageHours:
    """Return the hours of the district of the user's post: the stored ones, or unsaved defaults."""
    post = access.post_of(user)
    district = Unit.objects.filter(code=post.unit.district_code).first() if post else None
    if district is None:
        return MessageHours()
    return MessageHours.objects.filter(district=district).first() or MessageHours(district=district)


@transaction.atomic
def save_hours(*, hours: MessageHours, by: User) -> MessageHours:
    """Store when a district's messages may leave. Raises PermissionDenied."""
    access.demand(by, Permission.MESSAGE_SETUP)
    demand_reach(hours.district, by)
    hours.save()
    audit.record("message.hours", hours.district, by=by, hours=str(hours), keep_days=hours.keep_days)
    return hours


@transaction.atomic
def save_personal(*, kind: str, settings: dict[str, Any] | None, by: User) -> None:
    """Store one of the person's own channels; `settings` None switches it off and forgets the address."""
    if settings is None:
        PersonalChannel.objects.filter(user=by, kind=kind).update(is_active=False, sealed="", shown="")
        return
    values = {"sealed": sealing.seal(settings), "shown": shown_as(kind, settings), "is_active": True}
    PersonalChannel.objects.update_or_create(user=by, kind=kind, defaults=values)


def robot_hosts(kind: str, district_code: str) -> set[str]:
    """Return the hosts a person's own robot of `kind` may live at: the public one, and those of the district's own
    channels. Anything else would let a member of staff make the server call whom he likes."""
    hosts = {ROBOT_HOSTS[Channel.Kind(kind)]}
    for channel in Channel.objects.active().filter(kind=kind, unit__code__startswith=district_code):
        try:
            hosts.add(urlsplit(channel.settings().get("url", "")).hostname or "")
        except sealing.UnreadableSecretError:
            continue
    return hosts - {""}


def demand_reach(unit: Unit, by: User) -> None:
    """Raise PermissionDenied unless the post reaches `unit`."""
    code = access.reach(by)
    if code is None or not unit.code.startswith(code):
        raise PermissionDenied(unit.code)
