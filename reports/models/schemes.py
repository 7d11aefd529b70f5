"""Scoring schemes, the figures entered for them by hand, and bonus marks and deductions with their evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from issues.models import StoredFile
from outreach import access
from outreach.access import Permission
from outreach.models import Campaign, Unit, User
from reports.schemes import SchemeContent

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import AnonymousUser


class SchemeQuerySet(models.QuerySet["Scheme"]):
    """Schemes in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> SchemeQuerySet:
        """The district's schemes: drafts for those who write them, published ones for all who are ranked by them."""
        if not access.has_permission(user, Permission.RANKING_VIEW):
            return self.none()
        rows = self.filter(campaign__in=Campaign.objects.visible_to(user).values("pk"))
        return rows if access.has_permission(user, Permission.SCHEME_EDIT) else rows.exclude(state=Scheme.State.DRAFT)

    def published(self) -> SchemeQuerySet:
        """Those in force."""
        return self.filter(state=Scheme.State.PUBLISHED)


class Scheme(models.Model):
    """One version of a campaign's scoring scheme (考核办法). Once published, a trigger refuses every change to what it
    says: a score must be made again from it years later. Written by actions alone."""

    class State(models.TextChoices):
        """Being written, in force, or replaced."""

        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("in force")
        RETIRED = "retired", _("replaced")

    campaign = models.ForeignKey(Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, related_name="schemes")
    name = models.CharField(_("name"), max_length=60)
    version = models.PositiveIntegerField(_("version"), default=1)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    content = models.JSONField()  # SchemeContent.to_json(); a draft's need not hold together
    edits = models.PositiveIntegerField(default=1)  # counts saves: two people editing one draft are told
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    retired_at = models.DateTimeField(null=True)
    retired_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = SchemeQuerySet.as_manager()

    class Meta:
        verbose_name = _("scoring scheme")
        verbose_name_plural = _("scoring schemes")
        ordering = ["campaign", "name", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "name", "version"],
                name="reports_scheme_version_once",
                violation_error_message=_("This version exists already."),
            ),
            models.UniqueConstraint(
                fields=["campaign", "name"],
                condition=Q(state="published"),
                name="reports_scheme_one_in_force",
                violation_error_message=_("Another version of this scheme is in force."),
            ),
            models.CheckConstraint(
                name="reports_scheme_published_by_whom",
                condition=Q(
                    state="draft",
                    published_at__isnull=True,
                    published_by__isnull=True,
                    retired_at__isnull=True,
                    retired_by__isnull=True,
                )
                | Q(
                    state="published",
                    published_at__isnull=False,
                    published_by__isnull=False,
                    retired_at__isnull=True,
                    retired_by__isnull=True,
                )
                | Q(
                    state="retired",
                    published_at__isnull=False,
                    published_by__isnull=False,
                    retired_at__isnull=False,
                    retired_by__isnull=False,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    @property
    def is_draft(self) -> bool:
        """May it still be changed?"""
        return self.state == self.State.DRAFT

    def read_content(self) -> SchemeContent:
        """Return what it says. Raises SchemeError for a draft that does not hold together yet."""
        return SchemeContent.from_json(self.content)


class EnteredFigureQuerySet(models.QuerySet["EnteredFigure"]):
    """Entered figures in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> EnteredFigureQuerySet:
        """Those of units within reach; who decides on none, only the approved."""
        code = access.reach(user)
        if code is None or not access.has_permission(user, Permission.RANKING_VIEW):
            return self.none()
        rows = self.filter(unit__code__startswith=code)
        return rows if access.has_permission(user, Permission.SCORE_DECIDE) else rows.approved()

    def approved(self) -> EnteredFigureQuerySet:
        """Those that count."""
        return self.filter(state=EnteredFigure.State.APPROVED)

    def in_period(self, first: date | None, last: date) -> EnteredFigureQuerySet:
        """Those whose own days lie wholly within the period; `first` None: up to `last`."""
        rows = self.filter(last__lte=last)
        return rows if first is None else rows.filter(first__gte=first)


class EnteredFigure(models.Model):
    """A unit's figure of a scheme's indicator that the program cannot count: spot checks, field inspection, opinion.

    A rate has numerator and denominator; points have a value and, as denominator, the number of checks behind it.
    Entered by one person, approved by another.
    """

    class State(models.TextChoices):
        """Where it stands."""

        ENTERED = "entered", _("to be approved")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")

    campaign = models.ForeignKey(Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, related_name="+")
    indicator_key = models.CharField(_("indicator"), max_length=40)
    unit = models.ForeignKey(Unit, verbose_name=_("unit"), on_delete=models.PROTECT, related_name="+")
    first = models.DateField(_("from"))
    last = models.DateField(_("to"))
    numerator = models.DecimalField(_("numerator"), max_digits=12, decimal_places=2, null=True, blank=True)
    denominator = models.DecimalField(_("cases"), max_digits=12, decimal_places=2, default=1)
    value = models.DecimalField(_("value"), max_digits=9, decimal_places=2)  # percent or points, as shown
    evidence = models.CharField(_("source"), max_length=300)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ENTERED)
    entered_at = models.DateTimeField(default=timezone.now)
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = EnteredFigureQuerySet.as_manager()

    class Meta:
        verbose_name = _("entered figure")
        verbose_name_plural = _("entered figures")
        ordering = ["-last", "indicator_key", "unit__sort_order", "unit__code", "-pk"]
        indexes = [models.Index(fields=["campaign", "state", "last"], name="reports_enteredfigure_period")]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "indicator_key", "unit", "first", "last"],
                condition=~Q(state="refused"),
                name="reports_enteredfigure_once",
                violation_error_message=_("This unit has a figure for this indicator and period already."),
            ),
            models.CheckConstraint(
                name="reports_enteredfigure_period",
                condition=Q(first__lte=F("last")),
                violation_error_message=_("The period must not end before it begins."),
            ),
            models.CheckConstraint(
                name="reports_enteredfigure_sizes",
                condition=Q(denominator__gt=0, value__gte=0) & (Q(numerator__isnull=True) | Q(numerator__gte=0)),
                violation_error_message=_("Figures are not negative, and the number of cases is above 0."),
            ),
            models.CheckConstraint(
                name="reports_enteredfigure_decided_by_another",
                condition=Q(state="entered", decided_at__isnull=True, decided_by__isnull=True)
                | (
                    Q(state__in=["approved", "refused"], decided_at__isnull=False, decided_by__isnull=False)
                    & ~Q(decided_by=F("entered_by"))
                ),
                violation_error_message=_("A figure is approved by somebody else than who entered it."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.indicator_key} {self.unit_id} {self.first} {self.last}"


class AdjustmentEntryQuerySet(models.QuerySet["AdjustmentEntry"]):
    """Bonus marks and deductions in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> AdjustmentEntryQuerySet:
        """The approved ones of the whole district, as they stand in its ranking; beside them, for those who propose,
        all of units within reach."""
        code = access.reach(user)
        if code is None or not access.has_permission(user, Permission.RANKING_VIEW):
            return self.none()
        shown = Q(unit__code__startswith=code[:6], state=AdjustmentEntry.State.APPROVED)
        if access.has_permission(user, Permission.SCORE_PROPOSE):
            shown |= Q(unit__code__startswith=code)
        return self.filter(shown)

    def approved(self) -> AdjustmentEntryQuerySet:
        """Those that count."""
        return self.filter(state=AdjustmentEntry.State.APPROVED)

    def in_period(self, first: date | None, last: date) -> AdjustmentEntryQuerySet:
        """Those that happened in the period; `first` None: up to `last`."""
        rows = self.filter(happened_on__lte=last)
        return rows if first is None else rows.filter(happened_on__gte=first)


class AdjustmentEntry(models.Model):
    """A bonus or deduction of a scheme's item for a unit: proposed with evidence, decided by another person."""

    class State(models.TextChoices):
        """Where it stands."""

        PROPOSED = "proposed", _("to be decided")
        APPROVED = "approved", _("approved")
        REFUSED = "refused", _("refused")

    campaign = models.ForeignKey(Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, related_name="+")
    item = models.CharField(_("item"), max_length=40)  # the key of a scheme's item
    label = models.CharField(max_length=100)  # the item's words when it was proposed
    kind = models.CharField(max_length=10, choices=[("bonus", _("bonus")), ("deduction", _("deduction"))])
    unit = models.ForeignKey(Unit, verbose_name=_("unit"), on_delete=models.PROTECT, related_name="+")
    points = models.DecimalField(_("marks"), max_digits=6, decimal_places=2)
    unfixed = models.BooleanField(_("not put right at the re-check"), default=False)
    reason = models.CharField(_("facts"), max_length=500)
    happened_on = models.DateField(_("happened on"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.PROPOSED)
    proposed_at = models.DateTimeField(default=timezone.now)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(_("reason of the decision"), max_length=300, blank=True)

    objects = AdjustmentEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("bonus or deduction")
        verbose_name_plural = _("bonus marks and deductions")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["campaign", "state", "happened_on"], name="reports_adjustment_period")]
        constraints = [
            models.CheckConstraint(
                name="reports_adjustment_points",
                condition=Q(points__gt=0, points__lte=100),
                violation_error_message=_("Marks lie above 0 and not above 100."),
            ),
            models.CheckConstraint(
                name="reports_adjustment_decided_by_another",
                condition=Q(state="proposed", decided_at__isnull=True, decided_by__isnull=True, decision="")
                | (
                    Q(state__in=["approved", "refused"], decided_at__isnull=False, decided_by__isnull=False)
                    & ~Q(decided_by=F("proposed_by"))
                ),
                violation_error_message=_("Marks are decided on by somebody else than who proposed them."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} {self.unit_id} {self.points}"


class EvidenceFileQuerySet(models.QuerySet["EvidenceFile"]):
    """Evidence in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> EvidenceFileQuerySet:
        """That of units within reach. Papers may name residents: besides the unit itself only those see them who see
        households."""
        post = access.post_of(user)
        if post is None or not access.has_permission(user, Permission.RANKING_VIEW):
            return self.none()
        code = post.unit.code
        rows = self.filter(Q(adjustment__unit__code__startswith=code) | Q(figure__unit__code__startswith=code))
        if access.has_permission(user, Permission.HOUSEHOLD_VIEW):
            return rows
        return rows.filter(Q(adjustment__unit=post.unit) | Q(figure__unit=post.unit))


class EvidenceFile(StoredFile):
    """A photo or paper that proves an entered figure or an adjustment. Served only through a view that checks."""

    adjustment = models.ForeignKey(AdjustmentEntry, null=True, on_delete=models.PROTECT, related_name="files")
    figure = models.ForeignKey(EnteredFigure, null=True, on_delete=models.PROTECT, related_name="files")
    file = models.FileField(upload_to="evidence/%Y/%m")
    added_at = models.DateTimeField(default=timezone.now)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = EvidenceFileQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="reports_evidence_of_one",
                condition=Q(adjustment__isnull=False, figure__isnull=True)
                | Q(adjustment__isnull=True, figure__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.file.name)
