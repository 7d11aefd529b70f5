"""Bulletins: drafted from a snapshot, edited by the office, issued as a file that never changes, received by units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from outreach import access
from outreach.access import Permission
from outreach.models import Unit, User
from reports.models.snapshots import Snapshot

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

MAX_TITLE, MAX_SECTION, MAX_ANSWER, MAX_WHY = 120, 5_000, 2_000, 200


class BulletinQuerySet(models.QuerySet["Bulletin"]):
    """Bulletins in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> BulletinQuerySet:
        """What was issued in the user's district, for all who read rankings; drafts only for those who write them."""
        code = access.reach(user)
        may = access.permissions_of(user)
        if code is None or not may & {Permission.RANKING_VIEW, Permission.BULLETIN_MAKE}:
            return self.none()
        seen = self.filter(snapshot__campaign__district__code=code[:6]).exclude(state=Bulletin.State.DISCARDED)
        return seen if Permission.BULLETIN_MAKE in may else seen.exclude(state=Bulletin.State.DRAFT)

    def light(self) -> BulletinQuerySet:
        """With what a list shows and without the frozen figures, which are large."""
        names = ("snapshot__campaign", "created_by", "edited_by", "issued_by")
        return self.select_related(*names).defer(
            "sections", "rules", "snapshot__inputs", "snapshot__result", "snapshot__campaign__district"
        )


class Bulletin(models.Model):
    """A bulletin on one snapshot. A draft may change; what was issued keeps its text and its file."""

    class Kind(models.TextChoices):
        CIRCULAR = "circular", pgettext_lazy("bulletin", "circular")
        DAILY = "daily", pgettext_lazy("bulletin", "daily report")
        WEEKLY = "weekly", pgettext_lazy("bulletin", "weekly report")
        MONTHLY = "monthly", pgettext_lazy("bulletin", "monthly report")
        YEARLY = "yearly", pgettext_lazy("bulletin", "year-end summary")

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("bulletin", "draft")
        ISSUED = "issued", pgettext_lazy("bulletin", "issued")
        WITHDRAWN = "withdrawn", pgettext_lazy("bulletin", "withdrawn")
        DISCARDED = "discarded", pgettext_lazy("bulletin", "thrown away")

    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="bulletins")
    compared_with = models.ForeignKey(Snapshot, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    title = models.CharField(_("title"), max_length=MAX_TITLE)
    sections = models.JSONField()  # content.SECTIONS → text
    rules = models.JSONField()  # content.Rules: which units were to be named
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")  # null: the beat
    edited_at = models.DateTimeField(default=timezone.now)
    edited_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField(null=True)
    issued_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64, blank=True)  # of the .docx, which is kept under this name
    annex_sha256 = models.CharField(max_length=64, blank=True)  # of the .xlsx
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_why = models.CharField(_("reason"), max_length=MAX_WHY, blank=True)

    objects = BulletinQuerySet.as_manager()

    class Meta:
        verbose_name = _("bulletin")
        verbose_name_plural = _("bulletins")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(  # the beat may run twice
                fields=["snapshot", "kind"], name="reports_bulletin_offered_once", condition=Q(created_by=None)
            ),
            models.CheckConstraint(name="reports_bulletin_titled", condition=~Q(title="")),
            models.CheckConstraint(
                name="reports_bulletin_issued_when_and_what",
                condition=Q(issued_at=None, issued_by=None, sha256="", annex_sha256="")
                | (Q(issued_at__isnull=False, issued_by__isnull=False) & ~Q(sha256="") & ~Q(annex_sha256="")),
            ),
            models.CheckConstraint(
                name="reports_bulletin_withdrawn_when_and_why",
                condition=Q(withdrawn_at=None, withdrawn_by=None, withdrawn_why="")
                | (Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False) & ~Q(withdrawn_why="")),
            ),
            models.CheckConstraint(
                name="reports_bulletin_state_of_dates",
                condition=Q(state__in=["draft", "discarded"], issued_at=None, withdrawn_at=None)
                | Q(state="issued", issued_at__isnull=False, withdrawn_at=None)
                | Q(state="withdrawn", issued_at__isnull=False, withdrawn_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.heading

    @property
    def heading(self) -> str:
        """The title in one line."""
        return "".join(self.title.splitlines())

    @property
    def is_draft(self) -> bool:
        """May it still change?"""
        return self.state == self.State.DRAFT


class BulletinVersion(models.Model):
    """A bulletin's text as somebody saved it: only ever added to."""

    bulletin = models.ForeignKey(Bulletin, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=MAX_TITLE)
    sections = models.JSONField()
    rules = models.JSONField()
    saved_at = models.DateTimeField(default=timezone.now)
    saved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")  # null: the beat

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["bulletin", "number"], name="reports_bulletinversion_once")]

    def __str__(self) -> str:
        return f"{self.bulletin_id} v{self.number}"


class BulletinReceipt(models.Model):
    """A unit that was sent an issued bulletin: why it is named in it, that it confirmed it, what it says to it."""

    bulletin = models.ForeignKey(Bulletin, on_delete=models.CASCADE, related_name="receipts")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    reasons = models.JSONField(default=list)  # the sentences that name it; empty where it is not named
    received_at = models.DateTimeField(null=True)
    received_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    answer = models.TextField(_("what the unit does about it"), max_length=MAX_ANSWER, blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["unit__sort_order", "unit__code"]
        constraints = [
            models.UniqueConstraint(fields=["bulletin", "unit"], name="reports_bulletinreceipt_once"),
            models.CheckConstraint(
                name="reports_bulletinreceipt_received_by_whom",
                condition=Q(received_at=None, received_by=None)
                | Q(received_at__isnull=False, received_by__isnull=False),
            ),
            models.CheckConstraint(
                name="reports_bulletinreceipt_answered_after_receipt",
                condition=Q(answered_at=None, answered_by=None, answer="")
                | (Q(answered_at__isnull=False, answered_by__isnull=False, received_at__isnull=False) & ~Q(answer="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bulletin_id} → {self.unit_id}"


class BulletinSetup(models.Model):
    """What a district's bulletins begin with: the requests of the last part, one a line, and the usual rules."""

    district = models.OneToOneField(Unit, on_delete=models.CASCADE, related_name="+")
    requests = models.TextField(_("requests"), max_length=MAX_SECTION)
    rules: Any = models.JSONField()
    version = models.PositiveIntegerField(default=1)
    saved_at = models.DateTimeField(default=timezone.now)
    saved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("bulletin setup")

    def __str__(self) -> str:
        return f"{self.district_id} v{self.version}"
