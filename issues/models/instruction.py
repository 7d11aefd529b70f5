"""Difficult issues: the mark of a person, and the instructions leaders wrote (批示) with their answers."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from issues.models.issue import Issue
from outreach.models import Unit, User


class DifficultMark(models.Model):
    """A person put the issue on the list of difficult ones; the row goes when it is taken off, the history stays."""

    issue = models.OneToOneField(Issue, on_delete=models.CASCADE, related_name="difficult_mark")
    reason = models.CharField(_("why it is difficult"), max_length=200)
    marked_at = models.DateTimeField(default=timezone.now)
    marked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [models.CheckConstraint(name="issues_difficult_why", condition=~Q(reason=""))]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.reason}"


class Instruction(models.Model):
    """What a leader tells a unit to do about an issue, the unit's answer, and that the leader took the answer.

    A further instruction on the same issue is a new row; only the newest is current.
    """

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="instructions")
    by = models.ForeignKey(User, verbose_name=_("by"), on_delete=models.PROTECT, related_name="+")
    text = models.TextField(_("instruction"), max_length=2000)
    to_unit = models.ForeignKey(
        Unit, verbose_name=_("unit that answers"), on_delete=models.PROTECT, related_name="instructions"
    )
    due_on = models.DateField(_("answer due on"))
    given_at = models.DateTimeField(_("given at"), default=timezone.now)
    is_current = models.BooleanField(default=True)
    answer = models.TextField(_("answer"), max_length=2000, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(_("settled at"), null=True)
    settled_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["to_unit"], name="issues_instruction_waiting", condition=Q(answered_at=None))]
        constraints = [
            models.UniqueConstraint(
                fields=["issue"], name="issues_instruction_one_current", condition=Q(is_current=True)
            ),
            models.CheckConstraint(name="issues_instruction_says", condition=~Q(text="")),
            models.CheckConstraint(
                name="issues_instruction_answered_by_whom",
                condition=Q(answered_at__isnull=True, answered_by__isnull=True, answer="")
                | Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer=""),
            ),
            models.CheckConstraint(
                name="issues_instruction_settled_by_whom",
                condition=Q(settled_at__isnull=True, settled_by__isnull=True)
                | Q(settled_at__gte=F("answered_at"), settled_by__isnull=False, answered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} → {self.to_unit_id}"

    def days_late(self, today: date) -> int:
        """Calendar days the answer is overdue on `today`; 0: answered, or still in time."""
        return max(0, (today - self.due_on).days) if self.answered_at is None else 0
