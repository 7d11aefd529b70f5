"""Who was reminded of what: the marks of the ladder, each at most once."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from issues.models.issue import Issue
from outreach.models import User


class Rung(models.TextChoices):
    """The steps of the ladder, in the order of the days, and what lies about unattended (domain.md §4)."""

    BEFORE_2 = "before_2", _("due in 2 working days")
    BEFORE_1 = "before_1", _("due in 1 working day")
    TODAY = "today", _("due today")
    LATE_1 = "late_1", _("1 working day late")
    LATE_3 = "late_3", _("3 working days late")
    HEAD = "head", _("late: the unit's head is told")
    LEADER = "leader", _("late: the linked leader is told")
    PROPOSE = "propose", _("late: supervision is proposed")
    UNACCEPTED = "unaccepted", _("not accepted within 1 working day")
    UNVERIFIED = "unverified", _("waits for verification for over 3 working days")
    UNCALLED = "uncalled", _("waits for the call-back for over 3 working days")


class Reminder(models.Model):
    """One person was reminded at one rung. Written by reminders.sweep alone.

    `stamp` tells the occasions of a rung apart: the version of the deadline for the ladder, the clock's segment for
    what lies unattended; so a new deadline or holder is a new occasion.
    """

    # no indexes but the constraint's, which begins with the issue: the sweep writes many thousand rows at once
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="reminders", db_index=False)
    rung = models.CharField(max_length=12, choices=Rung)
    stamp = models.BigIntegerField()
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    reminded_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["issue", "rung", "stamp", "user"], name="issues_reminder_once"),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.rung}"
