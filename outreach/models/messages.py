"""What people are told: notifications, the channels they leave by, and each message on its way (delivery)."""

from __future__ import annotations

import uuid
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.indexes import BrinIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from outreach import access, sealing
from outreach.access import Permission
from outreach.models.district import Membership, Unit, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class LeaderLink(models.Model):
    """A district leader answers for a unit (分管、联点): reminders nobody heeded reach him for it and all below it."""

    leader = models.ForeignKey(
        Membership,
        verbose_name=_("leader"),
        on_delete=models.CASCADE,
        related_name="links",
        limit_choices_to={"role": access.Role.LEADER},
    )
    unit = models.ForeignKey(Unit, verbose_name=_("linked unit"), on_delete=models.CASCADE, related_name="leaders")

    class Meta:
        verbose_name = _("leader's link")
        verbose_name_plural = _("leaders' linked units")
        ordering = ["unit__sort_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["leader", "unit"],
                name="outreach_leaderlink_once",
                violation_error_message=_("This leader is linked to this unit already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.unit} · {self.leader.user}"


class MessageHours(models.Model):
    """When a district's messages may leave, and how long notifications are kept. Without a row the defaults hold."""

    district = models.OneToOneField(Unit, verbose_name=_("district"), on_delete=models.CASCADE, related_name="+")
    opens_at = models.TimeField(_("from"), default=time(9))
    closes_at = models.TimeField(_("until"), default=time(18))
    workdays_only = models.BooleanField(_("working days only"), default=True)
    keep_days = models.PositiveSmallIntegerField(
        _("keep notifications for days"), default=180, validators=[MinValueValidator(30), MaxValueValidator(3650)]
    )

    class Meta:
        verbose_name = _("message hours")
        verbose_name_plural = _("message hours")
        constraints = [
            models.CheckConstraint(
                name="outreach_messagehours_order",
                condition=Q(closes_at__gt=F("opens_at")),
                violation_error_message=_("The end must come after the start."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.opens_at:%H:%M}–{self.closes_at:%H:%M}"

    def is_open(self, now: datetime, *, is_workday: bool) -> bool:
        """Say whether messages may leave at `now`, on a day of which `is_workday` tells the kind."""
        local = timezone.localtime(now).time()
        return (is_workday or not self.workdays_only) and self.opens_at <= local < self.closes_at


class ChannelQuerySet(models.QuerySet["Channel"]):
    """Channels in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> ChannelQuerySet:
        """Channels of units within the reach of the post."""
        code = access.reach(user)
        return self.none() if code is None else self.filter(unit__code__startswith=code)

    def active(self) -> ChannelQuerySet:
        return self.filter(is_active=True)

    def groups(self) -> ChannelQuerySet:
        """Those that speak to a whole group, not to one person."""
        return self.filter(kind__in=Channel.GROUP_KINDS)


class Channel(models.Model):
    """A way out of the program, set up by an administrator: the district's mail or SMS gateway, a group's robot."""

    class Kind(models.TextChoices):
        EMAIL = "email", _("mail server")
        SMS = "sms", _("SMS gateway")
        WECOM = "wecom", _("WeCom group robot")
        DINGTALK = "dingtalk", _("DingTalk group robot")
        FEISHU = "feishu", _("Feishu group robot")
        WEBHOOK = "webhook", _("other message gateway")

    GROUP_KINDS = (Kind.WECOM, Kind.DINGTALK, Kind.FEISHU, Kind.WEBHOOK)

    unit = models.ForeignKey(Unit, verbose_name=_("unit"), on_delete=models.PROTECT, related_name="channels")
    kind = models.CharField(_("kind of channel"), max_length=10, choices=Kind)
    name = models.CharField(_("name"), max_length=50)
    sealed = models.TextField(editable=False)  # sealing.seal of what sending needs, see notify/carriers.py
    shown = models.CharField(_("address"), max_length=200, blank=True, editable=False)  # masked
    is_active = models.BooleanField(_("in use"), default=True)
    tested_at = models.DateTimeField(_("last tested"), null=True, editable=False)
    test_error = models.CharField(max_length=300, blank=True, editable=False)

    objects = ChannelQuerySet.as_manager()

    class Meta:
        verbose_name = _("message channel")
        verbose_name_plural = _("message channels")
        ordering = ["kind", "unit__sort_order", "pk"]
        constraints = [
            # a person's mail or SMS must have one way out, not two
            models.UniqueConstraint(
                fields=["unit", "kind"],
                condition=Q(is_active=True, kind__in=["email", "sms"]),
                name="outreach_channel_one_gateway",
                violation_error_message=_("This district has an active gateway of this kind already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} · {self.name}"

    @property
    def is_group(self) -> bool:
        """Does it speak to a whole group?"""
        return self.kind in self.GROUP_KINDS

    def settings(self) -> dict[str, Any]:
        """Open what is sealed. Raises sealing.UnreadableSecretError."""
        return sealing.unseal(self.sealed)


class PersonalChannel(models.Model):
    """A way one person wants to be told beside the inbox."""

    class Kind(models.TextChoices):
        EMAIL = "email", _("e-mail")
        SMS = "sms", _("SMS")
        WECOM = "wecom", _("WeCom")
        DINGTALK = "dingtalk", _("DingTalk")
        FEISHU = "feishu", _("Feishu")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=10, choices=Kind)
    sealed = models.TextField()
    shown = models.CharField(max_length=200, blank=True)  # masked
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["kind"]
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="outreach_personalchannel_once")]

    def __str__(self) -> str:
        return self.get_kind_display()

    def settings(self) -> dict[str, Any]:
        """Open what is sealed. Raises sealing.UnreadableSecretError."""
        return sealing.unseal(self.sealed)


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Notifications in the words of the domain."""

    def of(self, user: User | AnonymousUser) -> NotificationQuerySet:
        """The inbox of one person; nobody sees another's."""
        return self.filter(user=user.pk) if user.is_authenticated else self.none()

    def unread(self) -> NotificationQuerySet:
        return self.filter(read_at=None)


class Notification(models.Model):
    """One thing one recipient is told: a person, or a group by its robot. Title and text hold no personal data.

    Told once however often it is asked for: `key` is unique for each recipient.
    """

    # no indexes of their own: the constraints below begin with them, and a sweep writes many thousand rows at once
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="notifications", db_index=False)
    channel = models.ForeignKey(
        Channel, null=True, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    kind = models.CharField(max_length=30)
    title = models.CharField(max_length=120)
    text = models.CharField(max_length=300, blank=True)
    url = models.CharField(max_length=200)  # a path of ours
    key = models.CharField(max_length=120)
    in_digest = models.BooleanField(default=False)  # waits for the day's one message
    is_urgent = models.BooleanField(default=False)  # leaves at any hour
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True)
    packed_at = models.DateTimeField(null=True)  # when it went into messages, or was found to need none

    objects = NotificationQuerySet.as_manager()

    class Meta:
        verbose_name = _("notification")
        verbose_name_plural = _("notifications")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["user", "-id"], name="outreach_notification_inbox"),
            models.Index(fields=["id"], name="outreach_notification_unpacked", condition=Q(packed_at=None)),
            BrinIndex(fields=["created_at"], name="outreach_notification_age"),
        ]
        constraints = [
            models.CheckConstraint(
                name="outreach_notification_one_recipient",
                condition=Q(user__isnull=False, channel__isnull=True) | Q(user__isnull=True, channel__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["user", "key"], condition=Q(user__isnull=False), name="outreach_notification_once"
            ),
            models.UniqueConstraint(
                fields=["channel", "key"], condition=Q(channel__isnull=False), name="outreach_notification_once_a_group"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Messages in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> DeliveryQuerySet:
        """Messages of the district of the post, for those who watch over them."""
        code = access.reach(user)
        if code is None or not access.has_permission(user, Permission.MESSAGE_WATCH):
            return self.none()
        return self.filter(district_code=code[:6])

    def stuck(self) -> DeliveryQuerySet:
        """Not arrived, as far as is known: failed and to be tried again, given up, or in doubt."""
        return self.filter(state__in=Delivery.STUCK_STATES)


class Delivery(models.Model):
    """One message to one address, which may tell of several notifications. Written by notify/ alone.

    A message being sent is `sending`; where its worker died meanwhile nobody knows whether it arrived: `doubt`, which
    a person settles. Everything else is tried again until `dead`.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be sent")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed, will be tried again")
        DEAD = "dead", _("given up")
        DOUBT = "doubt", _("in doubt")

    STUCK_STATES = (State.FAILED, State.DEAD, State.DOUBT)
    DUE_STATES = (State.WAITING, State.FAILED)

    key = models.UUIDField(default=uuid.uuid4, unique=True)  # goes with the message: who receives it can know it again
    district_code = models.CharField(max_length=6)
    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    personal = models.ForeignKey(PersonalChannel, null=True, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, null=True, on_delete=models.CASCADE, related_name="deliveries")
    digest_on = models.DateField(null=True)  # the day whose one digest this is
    is_urgent = models.BooleanField(default=False)
    title = models.CharField(max_length=120)
    text = models.TextField(max_length=4000)
    notifications = models.ManyToManyField(Notification, related_name="deliveries")
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    next_try_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["next_try_at", "id"], name="outreach_delivery_due", condition=Q(state__in=["waiting", "failed"])
            ),
            models.Index(fields=["id"], name="outreach_delivery_sending", condition=Q(state="sending")),
            models.Index(fields=["channel", "claimed_at"], name="outreach_delivery_pace"),
            models.Index(
                fields=["district_code", "-id"],
                name="outreach_delivery_stuck",
                condition=Q(state__in=["failed", "dead", "doubt"]),
            ),
            models.Index(fields=["created_at"], name="outreach_delivery_age"),
        ]
        constraints = [
            models.CheckConstraint(
                name="outreach_delivery_one_address",
                condition=Q(personal__isnull=False, user__isnull=False, channel__isnull=True)
                | Q(personal__isnull=True, user__isnull=True, channel__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["personal", "digest_on"],
                condition=Q(digest_on__isnull=False),
                name="outreach_delivery_one_digest_a_day",
            ),
            models.CheckConstraint(
                name="outreach_delivery_sent_when",
                condition=Q(state="sent", sent_at__isnull=False) | (~Q(state="sent") & Q(sent_at__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.get_state_display()})"
