"""What an issue gathers on its way round the loop: clock segments, helping units, reports upward, call-backs."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from issues import workflow
from issues.models.issue import Issue, Outcome
from outreach.models import Unit, User


class IssueSegment(models.Model):
    """A stretch of an issue's clock: which unit held it from when to when, and whether the clock ran. The stretches of
    an issue follow each other without a gap; the last is open until the issue ends."""

    KINDS = [
        (kind.value, kind.label) for kind in (workflow.Clock.RUNNING, workflow.Clock.PAUSED, workflow.Clock.REVIEWING)
    ]

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="segments")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=KINDS)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["started_at", "pk"]
        indexes = [models.Index(fields=["unit", "kind"], name="issues_segment_open", condition=Q(ended_at=None))]
        constraints = [
            models.UniqueConstraint(fields=["issue"], name="issues_segment_one_open", condition=Q(ended_at=None)),
            models.CheckConstraint(
                name="issues_segment_forward", condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at"))
            ),
            models.CheckConstraint(
                name="issues_segment_kind", condition=Q(kind__in=["running", "paused", "reviewing"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.kind}"


class HelpingUnit(models.Model):
    """A unit asked to help the one that holds the issue (主办/协办): one holder, several helpers."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="helping_units")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="issues_helped")
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    question = models.TextField(max_length=2000)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    answer = models.TextField(max_length=2000, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["issue", "unit"], name="issues_helping_unit_asked_once", condition=Q(answered_at=None)
            ),
            models.CheckConstraint(
                name="issues_helping_unit_answered_by_whom",
                condition=Q(answered_at__isnull=True, answered_by__isnull=True)
                | Q(answered_at__isnull=False, answered_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.unit_id}"


class UpwardReport(models.Model):
    """An issue beyond the district's competence, reported upward: to whom, when, and the answer (domain.md I6)."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="upward_reports")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    to_whom = models.CharField(_("reported to"), max_length=100)
    document = models.CharField(_("document number"), max_length=60, blank=True)
    text = models.TextField(_("what was reported"), max_length=2000)
    reported_at = models.DateTimeField(_("reported at"), default=timezone.now)
    reported_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    answer = models.TextField(_("answer"), max_length=2000, blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["issue"], name="issues_upward_one_open", condition=Q(answered_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} → {self.to_whom}"


class CallBack(models.Model):
    """One attempt to ask the resident, or the resident's own answer. Only a call that was reached and answered is valid
    (有效回访); `round` is the number of times the issue was redone before: an answer holds for its round."""

    class Channel(models.TextChoices):
        PHONE = "phone", _("by phone")
        VISIT = "visit", _("at the door")
        PAGE = "page", _("on the resident's page")

    class Reached(models.TextChoices):
        REACHED = "reached", _("reached and answered")
        NO_ANSWER = "no_answer", _("no answer")
        WRONG_NUMBER = "wrong_number", _("wrong number")
        REFUSED = "refused", _("does not wish to answer")
        LATER = "later", _("call again later")

    class Content(models.TextChoices):
        CONTENT = "content", _("content")
        MOSTLY = "mostly", _("mostly content")
        NOT_CONTENT = "not_content", _("not content")

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="call_backs")
    round = models.PositiveSmallIntegerField()
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    reached = models.CharField(_("result of the call"), max_length=12, choices=Reached)
    contacted = models.BooleanField(_("did the unit contact you?"), null=True, blank=True)
    solved = models.BooleanField(_("is it solved?"), null=True, blank=True)
    content = models.CharField(_("are you content?"), max_length=12, choices=Content, blank=True)
    words = models.TextField(_("in the resident's words"), max_length=500, blank=True)
    call_again_at = models.DateTimeField(_("call again at"), null=True, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    by_unit = models.ForeignKey(Unit, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["at"], name="issues_callback_at")]
        constraints = [
            models.CheckConstraint(
                name="issues_callback_answers_when_reached",
                condition=Q(reached="reached", contacted__isnull=False, solved__isnull=False) & ~Q(content="")
                | ~Q(reached="reached") & Q(contacted__isnull=True, solved__isnull=True, content=""),
                violation_error_message=_("All three questions are answered, or none."),
            ),
            models.UniqueConstraint(
                fields=["issue", "round"], name="issues_callback_page_once", condition=Q(channel="page")
            ),
            models.CheckConstraint(
                name="issues_callback_by_whom",
                condition=Q(channel="page", by__isnull=True, by_unit__isnull=True)
                | ~Q(channel="page") & Q(by__isnull=False, by_unit__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.reached}"

    @property
    def is_valid(self) -> bool:
        """Reached and answered: what counts (有效回访)?"""
        return self.reached == self.Reached.REACHED

    def satisfies(self, outcome: str) -> bool:
        """Is the resident content, fully or mostly, and agrees that it is solved where `outcome` says so?"""
        is_content = self.content in (self.Content.CONTENT, self.Content.MOSTLY)
        return is_content and (bool(self.solved) or outcome != Outcome.SOLVED)
