"""Points the province or city deducted (R7), last year's shortfalls (R11), and what is done about each."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from outreach import access
from outreach.access import Permission
from outreach.models import Membership, Unit, User
from reports.models.schemes import AdjustmentEntry

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import AnonymousUser

FIRST_YEAR, LAST_YEAR = 2000, 2100
YEARS = [MinValueValidator(FIRST_YEAR), MaxValueValidator(LAST_YEAR)]


def item_key(text: str) -> str:
    """Return the name of an item as items are compared by: without blanks, full-width like half-width."""
    return "".join(unicodedata.normalize("NFKC", text).split()).lower()


class Remedy(models.Model):
    """What both have: an owner, what is done about it, until when, and how it stands."""

    class State(models.TextChoices):
        """Where it stands."""

        OPEN = "open", _("being put right")
        ANSWERED = "answered", _("put right, to be checked")
        SETTLED = "settled", pgettext_lazy("shortfall", "settled")

    item = models.CharField(_("item"), max_length=100)
    item_key = models.CharField(max_length=200, editable=False)
    unit = models.ForeignKey(Unit, verbose_name=_("responsible unit"), on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(
        Membership, verbose_name=_("person in charge"), on_delete=models.PROTECT, related_name="+"
    )
    measure = models.TextField(_("measure"), max_length=2000)
    due_on = models.DateField(_("due on"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    answer = models.TextField(_("answer"), max_length=2000, blank=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    remark = models.CharField(_("remark"), max_length=500, blank=True)
    entered_at = models.DateTimeField(default=timezone.now)
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.item

    @property
    def is_open(self) -> bool:
        """Is the unit to act?"""
        return self.state == self.State.OPEN

    def is_late(self, today: date) -> bool:
        """Not answered past its due day?"""
        return self.is_open and self.due_on < today

    def is_answered_by(self, user: User | AnonymousUser) -> bool:
        """May `user` say what was done: whoever reports for the responsible unit."""
        post = access.post_of(user)
        return (
            self.is_open
            and post is not None
            and post.unit_id == self.unit_id
            and access.has_permission(user, Permission.TASK_REPORT)
        )

    def is_judged_by(self, user: User | AnonymousUser) -> bool:
        """May `user` settle it or send it back: whoever keeps the list, outside the responsible unit."""
        post = access.post_of(user)
        return (
            post is not None
            and post.unit_id != self.unit_id
            and post.unit.code == self.unit.district_code
            and access.has_permission(user, Permission.SHORTFALL_EDIT)
        )


def remedy_constraints(name: str) -> list[models.CheckConstraint]:
    """Who and when of each state."""
    return [
        models.CheckConstraint(
            name=f"reports_{name}_answered_by_whom",
            condition=Q(state="open", answered_at__isnull=True, answered_by__isnull=True)
            | (
                Q(state__in=["answered", "settled"], answered_at__isnull=False, answered_by__isnull=False)
                & ~Q(answer="")
            ),
        ),
        models.CheckConstraint(
            name=f"reports_{name}_settled_by_whom",
            condition=(~Q(state="settled") & Q(settled_at__isnull=True, settled_by__isnull=True))
            | Q(state="settled", settled_at__isnull=False, settled_by__isnull=False),
        ),
        models.CheckConstraint(name=f"reports_{name}_year", condition=Q(year__gte=FIRST_YEAR, year__lte=LAST_YEAR)),
        models.CheckConstraint(
            name=f"reports_{name}_points",
            condition=Q(points__gt=0),
            violation_error_message=_("Points deducted are above 0."),
        ),
    ]


class DeductionQuerySet(models.QuerySet["Deduction"]):
    """Deductions in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> DeductionQuerySet:
        """All of the district for its office and leaders; for a unit those it answers for or has a share of."""
        post = access.post_of(user)
        if post is None or not access.has_permission(user, Permission.PLAN_VIEW):
            return self.none()
        code = post.unit.code
        if post.unit.kind == Unit.Kind.DISTRICT:
            return self.filter(district=post.unit_id)
        shares = DeductionShare.objects.filter(unit__code__startswith=code)
        return self.filter(Q(unit__code__startswith=code) | Q(pk__in=shares.values("deduction")))


