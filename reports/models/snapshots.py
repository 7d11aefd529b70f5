"""Frozen scores, what units say against them, and the scores of earlier years.

A snapshot holds everything its scores were made of: the scheme's content, each unit's readings and counts. Scoring its
inputs again must give its result, byte by byte (`manage.py replay_snapshots --check`). The database refuses any change
to what was frozen; a mistake is mended by a revision, which leaves the one before it as it was.
"""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from issues.models import StoredFile
from outreach import access
from outreach.access import Permission
from outreach.models import Campaign, Unit, User
from reports.models.schemes import Scheme
from reports.schemes import canonical
from reports.scoring import GroupScore, Scoreboard

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

MAX_STATEMENT = 2_000
# Whoever may do one of these sees what is not published, and all appeals of the district.
KEEPERS = {Permission.SNAPSHOT_MAKE, Permission.SNAPSHOT_APPROVE, Permission.SCORE_DECIDE}


def _refuse_floats(data: Any) -> None:
    if isinstance(data, float):
        raise ValueError("a float has no canonical text; figures are strings or integers")
    for each in data.values() if isinstance(data, dict) else data if isinstance(data, list | tuple) else ():
        _refuse_floats(each)


def digest_of(inputs: Any, result: Any) -> str:
    """Return the SHA-256 over the canonical JSON of inputs and result, in hex. Raises ValueError for a float."""
    frozen = {"inputs": inputs, "result": result}
    _refuse_floats(frozen)
    return hashlib.sha256(canonical(frozen).encode()).hexdigest()


class SnapshotQuerySet(models.QuerySet["Snapshot"]):
    """Frozen scores in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> SnapshotQuerySet:
        """What was published in the user's district; for those who take, approve or decide, all of it."""
        code = access.reach(user)
        may = access.permissions_of(user)
        if code is None or Permission.RANKING_VIEW not in may:
            return self.none()
        seen = self.filter(campaign__district__code=code[:6])
        if may & KEEPERS:
            return seen
        return seen.exclude(published_at=None)

    def published(self) -> SnapshotQuerySet:
        """Those in force: published, and neither withdrawn nor replaced by a published revision."""
        newer = Snapshot.objects.filter(revises=models.OuterRef("pk"), state=Snapshot.State.PUBLISHED)
        return self.filter(state=Snapshot.State.PUBLISHED).exclude(models.Exists(newer))

    def standing(self) -> SnapshotQuerySet:
        """Not withdrawn."""
        return self.exclude(state=Snapshot.State.WITHDRAWN)

    def with_replaced(self) -> SnapshotQuerySet:
        """Add `is_replaced`: has a revision of it been published?"""
        newer = Snapshot.objects.filter(revises=models.OuterRef("pk"), state=Snapshot.State.PUBLISHED)
        return self.annotate(is_replaced=models.Exists(newer))

    def light(self) -> SnapshotQuerySet:
        """Without the frozen contents, which a list does not need and which are large."""
        return self.with_replaced().defer("inputs", "result")


