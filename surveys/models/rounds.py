"""Rounds: a published version asked over some weeks, and what was answered.

Anonymous is the default. An anonymous answer waits (`Waiting`) until several have come, or the round ends; then all
that wait are stored as `Response` in random order under new random keys, with the week alone for a time, and what
waited is deleted. Nothing else in the database holds their keys, and no row of a visit, a call or an audit trail was
written by the transaction that stored them. `Receipt` knows only that a sending with some random number has arrived.
"""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from households.models import Household
from outreach import access
from outreach.models import Campaign, Unit, User
from surveys.models.questionnaires import Version

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Channel(models.TextChoices):
    """How the questions were asked."""

    DOOR = "door", _("at the door")
    PHONE = "phone", _("by telephone")
    QR = "qr", _("by QR code")


class Sex(models.TextChoices):
    """As told; never taken from the roster for an anonymous answer."""

    MALE = "male", _("male")
    FEMALE = "female", _("female")
    UNKNOWN = "", _("not told")


class AgeBand(models.TextChoices):
    """Bands wide enough to hide in."""

    YOUNG = "18-29", _("18 to 29")
    MIDDLE = "30-44", _("30 to 44")
    OLDER = "45-59", _("45 to 59")
    OLD = "60+", _("60 and older")
    UNKNOWN = "", _("not told")


def new_code() -> str:
    """Return a code for a QR link that nobody guesses."""
    return secrets.token_urlsafe(12)


class RoundQuerySet(models.QuerySet["Round"]):
    """Rounds in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> RoundQuerySet:
        """Rounds of the district the user's post belongs to."""
        code = access.reach(user)
        return self.none() if code is None else self.filter(district__code=code[:6])

    def open(self) -> RoundQuerySet:
        """Those in which answers are taken."""
        return self.filter(state=Round.State.OPEN)


class Round(models.Model):
    """One asking of one version: when, where, by which channels."""

    class State(models.TextChoices):
        DRAFT = "draft", _("in preparation")
        OPEN = "open", _("being asked")
        CLOSED = "closed", _("ended")

    district = models.ForeignKey(Unit, verbose_name=_("district"), on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(
        Version, verbose_name=_("version of a questionnaire"), on_delete=models.PROTECT, related_name="rounds"
    )
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), null=True, blank=True, on_delete=models.PROTECT, related_name="rounds"
    )
    name = models.CharField(_("name"), max_length=100)
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"))
    channels = ArrayField(models.CharField(max_length=10, choices=Channel), verbose_name=_("channels"))
    is_anonymous = models.BooleanField(
        _("anonymous"),
        default=True,
        help_text=_("No answer can be traced to a person. Chosen once, before the round opens."),
    )
    target = models.PositiveIntegerField(_("answers wanted"), default=200)
    code = models.CharField(max_length=24, unique=True, default=new_code, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)

    objects = RoundQuerySet.as_manager()

    class Meta:
        verbose_name = _("survey round")
        verbose_name_plural = _("survey rounds")
        ordering = ["-starts_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="surveys_round_dates",
                condition=Q(ends_on__gte=F("starts_on")),
                violation_error_message=_("The round must not end before it starts."),
            ),
            models.CheckConstraint(
                name="surveys_round_has_channel",
                condition=Q(channels__len__gt=0),
                violation_error_message=_("Choose at least one channel."),
            ),
            models.UniqueConstraint(
                fields=["district", "name"],
                name="surveys_round_name_once",
                violation_error_message=_("A round of this name exists already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Answered(models.Model):
    """What a response and an answer that waits have in common."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")  # village or township lived in
    channel = models.CharField(max_length=10, choices=Channel)
    week = models.DateField(help_text="the Monday of the week of answering: no finer time is kept")
    sex = models.CharField(max_length=10, choices=Sex, blank=True, default="")
    age_band = models.CharField(max_length=10, choices=AgeBand, blank=True, default="")
    is_assisted = models.BooleanField(default=False)  # somebody read the items out and tapped the answers
    answers = models.JSONField(blank=True, help_text="answers.clean")
    seconds = models.JSONField(default=dict, blank=True, help_text="item key → whole seconds it was on screen")
    # of a drawn sample: how it was drawn, without saying who
    stratum = models.CharField(max_length=20, blank=True, default="")
    cluster = models.CharField(max_length=20, blank=True, default="")
    weight = models.FloatField(default=1.0)

    class Meta:
        abstract = True


class Waiting(Answered):
    """An anonymous answer on its way: deleted as soon as it is stored among others (actions.store_waiting)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="waiting")

    class Meta:
        verbose_name = "answer that waits"

    def __str__(self) -> str:
        return "an answer that waits"


class ResponseQuerySet(models.QuerySet["Response"]):
    """Responses in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> ResponseQuerySet:
        """Responses of the units within reach."""
        code = access.reach(user)
        return self.none() if code is None else self.filter(unit__code__startswith=code)


class Response(Answered):
    """One person's answers. What leads to a person is empty unless the round is not anonymous: the database refuses."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="responses")
    flags = ArrayField(models.CharField(max_length=20), default=list)  # quality.py: for a person to look at
    is_named = models.BooleanField(default=False)
    household = models.ForeignKey(Household, null=True, on_delete=models.SET_NULL, related_name="responses")
    visit_uuid = models.UUIDField(null=True)
    asked_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True)

    objects = ResponseQuerySet.as_manager()

    class Meta:
        verbose_name = _("response")
        verbose_name_plural = _("responses")
        indexes = [models.Index(fields=["round", "unit"], name="surveys_response_round_unit")]
        constraints = [
            models.CheckConstraint(
                name="surveys_response_anonymous",
                condition=Q(is_named=True) | Q(household=None, visit_uuid=None, asked_by=None, answered_at=None),
            ),
            models.CheckConstraint(name="surveys_response_weight", condition=Q(weight__gt=0)),
        ]

    def __str__(self) -> str:
        return "a response"


class Receipt(models.Model):
    """A sending that has arrived, so that it is not taken twice. Tells neither what was sent nor by whom."""

    digest = models.CharField(max_length=64, primary_key=True)  # sha256 of the sending's random number
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = "receipt"

    def __str__(self) -> str:
        return self.digest