class Deduction(Remedy):
    """Points deducted from the district from above. Its shares add up to its points: the database checks at commit."""

    class Level(models.TextChoices):
        """Who deducted."""

        PROVINCE = "province", _("the province")
        CITY = "city", _("the city")

    district = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    level = models.CharField(_("deducted by"), max_length=10, choices=Level, default=Level.PROVINCE)
    year = models.PositiveSmallIntegerField(_("year"), validators=YEARS)
    round = models.CharField(_("round"), max_length=30, blank=True)
    points = models.DecimalField(_("points deducted"), max_digits=7, decimal_places=3)
    basis = models.CharField(_("document it is based on"), max_length=200)
    deducted_on = models.DateField(_("day of the document"))
    lesson = models.TextField(_("lesson"), max_length=2000, blank=True)

    objects = DeductionQuerySet.as_manager()

    class Meta:
        verbose_name = _("deduction from above")
        verbose_name_plural = _("deductions from above")
        ordering = ["-year", "-deducted_on", "-pk"]
        constraints = [
            *remedy_constraints("deduction"),
            models.UniqueConstraint(
                fields=["district", "level", "year", "round", "item_key", "basis"],
                name="reports_deduction_once",
                violation_error_message=_("This deduction is entered already."),
            ),
        ]


class DeductionShare(models.Model):
    """The part of a deduction one unit has to account for."""

    deduction = models.ForeignKey(Deduction, on_delete=models.CASCADE, related_name="shares")
    unit = models.ForeignKey(Unit, verbose_name=_("unit"), on_delete=models.PROTECT, related_name="+")
    points = models.DecimalField(_("points"), max_digits=7, decimal_places=3)
    # what was proposed of it for the district's own scores, on purpose and by a person
    adjustment = models.OneToOneField(
        AdjustmentEntry, null=True, on_delete=models.PROTECT, related_name="deduction_share"
    )

    class Meta:
        ordering = ["unit__sort_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["deduction", "unit"],
                name="reports_deductionshare_once",
                violation_error_message=_("Each unit once."),
            ),
            models.CheckConstraint(name="reports_deductionshare_points", condition=Q(points__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.deduction_id} {self.unit_id}"


class ShortfallQuerySet(models.QuerySet["Shortfall"]):
    """Shortfalls in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> ShortfallQuerySet:
        """Those of the user's unit and below, and those it helps with."""
        post = access.post_of(user)
        if post is None or not access.has_permission(user, Permission.PLAN_VIEW):
            return self.none()
        code = post.unit.code
        helping = Shortfall.helpers.through.objects.filter(unit__code__startswith=code)
        return self.filter(Q(unit__code__startswith=code) | Q(pk__in=helping.values("shortfall")))


class Shortfall(Remedy):
    """Where points were lost in an earlier year, and who sees to it that they are not lost again."""

    district = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField(_("year"), validators=YEARS)
    points = models.DecimalField(_("points lost"), max_digits=7, decimal_places=3)
    cause = models.TextField(_("cause"), max_length=2000, blank=True)
    helpers = models.ManyToManyField(Unit, verbose_name=_("helping units"), related_name="+", blank=True)

    objects = ShortfallQuerySet.as_manager()

    class Meta:
        verbose_name = _("shortfall")
        verbose_name_plural = _("shortfalls")
        ordering = ["-year", "-points", "pk"]
        constraints = [
            *remedy_constraints("shortfall"),
            models.UniqueConstraint(
                fields=["district", "year", "item_key", "unit"],
                name="reports_shortfall_once",
                violation_error_message=_("This shortfall of this unit is on the list already."),
            ),
        ]


class PeerScore(models.Model):
    """What another county lost on an item in a year, as published: what makes “only we lost here” a fact."""

    district = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField(_("year"), validators=YEARS)
    item = models.CharField(_("item"), max_length=100)
    item_key = models.CharField(max_length=200, editable=False)
    peer = models.CharField(_("county"), max_length=50)
    points_lost = models.DecimalField(_("points lost"), max_digits=7, decimal_places=3)
    entered_at = models.DateTimeField(default=timezone.now)
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-year", "item", "peer"]
        constraints = [
            models.UniqueConstraint(fields=["district", "year", "item_key", "peer"], name="reports_peerscore_once"),
            models.CheckConstraint(name="reports_peerscore_points", condition=Q(points_lost__gte=0)),
            models.CheckConstraint(
                name="reports_peerscore_year", condition=Q(year__gte=FIRST_YEAR, year__lte=LAST_YEAR)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year} {self.peer} {self.item}"