class Snapshot(models.Model):
    """The scores of a campaign's units for first … last, frozen at `as_of`."""

    class Kind(models.TextChoices):
        DAILY = "daily", pgettext_lazy("snapshot", "daily")
        WEEKLY = "weekly", pgettext_lazy("snapshot", "weekly")
        MONTHLY = "monthly", pgettext_lazy("snapshot", "monthly")
        FINAL = "final", pgettext_lazy("snapshot", "final")
        MANUAL = "manual", pgettext_lazy("snapshot", "by hand")

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("snapshot", "draft")
        APPROVED = "approved", pgettext_lazy("snapshot", "approved")
        PUBLISHED = "published", pgettext_lazy("snapshot", "published")
        WITHDRAWN = "withdrawn", pgettext_lazy("snapshot", "withdrawn")

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="snapshots")
    scheme = models.ForeignKey(Scheme, on_delete=models.PROTECT, related_name="snapshots")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    first = models.DateField(_("first day"))
    last = models.DateField(_("last day"))
    as_of = models.DateTimeField(_("as of"))
    inputs = models.JSONField()
    result = models.JSONField()
    digest = models.CharField(_("digest"), max_length=64)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    taken_at = models.DateTimeField(default=timezone.now)
    taken_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")  # null: the beat
    approved_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    appeals_until = models.DateField(_("appeals until"), null=True)  # the last day, set when published
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    withdrawn_why = models.CharField(_("reason"), max_length=200, blank=True)
    revises = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="revisions")
    root = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")  # null: the first itself
    revision = models.PositiveSmallIntegerField(_("revision"), default=0)  # 0: the first of its line
    revised_why = models.CharField(_("reason"), max_length=200, blank=True)

    objects = SnapshotQuerySet.as_manager()

    class Meta:
        verbose_name = _("score snapshot")
        ordering = ["-last", "-as_of", "-pk"]
        indexes = [models.Index(fields=["campaign", "scheme", "-last", "-as_of"], name="reports_snapshot_newest")]
        constraints = [
            models.CheckConstraint(
                name="reports_snapshot_days",
                condition=Q(last__gte=F("first")),
                violation_error_message=_("The last day must not lie before the first."),
            ),
            models.CheckConstraint(
                name="reports_snapshot_approved_by_another",
                condition=Q(approved_by=None) | Q(taken_by=None) | ~Q(approved_by=F("taken_by")),
                violation_error_message=_("Somebody else than who took the snapshot must approve it."),
            ),
            models.CheckConstraint(
                name="reports_snapshot_approved_when_and_by",
                condition=Q(approved_at=None, approved_by=None)
                | Q(approved_at__isnull=False, approved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="reports_snapshot_published_when_and_by",
                condition=Q(published_at=None, published_by=None, appeals_until=None)
                | Q(published_at__isnull=False, published_by__isnull=False, appeals_until__isnull=False),
            ),
            models.CheckConstraint(
                name="reports_snapshot_withdrawn_when_and_why",
                condition=Q(withdrawn_at=None, withdrawn_by=None, withdrawn_why="")
                | (Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False) & ~Q(withdrawn_why="")),
            ),
            models.CheckConstraint(
                name="reports_snapshot_state_of_dates",
                condition=Q(state="draft", approved_at=None, published_at=None, withdrawn_at=None)
                | Q(state="approved", approved_at__isnull=False, published_at=None, withdrawn_at=None)
                | Q(state="published", approved_at__isnull=False, published_at__isnull=False, withdrawn_at=None)
                | Q(state="withdrawn", withdrawn_at__isnull=False),
            ),
            models.CheckConstraint(
                name="reports_snapshot_line",
                condition=Q(revises=None, root=None, revision=0, revised_why="")
                | (Q(revises__isnull=False, root__isnull=False, revision__gt=0) & ~Q(revised_why="")),
            ),
            # a line of revisions does not fork; a revision that was withdrawn makes room for another
            models.UniqueConstraint(
                fields=["revises"], name="reports_snapshot_revised_once", condition=~Q(state="withdrawn")
            ),
            models.UniqueConstraint(fields=["root", "revision"], name="reports_snapshot_revision_once"),
            # the beat may run twice
            models.UniqueConstraint(
                fields=["campaign", "scheme", "last"],
                name="reports_snapshot_daily_once",
                condition=Q(kind="daily", revises=None),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> str:
        """What people call it: kind, days, and which revision."""
        days = f"{self.first:%Y-%m-%d} – {self.last:%Y-%m-%d}"
        name = gettext("%(kind)s scores %(days)s") % {"kind": self.get_kind_display(), "days": days}
        if self.revision:
            name += gettext(" (revision %(number)d)") % {"number": self.revision}
        return name

    def groups(self) -> list[tuple[str, str]]:
        """Return key and name of each ranking in it, in the scheme's order, without reading their units."""
        return [(group["key"], group["name"]) for group in self.result["groups"]]

    def group(self, key: str) -> GroupScore | None:
        """Return one ranking, or None where there is none of that key; `board` reads all, villages too."""
        return next((GroupScore.from_json(group) for group in self.result["groups"] if group["key"] == key), None)

    def group_of(self, code: str) -> GroupScore | None:
        """Return the ranking a unit stands in; None where the scheme does not judge it."""
        for group in self.result["groups"]:
            if any(unit["code"] == code for unit in group["units"]):
                return GroupScore.from_json(group)
        return None

    @cached_property
    def board(self) -> Scoreboard:
        """The scores."""
        return Scoreboard.from_json(self.result)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Unit code → the plain counts as they were frozen."""
        counts: dict[str, dict[str, int]] = self.inputs["counts"]
        return counts

    @property
    def overdue(self) -> dict[str, list[str]]:
        """Unit code → numbers of the issues the unit held past their due day, as they were frozen."""
        overdue: dict[str, list[str]] = self.inputs["overdue"]
        return overdue

    @property
    def is_intact(self) -> bool:
        """Do the frozen contents still have their digest?"""
        return digest_of(self.inputs, self.result) == self.digest

    @property
    def first_of_line(self) -> int:
        """The pk of the snapshot the line of revisions began with."""
        return self.root_id or self.pk

    def takes_appeals(self, today: date) -> bool:
        """May a unit appeal against it on `today`?"""
        return self.state == self.State.PUBLISHED and self.appeals_until is not None and today <= self.appeals_until


class AppealQuerySet(models.QuerySet["Appeal"]):
    """Appeals in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> AppealQuerySet:
        """A unit's appeals are for the unit itself and those above it; in the district for those who freeze, approve
        and decide."""
        code = access.reach(user)
        may = access.permissions_of(user)
        if code is None or Permission.RANKING_VIEW not in may:
            return self.none()
        if len(code) == 6 and not may & KEEPERS:
            return self.none()
        return self.filter(unit__code__startswith=code)

    def waiting(self) -> AppealQuerySet:
        """Those nobody has decided yet."""
        return self.filter(state=Appeal.State.FILED)


class Appeal(models.Model):
    """What a unit says against one line of its published score, and what was decided on it outside the unit."""

    class State(models.TextChoices):
        FILED = "filed", pgettext_lazy("appeal", "to be decided")
        GRANTED = "granted", pgettext_lazy("appeal", "granted")
        REFUSED = "refused", pgettext_lazy("appeal", "refused")

    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="appeals")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    line = models.CharField(_("line"), max_length=60)  # the line's key in the scheme
    statement = models.TextField(_("statement"), validators=[MaxLengthValidator(MAX_STATEMENT)])
    filed_at = models.DateTimeField(default=timezone.now)
    filed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.FILED)
    decision = models.TextField(_("decision"), blank=True, validators=[MaxLengthValidator(MAX_STATEMENT)])
    points = models.DecimalField(_("points"), max_digits=6, decimal_places=2, null=True)  # granted: what is added
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_in = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="+")  # the decider's unit
    carries = models.BooleanField(_("counts in later snapshots too"), default=False)  # whose days include these

    objects = AppealQuerySet.as_manager()

    class Meta:
        verbose_name = _("appeal")
        ordering = ["-filed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["snapshot", "unit", "line"],
                name="reports_appeal_once",
                violation_error_message=_("The unit has already appealed against this line of this snapshot."),
            ),
            models.CheckConstraint(
                name="reports_appeal_decided_by_another",
                condition=Q(decided_by=None) | ~Q(decided_by=F("filed_by")),
                violation_error_message=_("Somebody else than who filed the appeal must decide it."),
            ),
            models.CheckConstraint(
                name="reports_appeal_decided_outside",
                condition=Q(decided_in=None) | ~Q(decided_in=F("unit")),
                violation_error_message=_("An appeal is decided outside the unit that filed it."),
            ),
            models.CheckConstraint(
                name="reports_appeal_decided_when_and_how",
                condition=Q(state="filed", decision="", points=None, carries=False)
                & Q(decided_at=None, decided_by=None, decided_in=None)
                | (
                    Q(state="granted", points__isnull=False, decided_at__isnull=False)
                    & Q(decided_by__isnull=False, decided_in__isnull=False)
                    & ~Q(decision="")
                    & ~Q(points=Decimal(0))
                )
                | (
                    Q(state="refused", points=None, carries=False, decided_at__isnull=False)
                    & Q(decided_by__isnull=False, decided_in__isnull=False)
                    & ~Q(decision="")
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.snapshot_id} {self.unit_id} {self.line}"


class AppealFile(StoredFile):
    """A paper or photo that belongs to an appeal. Served only through a view that checks `visible_to`."""

    appeal = models.ForeignKey(Appeal, on_delete=models.CASCADE, related_name="files")
    file = models.FileField(upload_to="appeals/%Y/%m")

    class Meta:
        verbose_name = _("file of an appeal")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["appeal", "sha256"], name="reports_appealfile_once")]


