"""How long notifications and messages are kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from outreach.models import Delivery, Membership, MessageHours, Notification, Unit

BATCH = 10_000


def forget(now: datetime | None = None) -> int:
    """Delete what is older than its district keeps it (MessageHours.keep_days); return how many rows.

    What is still on its way stays, however old. Safe to stop at any moment: each batch is a transaction of its own.
    """
    now = now or timezone.now()
    kept = {row.district.code: row.keep_days for row in MessageHours.objects.select_related("district")}
    default = MessageHours().keep_days
    done = 0
    for code in Unit.objects.districts().values_list("code", flat=True):
        before = now - timedelta(days=kept.get(code, default))
        people = Membership.objects.filter(unit__code__startswith=code).values("user")
        ended = Q(state__in=[Delivery.State.SENT, Delivery.State.DEAD])
        done += delete(Delivery.objects.filter(ended, district_code=code, created_at__lt=before))
        mine = Q(user__in=people) | Q(channel__unit__code__startswith=code)
        open_messages = Delivery.objects.exclude(ended).filter(district_code=code).values("notifications")
        old = Notification.objects.filter(mine, created_at__lt=before, packed_at__isnull=False)
        done += delete(old.exclude(pk__in=open_messages.filter(notifications__isnull=False)))
    return done


def delete(rows: object) -> int:
    """Delete a queryset batch by batch; return how many of its own rows."""
    done = 0
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):  # type: ignore[attr-defined]
        rows.model.objects.filter(pk__in=pks).delete()  # type: ignore[attr-defined]
        done += len(pks)
    return done
