"""Sending: claim a message, hand it over, write down what became of it; and find what a dead worker left behind.

A claim is committed (state `sending`) before the message is handed over, and the claimer's database session holds an
advisory lock on it until the result is written. A worker that dies, by whatever, loses its session and so the lock:
`reap` finds a message that is `sending` and held by nobody, and marks it `doubt`. It is never sent again unasked.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from outreach import access, audit
from outreach.access import Permission
from outreach.models import Channel, Delivery, User
from outreach.notify import carriers, packing

logger = logging.getLogger(__name__)

LOCK_CLASS = 4_399_020  # of pg_try_advisory_lock(class, id)
BACK_OFF = (60, 300, 900, 3600, 14400)  # seconds after the first, second, … failure; then dead
MAX_TRIES = len(BACK_OFF) + 1
GROUP_PACE = 20  # messages to one group
PACE_SECONDS = 60
RUN_LIMIT = 200  # messages in one task: a worker is not held for hours


def run(limit: int = RUN_LIMIT) -> int:
    """Do all that is due: reap, pack, send up to `limit` messages; return how many were handed over."""
    reap()
    packing.pack(timezone.now())
    done = 0
    while done < limit:
        delivery = claim(timezone.now())
        if delivery is None:
            break
        try:
            settle(delivery, attempt(delivery))
        finally:
            unlock(delivery.pk)
        done += 1
    return done


def claim(now: datetime) -> Delivery | None:
    """Take the next message due, as this session's own; None where there is none.

    A group gets at most GROUP_PACE messages in PACE_SECONDS, whatever the number of workers: who claims for a group
    holds the group's row meanwhile.
    """
    may_leave = packing.open_or_urgent(packing.Hours(now))
    # groups another worker is claiming for, and messages whose last sender is just writing the result
    passed_groups: list[int] = []
    passed: list[int] = []
    while True:
        with transaction.atomic():
            delivery = (
                Delivery.objects.select_for_update(of=("self",), skip_locked=True)
                .filter(may_leave, state__in=Delivery.DUE_STATES, next_try_at__lte=now)
                .exclude(channel__in=[*passed_groups, *used_up(now)])
                .exclude(pk__in=passed)
                .order_by("next_try_at", "pk")
                .first()
            )
            if delivery is None:
                return None
            if delivery.channel_id:
                group = Channel.objects.select_for_update(skip_locked=True).filter(pk=delivery.channel_id).first()
                if group is None or delivery.channel_id in used_up(now):
                    passed_groups.append(delivery.channel_id)
                    continue
            if not lock(delivery.pk):
                passed.append(delivery.pk)
                continue
            try:
                delivery.state = Delivery.State.SENDING
                delivery.tries += 1
                delivery.claimed_at = now
                delivery.save(update_fields=["state", "tries", "claimed_at"])
            except Exception:
                unlock(delivery.pk)
                raise
        return delivery


def used_up(now: datetime) -> list[int]:
    """Return the groups that have had all their messages of this minute."""
    since = now - timedelta(seconds=PACE_SECONDS)
    counts = Delivery.objects.filter(channel__isnull=False, claimed_at__gt=since).order_by().values("channel")
    return list(counts.annotate(n=Count("pk")).filter(n__gte=GROUP_PACE).values_list("channel", flat=True))


def attempt(delivery: Delivery) -> carriers.Answer:
    """Hand a claimed message over; a fault of ours is an answer too."""
    whole = Delivery.objects.select_related("channel", "personal", "user").get(pk=delivery.pk)
    try:
        return carriers.deliver(whole)
    except carriers.UnusableChannelError as error:
        return carriers.Answer(False, str(error))
    except Exception as error:
        logger.exception("Message %s could not be handed over", delivery.pk)
        return carriers.Answer(False, type(error).__name__, is_known=False)


def settle(delivery: Delivery, answer: carriers.Answer) -> None:
    """Write down what became of a message."""
    now = timezone.now()
    values: dict[str, object] = {"last_error": answer.error[:300]}
    if answer.is_sent:
        values |= {"state": Delivery.State.SENT, "sent_at": now, "last_error": ""}
    elif not answer.is_known:
        values |= {"state": Delivery.State.DOUBT}
    elif delivery.tries >= MAX_TRIES:
        values |= {"state": Delivery.State.DEAD}
    else:
        wait = timedelta(seconds=BACK_OFF[delivery.tries - 1])
        values |= {"state": Delivery.State.FAILED, "next_try_at": now + wait}
    # this very try: whoever lost his session may find the message in doubt, or even sent again by a person since
    mine = Delivery.objects.filter(pk=delivery.pk, tries=delivery.tries)
    mine.filter(Q(state=Delivery.State.SENDING) | Q(state=Delivery.State.DOUBT)).update(**values)


def reap() -> int:
    """Mark as in doubt what a dead worker was sending; return how many."""
    found = 0
    for pk in Delivery.objects.filter(state=Delivery.State.SENDING).values_list("pk", flat=True):
        if not lock(pk):
            continue  # its sender lives
        try:
            found += Delivery.objects.filter(pk=pk, state=Delivery.State.SENDING).update(
                state=Delivery.State.DOUBT,
                last_error=_("The program was stopped while sending: it may have arrived or not."),
            )
        finally:
            unlock(pk)
    return found


def lock(pk: int) -> bool:
    """Take the advisory lock of a message for this database session; say whether it was free."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, pk % 2**31])
        return bool(cursor.fetchone()[0])


def unlock(pk: int) -> None:
    """Give the advisory lock of a message back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_CLASS, pk % 2**31])


@transaction.atomic
def send_again(*, delivery: Delivery, by: User) -> bool:
    """Put a message that did not arrive, or is in doubt, back into the queue; False where it is not such a one.

    It keeps its key, so that a gateway that knows keys takes it once. Raises PermissionDenied.
    """
    access.demand(by, Permission.MESSAGE_WATCH)
    locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if locked.state not in Delivery.STUCK_STATES:
        return False
    before = locked.get_state_display()
    # the count of tries goes on: by it a late sender knows that his try is no longer the last
    locked.state, locked.next_try_at = Delivery.State.WAITING, timezone.now()
    locked.save(update_fields=["state", "next_try_at"])
    audit.record("message.send_again", locked, by=by, before=before)
    return True


@transaction.atomic
def leave_unsent(*, delivery: Delivery, by: User) -> bool:
    """Give a message up that is in doubt or fails: it will not be tried again. False where it is not such a one.

    Raises PermissionDenied.
    """
    access.demand(by, Permission.MESSAGE_WATCH)
    locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if locked.state not in (Delivery.State.DOUBT, Delivery.State.FAILED):
        return False
    before = locked.get_state_display()
    locked.state = Delivery.State.DEAD
    locked.save(update_fields=["state"])
    audit.record("message.give_up", locked, by=by, before=before)
    return True