class PastImportQuerySet(models.QuerySet["PastImport"]):
    """Imports of earlier years in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> PastImportQuerySet:
        """Those of the user's district, for who may freeze scores there."""
        code = access.reach(user)
        if code is None or Permission.SNAPSHOT_MAKE not in access.permissions_of(user):
            return self.none()
        return self.filter(district__code=code[:6])


class PastImport(models.Model):
    """A workbook with scores of earlier years: read and checked, then taken over or thrown away, and undone whole."""

    class State(models.TextChoices):
        CHECKED = "checked", pgettext_lazy("past scores", "checked, not taken over")
        DONE = "done", pgettext_lazy("past scores", "taken over")
        UNDONE = "undone", pgettext_lazy("past scores", "undone")

    district = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    filename = models.CharField(_("file name"), max_length=100)
    rows = models.JSONField(default=list)  # as they were read: the page before taking over shows them
    errors = models.JSONField(default=list)  # [row number, column, what is wrong and what to do]
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.CHECKED)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    done_at = models.DateTimeField(null=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = PastImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import of past scores")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="reports_pastimport_done_when_and_by",
                condition=Q(done_at=None, done_by=None) | Q(done_at__isnull=False, done_by__isnull=False),
            ),
            models.CheckConstraint(
                name="reports_pastimport_undone_when_and_by",
                condition=Q(undone_at=None, undone_by=None) | Q(undone_at__isnull=False, undone_by__isnull=False),
            ),
            models.CheckConstraint(
                name="reports_pastimport_state_of_dates",
                condition=Q(state="checked", done_at=None, undone_at=None)
                | Q(state="done", done_at__isnull=False, undone_at=None)
                | Q(state="undone", done_at__isnull=False, undone_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.filename


class PastScore(models.Model):
    """A unit's score and rank in an earlier year, before this program kept them."""

    source = models.ForeignKey(PastImport, on_delete=models.CASCADE, related_name="scores")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField(_("year"))
    month = models.PositiveSmallIntegerField(_("month"), default=0)  # 0: the whole year
    score = models.DecimalField(_("score"), max_digits=7, decimal_places=2, null=True)
    rank = models.PositiveSmallIntegerField(_("rank"), null=True)
    ranked = models.PositiveSmallIntegerField(_("units ranked"), null=True)

    class Meta:
        verbose_name = _("past score")
        ordering = ["-year", "-month", "unit__sort_order"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "year", "month"], name="reports_pastscore_once"),
            models.CheckConstraint(name="reports_pastscore_month", condition=Q(month__lte=12)),
            models.CheckConstraint(
                name="reports_pastscore_something", condition=Q(score__isnull=False) | Q(rank__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.year}"
