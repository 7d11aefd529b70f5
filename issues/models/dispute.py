"""The mediation of a dispute: its risk, who is at odds, what was tried and agreed, and whether it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from households.models import Household
from issues.models.issue import Issue
from outreach.models import Unit, User

if TYPE_CHECKING:
    from datetime import date


class Risk(models.TextChoices):
    """How likely a dispute turns into a crime (民转刑)."""

    LOW = "low", _("low risk")
    MEDIUM = "medium", _("medium risk")
    HIGH = "high", _("high risk")


class MediationQuerySet(models.QuerySet["Mediation"]):
    """Mediations in the words of the domain."""

    def performance_due(self, today: date) -> MediationQuerySet:
        """Agreements whose day of performance has come and of which nobody said yet whether they were kept."""
        return self.filter(perform_by__lte=today, is_performed__isnull=True)


class Mediation(models.Model):
    """What is known of a dispute beyond its issue: risk, agreement, performance. Written by actions alone."""

    issue = models.OneToOneField(Issue, on_delete=models.CASCADE, related_name="mediation")
    risk = models.CharField(_("risk"), max_length=8, choices=Risk, default=Risk.LOW)
    risk_note = models.CharField(_("signs of the risk"), max_length=200, blank=True)
    risk_at = models.DateTimeField(null=True)
    risk_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    agreement = models.TextField(_("what was agreed"), max_length=2000, blank=True)
    agreed_on = models.DateField(_("agreed on"), null=True)
    signed_by = models.CharField(_("signed by"), max_length=200, blank=True)
    perform_by = models.DateField(_("to be performed by"), null=True)
    is_performed = models.BooleanField(_("performed"), null=True)
    performance_note = models.CharField(_("how it was performed"), max_length=500, blank=True)
    performance_at = models.DateTimeField(null=True)
    performance_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = MediationQuerySet.as_manager()

    class Meta:
        verbose_name = _("mediation")
        verbose_name_plural = _("mediations")
        indexes = [
            models.Index(fields=["risk"], name="issues_mediation_risk"),
            models.Index(fields=["perform_by"], name="issues_mediation_due", condition=Q(is_performed__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(
                name="issues_mediation_agreed_when_by_whom",
                condition=Q(agreement="", agreed_on__isnull=True, signed_by="", perform_by__isnull=True)
                | (~Q(agreement="") & Q(agreed_on__isnull=False) & ~Q(signed_by="")),
            ),
            models.CheckConstraint(
                name="issues_mediation_performed_by_whom",
                condition=Q(is_performed__isnull=True, performance_at__isnull=True, performance_by__isnull=True)
                | (Q(is_performed__isnull=False, performance_at__isnull=False, performance_by__isnull=False))
                & ~Q(agreement=""),
            ),
        ]

    def __str__(self) -> str:
        return str(self.issue)

    @property
    def has_agreement(self) -> bool:
        """Was anything agreed?"""
        return self.agreement != ""

    def days_overdue(self, today: date) -> int | None:
        """Days past the day of performance where nobody has said whether it was kept; None where nothing is awaited."""
        if self.perform_by is None or self.is_performed is not None:
            return None
        return (today - self.perform_by).days


class DisputeParty(models.Model):
    """One who is at odds, perhaps of a household on the roster. Shown only to those who may know the resident."""

    class Side(models.TextChoices):
        APPLICANT = "applicant", _("applicant")
        RESPONDENT = "respondent", _("respondent")
        OTHER = "other", _("other party")

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="parties")
    side = models.CharField(_("side"), max_length=12, choices=Side)
    name = models.CharField(_("name"), max_length=50)
    contact = models.CharField(_("contact"), max_length=100, blank=True)
    household = models.ForeignKey(Household, null=True, on_delete=models.PROTECT, related_name="+")
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class MediationSession(models.Model):
    """One attempt to bring the parties together."""

    class Result(models.TextChoices):
        AGREED = "agreed", _("agreement reached")
        AGAIN = "again", _("to be continued")
        FAILED = "failed", _("no agreement")

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="sessions")
    held_at = models.DateTimeField(_("held at"))
    place = models.CharField(_("where"), max_length=100)
    mediators = models.CharField(_("mediators"), max_length=200)
    attended = models.CharField(_("who came"), max_length=200)
    said = models.TextField(_("what was said"), max_length=2000)
    result = models.CharField(_("result"), max_length=8, choices=Result)
    recorded_at = models.DateTimeField(default=timezone.now)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["held_at", "pk"]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.held_at:%Y-%m-%d}"
