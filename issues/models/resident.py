"""The resident's side: the codes that open the page without a login, and what residents are told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from households.models import Household
from issues import codes
from issues.models.issue import Issue, IssueEvent
from outreach.models import Unit, User


class ResidentCode(models.Model):
    """What opens the resident's page: of one issue, or of a household and its issues. The code itself is not stored:
    only a keyed digest to find it by, and the code sealed for printing it again."""

    issue = models.ForeignKey(Issue, null=True, on_delete=models.CASCADE, related_name="resident_codes")
    household = models.ForeignKey(Household, null=True, on_delete=models.CASCADE, related_name="resident_codes")
    digest = models.CharField(max_length=64, unique=True)
    sealed = models.CharField(max_length=80)
    made_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="issues_residentcode_of_one",
                condition=Q(issue__isnull=False, household__isnull=True)
                | Q(issue__isnull=True, household__isnull=False),
            ),
            models.CheckConstraint(
                name="issues_residentcode_withdrawn_by_whom",
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["issue"], name="issues_residentcode_issue_once", condition=Q(withdrawn_at=None)
            ),
            models.UniqueConstraint(
                fields=["household"], name="issues_residentcode_household_once", condition=Q(withdrawn_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id or '-'}/{self.household_id or '-'}"

    @property
    def spoken(self) -> str:
        """The code as it is printed. Raises ValueError where the key was changed."""
        return codes.spoken(codes.unseal(self.sealed))


class ResidentMessage(models.Model):
    """One thing a resident is to hear of an issue: sent to the phone, or told by who recorded it (首问负责)."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("received")
        CHANGE = "change", _("something changed")
        END = "end", _("reported done or ended")

    class State(models.TextChoices):
        WAITING = "waiting", _("to be sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("could not be sent")
        BY_HAND = "by_hand", _("to be told in person")
        TOLD = "told", _("told in person")
        OVERTAKEN = "overtaken", _("overtaken by later news")

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="resident_messages")
    event = models.OneToOneField(IssueEvent, on_delete=models.CASCADE, related_name="resident_message")
    kind = models.CharField(max_length=10, choices=Kind)
    state = models.CharField(max_length=10, choices=State)
    attempts = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    told_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["issue"], name="issues_message_by_hand", condition=Q(state="by_hand")),
            models.Index(fields=["id"], name="issues_message_waiting", condition=Q(state="waiting")),
        ]
        constraints = [
            models.CheckConstraint(
                name="issues_residentmessage_told_by_whom",
                condition=Q(state="told", told_at__isnull=False, told_by__isnull=False)
                | ~Q(state="told") & Q(told_at__isnull=True, told_by__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.kind} {self.state}"


class CallClaim(models.Model):
    """Who is asking a resident just now, so that two people do not call the same one. Over at `until`."""

    issue = models.OneToOneField(Issue, on_delete=models.CASCADE, related_name="call_claim")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.issue_id} {self.user_id}"


class CallScript(models.Model):
    """What a district's people say when they call back; without a row the default text holds."""

    district = models.OneToOneField(Unit, on_delete=models.CASCADE, related_name="+")
    text = models.TextField(_("what is said"), max_length=1000)

    def __str__(self) -> str:
        return str(self.district_id)


class LookBack(models.Model):
    """A closed issue drawn to be looked at again, a month and three months later (回头看)."""

    class Result(models.TextChoices):
        HOLDS = "holds", _("still solved")
        RELAPSED = "relapsed", _("it came back")
        UNREACHED = "unreached", _("nobody could be asked")

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="look_backs")
    closed_at = models.DateTimeField()
    months = models.PositiveSmallIntegerField(_("months after closing"))
    drawn_at = models.DateTimeField(default=timezone.now)
    result = models.CharField(_("result"), max_length=10, choices=Result, blank=True, default="")
    words = models.TextField(_("what was found"), max_length=500, blank=True)
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    done_by_unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["id"], name="issues_lookback_to_do", condition=Q(result=""))]
        constraints = [
            # an issue that was redone and closed again is drawn anew
            models.UniqueConstraint(fields=["issue", "closed_at", "months"], name="issues_lookback_once"),
            models.CheckConstraint(
                name="issues_lookback_done_by_whom",
                condition=Q(result="", done_at__isnull=True, done_by__isnull=True, done_by_unit__isnull=True)
                | ~Q(result="") & Q(done_at__isnull=False, done_by__isnull=False, done_by_unit__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} +{self.months}"
