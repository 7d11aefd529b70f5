"""Writing notifications, and what their reader does with them."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils import timezone

from outreach.models import Channel, Notification, Unit, User

BATCH = 2_000


def notify(
    *,
    kind: str,
    title: str,
    url: str,
    key: str,
    users: Iterable[User | int] = (),
    units: Iterable[Unit | int] = (),
    text: str = "",
    in_digest: bool = False,
    is_urgent: bool = False,
) -> None:
    """Tell people (`users`, rows or ids) and the groups of `units` (those that have a robot) one thing.

    Safe to run twice: a recipient who has a notification with this `key` gets no second one. `title` leaves the
    program with the link to `url` (a path of ours), so it holds numbers and units' names, never personal data; `text`
    shows in the inbox alone, and holds none either. `in_digest`: leaves in the day's one message instead of its own.
    `is_urgent`: leaves at any hour. Nothing is sent here: notify/packing.py and notify/sending.py follow by Celery.
    """
    people = {user if isinstance(user, int) else user.pk for user in users}
    places = {unit if isinstance(unit, int) else unit.pk for unit in units}
    groups = Channel.objects.active().groups().filter(unit__in=places) if places else Channel.objects.none()
    common = {
        "kind": kind,
        "title": title[:120],
        "text": text[:300],
        "url": url,
        "key": key,
        "in_digest": in_digest,
        "is_urgent": is_urgent,
    }
    rows = [Notification(user_id=pk, **common) for pk in sorted(people)]
    rows += [Notification(channel=channel, **common) for channel in groups.order_by("pk")]
    Notification.objects.bulk_create(rows, batch_size=BATCH, ignore_conflicts=True)  # atomic, however many batches


def mark_read(*, by: User, notification: Notification | None = None) -> int:
    """Mark one of the reader's own notifications read, or all of them; return how many were unread."""
    unread = Notification.objects.of(by).unread()
    if notification is not None:
        unread = unread.filter(pk=notification.pk)
    return unread.update(read_at=timezone.now())
