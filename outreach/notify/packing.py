"""Packing: what is to leave the program becomes messages, one for each address, and one digest a person a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from outreach import calendar
from outreach.models import Delivery, Membership, MessageHours, Notification, PersonalChannel, Unit

MAX_BYTES = 1800  # of UTF-8 in one message: WeCom takes 2048
MAX_ROWS = 5_000  # notifications packed in one transaction
PACK_LOCK = 4_399_021

Address = tuple[int | None, int | None, date | None, bool]  # group, person, day of the digest, urgent


class Hours:
    """Which districts' messages may leave now; reads the tables once."""

    def __init__(self, now: datetime) -> None:
        self.now, self.today = now, timezone.localdate(now)
        self._is_workday = calendar.is_workday(self.today)
        self._rows = {row.district.code: row for row in MessageHours.objects.select_related("district")}

    def of(self, district_code: str) -> MessageHours:
        """The district's hours, or the defaults."""
        return self._rows.get(district_code) or MessageHours()

    def is_open(self, district_code: str) -> bool:
        """Say whether messages of this district may leave now."""
        return self.of(district_code).is_open(self.now, is_workday=self._is_workday)

    def open_districts(self) -> list[str]:
        """The codes of the districts whose messages may leave now."""
        codes = Unit.objects.districts().values_list("code", flat=True)
        return [code for code in codes if self.is_open(code)]


@transaction.atomic
def pack(now: datetime) -> int:
    """Make messages of the notifications that may leave at `now`; return how many messages.

    In one transaction with marking the notifications packed, so none is packed twice or lost, whatever ends this.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [PACK_LOCK])
        if not cursor.fetchone()[0]:
            return 0  # another worker is at it
    hours = Hours(now)
    drop_without_channels(now)
    rows = due(hours)
    if not rows:
        return 0
    districts = districts_of({row.user_id for row in rows if row.user_id})
    bundles: dict[Address, list[Notification]] = defaultdict(list)
    for row in rows:
        district = row.channel.unit.district_code if row.channel else districts[row.user_id or 0]
        if row.is_urgent or hours.is_open(district):
            digest_on = hours.today if row.in_digest and not row.is_urgent else None
            bundles[row.channel_id, row.user_id, digest_on, row.is_urgent].append(row)
    ways: dict[int, list[PersonalChannel]] = defaultdict(list)
    for personal in PersonalChannel.objects.filter(is_active=True, user__in=districts, user__is_active=True):
        ways[personal.user_id].append(personal)
    deliveries: list[tuple[Delivery, list[Notification]]] = []
    for (channel_id, user_id, digest_on, is_urgent), bundle in bundles.items():
        with translation.override(settings.LANGUAGE_CODE):
            title, text = compose(bundle)
        message = {"title": title, "text": text, "is_urgent": is_urgent, "digest_on": digest_on, "next_try_at": now}
        if user_id is None:
            channel = bundle[0].channel
            assert channel is not None
            message["district_code"] = channel.unit.district_code
            deliveries.append((Delivery(channel_id=channel_id, **message), bundle))
        elif districts[user_id]:
            message |= {"district_code": districts[user_id], "user_id": user_id}
            deliveries += [(Delivery(personal=way, **message), bundle) for way in ways[user_id]]
    Delivery.objects.bulk_create([delivery for delivery, _bundle in deliveries])
    link_row = Delivery.notifications.through
    links = [link_row(delivery_id=way.pk, notification_id=row.pk) for way, bundle in deliveries for row in bundle]
    link_row.objects.bulk_create(links, batch_size=2_000)
    packed = [row.pk for bundle in bundles.values() for row in bundle]
    Notification.objects.filter(pk__in=packed).update(packed_at=now)
    return len(deliveries)


def due(hours: Hours) -> list[Notification]:
    """Return, locked, the notifications that may leave now, the most pressing first.

    A reminder of whoever had a digest today waits for tomorrow's.
    """
    had_digest = Delivery.objects.filter(user=OuterRef("user"), digest_on=hours.today)
    rows = Notification.objects.select_for_update(of=("self",)).filter(packed_at=None)
    rows = rows.exclude(Q(in_digest=True, is_urgent=False) & Exists(had_digest))
    if not hours.open_districts():
        rows = rows.filter(is_urgent=True)
    return list(rows.select_related("channel__unit").order_by("-is_urgent", "in_digest", "pk")[:MAX_ROWS])


def drop_without_channels(now: datetime) -> None:
    """Mark as packed what only the inbox shows: its reader has no other channel. One statement for any number."""
    channels = PersonalChannel.objects.filter(user=OuterRef("user"), is_active=True, user__is_active=True)
    Notification.objects.filter(~Exists(channels), packed_at=None, user__isnull=False).update(packed_at=now)


def districts_of(users: set[int]) -> dict[int, str]:
    """Return user id → code of the district of their first post; people without a post belong to none ("")."""
    codes = dict.fromkeys(users, "")
    posts = Membership.objects.filter(user__in=users).order_by("-pk").values_list("user", "unit__code")
    codes.update((user, code[:6]) for user, code in posts)
    return codes


def compose(rows: Sequence[Notification]) -> tuple[str, str]:
    """Return title and text of a message that tells of `rows`: titles and links, nothing else."""
    if len(rows) == 1:
        return rows[0].title, link(rows[0])
    title = ngettext("%(count)d notice", "%(count)d notices", len(rows)) % {"count": len(rows)}
    lines: list[str] = []
    size = 0
    for number, row in enumerate(rows, 1):
        line = f"{number}. {row.title}\n{link(row)}"
        size += len(line.encode()) + 1
        if size > MAX_BYTES:
            lines.append(_("… and %(count)d more, all in your inbox.") % {"count": len(rows) - number + 1})
            break
        lines.append(line)
    return title, "\n".join(lines)


def link(row: Notification) -> str:
    """Return the address at which the recipient finds what is told."""
    return f"{settings.SITE_URL}{row.url}"


def open_or_urgent(hours: Hours) -> Q:
    """The messages that may leave now."""
    return Q(is_urgent=True) | Q(district_code__in=hours.open_districts())
