"""The visit standard, assignments, visits and what was heard at the door."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from households.models import Household, Resident
from issues.models import Category, Issue
from outreach import access
from outreach.access import Permission, Role
from outreach.models import Campaign, Unit, User

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import AnonymousUser


class Outcome(models.TextChoices):
    """What came of knocking at a door (domain.md §2)."""

    MET = "met", _("met")
    PARTLY_MET = "partly_met", _("met, not finished")
    COME_BACK = "come_back", _("asked to come back")
    REFUSED = "refused", _("refused")
    NOBODY_HOME = "nobody_home", _("nobody home")
    AWAY_LONG = "away_long", _("away for long or empty")
    MOVED = "moved", _("moved or no such household")
    NO_ACCESS = "no_access", _("no access")
    LEAFLET_LEFT = "leaflet_left", _("leaflet left only")


class TimeBand(models.TextChoices):
    """The part of the day; a household must be tried in at least two before it may be called unreachable."""

    MORNING = "morning", _("morning (before 12:00)")
    AFTERNOON = "afternoon", _("afternoon (12:00–18:00)")
    EVENING = "evening", _("evening (after 18:00)")


# Outcomes that ask for another attempt, and those that never do.
MAKE_UP_OUTCOMES = (Outcome.PARTLY_MET, Outcome.COME_BACK, Outcome.NOBODY_HOME, Outcome.NO_ACCESS, Outcome.LEAFLET_LEFT)


class VisitStandard(models.Model):
    """What counts as a valid visit in a campaign: a versioned rule, shown to the visitor; a version never changes."""

    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.CASCADE, related_name="standards"
    )
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    counted_outcomes = ArrayField(
        models.CharField(max_length=20, choices=[(o.value, o.label) for o in (Outcome.MET, Outcome.PARTLY_MET)]),
        verbose_name=_("outcomes that count as a visit"),
    )
    makeup_workdays = models.PositiveSmallIntegerField(
        _("make-up visit within (working days)"),
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
    )
    min_attempts = models.PositiveSmallIntegerField(
        _("attempts before unreachable"), default=3, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    min_days = models.PositiveSmallIntegerField(
        _("on different days"), default=3, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    min_time_bands = models.PositiveSmallIntegerField(
        _("in different parts of the day"), default=2, validators=[MinValueValidator(1), MaxValueValidator(3)]
    )
    text = models.TextField(_("in words, for the visitor"), max_length=1000, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", editable=False)

    class Meta:
        verbose_name = _("visit standard")
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "version"], name="visits_visitstandard_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} v{self.version}"


class Topic(models.Model):
    """A thing to explain at a visit: a short, maintained list (V7)."""

    name = models.CharField(_("topic"), max_length=60, unique=True)
    leaflet = models.TextField(_("what to say, in short"), max_length=2000, blank=True)
    sort_order = models.PositiveSmallIntegerField(_("order"), default=0)
    is_active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ["sort_order", "pk"]

    def __str__(self) -> str:
        return self.name


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Duties in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> AssignmentQuerySet:
        """A visitor's own duties; everybody else's within reach."""
        post = access.post_of(user)
        if post is None or not access.has_permission(user, Permission.VISIT_VIEW):
            return self.none()
        if post.role == Role.VISITOR:
            return self.filter(visitor=user.pk)
        return self.filter(household__village__code__startswith=post.unit.code)

    def of_visitor(self, user: User) -> AssignmentQuerySet:
        """The phone's list: what this person has to do in the campaigns that are running."""
        return self.filter(visitor=user, campaign__state=Campaign.State.OPEN)

    def covered(self) -> AssignmentQuerySet:
        """Households with a counted visit."""
        return self.filter(covered_on__isnull=False)

    def make_up_due(self, today: date) -> AssignmentQuerySet:
        """Make-up visits due today or before."""
        return self.filter(state=Assignment.State.MAKE_UP, due_on__lte=today)


class Assignment(models.Model):
    """A household on a campaign's roster, and whose duty it is. Its state rolls up from the visits."""

    class State(models.TextChoices):
        TO_VISIT = "to_visit", _("to visit")
        MAKE_UP = "make_up", _("make-up visit")
        MET = "met", _("met")
        REFUSED = "refused", _("refused")
        UNREACHABLE = "unreachable", _("unreachable, confirmed")
        OFF_ROSTER = "off_roster", _("empty or moved")

    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, related_name="assignments"
    )
    household = models.ForeignKey(
        Household, verbose_name=_("household"), on_delete=models.CASCADE, related_name="assignments"
    )
    visitor = models.ForeignKey(
        User, verbose_name=_("visitor"), null=True, blank=True, on_delete=models.PROTECT, related_name="assignments"
    )
    # Grows with each re-assignment: a late visit by the one before is kept, and can be told apart.
    epoch = models.PositiveIntegerField(default=0)
    assigned_at = models.DateTimeField(null=True)
    assigned_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.TO_VISIT)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    last_outcome = models.CharField(_("last outcome"), max_length=20, choices=Outcome, blank=True, default="")
    last_visit_at = models.DateTimeField(_("last visit"), null=True)
    covered_on = models.DateField(_("visited on"), null=True)
    met_on = models.DateField(_("met on"), null=True)
    due_on = models.DateField(_("make-up visit due on"), null=True)
    suggested_band = models.CharField(_("better time"), max_length=10, choices=TimeBand, blank=True, default="")
    appointment_at = models.DateTimeField(_("appointment"), null=True)
    unreachable_at = models.DateTimeField(null=True)
    unreachable_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        indexes = [
            models.Index(fields=["visitor", "campaign", "state"], name="visits_assignment_visitor"),
            models.Index(fields=["campaign", "state"], name="visits_assignment_state"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "household"], name="visits_assignment_once"),
            models.CheckConstraint(
                name="visits_assignment_unreachable_by_whom",
                condition=Q(unreachable_at__isnull=True, unreachable_by__isnull=True)
                | Q(unreachable_at__isnull=False, unreachable_by__isnull=False),
            ),
            models.CheckConstraint(
                name="visits_assignment_make_up_has_due_day",
                condition=~Q(state="make_up") | Q(due_on__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.household}"


class VisitQuerySet(models.QuerySet["Visit"]):
    """Visits in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> VisitQuerySet:
        """One's own visits, and those at the households one sees."""
        post = access.post_of(user)
        if post is None or not access.has_permission(user, Permission.VISIT_VIEW):
            return self.none()
        if post.role == Role.VISITOR:
            return self.filter(Q(visitor=user.pk) | Q(household__in=Household.objects.visible_to(user)))
        return self.filter(household__village__code__startswith=post.unit.code)


class Visit(models.Model):
    """One attempt at one door. The phone makes the uuid; the same uuid with the same payload is stored once."""

    uuid = models.UUIDField(primary_key=True, default=uuid.uuid4)
    payload_hash = models.CharField(max_length=64)
    household = models.ForeignKey(
        Household, verbose_name=_("household"), on_delete=models.PROTECT, related_name="visits"
    )
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), null=True, blank=True, on_delete=models.PROTECT, related_name="visits"
    )
    standard = models.ForeignKey(VisitStandard, null=True, on_delete=models.PROTECT, related_name="visits")
    visitor = models.ForeignKey(User, verbose_name=_("visitor"), on_delete=models.PROTECT, related_name="visits")
    visitor_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)
    visited_at = models.DateTimeField(_("visited at"))
    time_band = models.CharField(_("part of the day"), max_length=10, choices=TimeBand)
    seconds = models.PositiveIntegerField(
        _("seconds spent on the form"), null=True, blank=True, help_text="measured by the device; for plausibility"
    )
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    # Of several visits to a household in a campaign, one counts.
    is_counted = models.BooleanField(_("counts"), default=False)
    resident = models.ForeignKey(
        Resident, verbose_name=_("who was met"), null=True, blank=True, on_delete=models.SET_NULL, related_name="visits"
    )
    met_other = models.CharField(_("somebody else who was met"), max_length=50, blank=True)
    topics = models.ManyToManyField(Topic, verbose_name=_("topics explained"), blank=True, related_name="visits")
    note = models.TextField(_("note"), max_length=2000, blank=True)
    help_given = models.CharField(_("help given"), max_length=500, blank=True)
    appointment_at = models.DateTimeField(_("appointment"), null=True, blank=True)

    objects = VisitQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit")
        verbose_name_plural = _("visits")
        ordering = ["-visited_at"]
        indexes = [
            models.Index(fields=["household", "-visited_at"], name="visits_visit_household"),
            models.Index(fields=["visitor", "-visited_at"], name="visits_visit_visitor"),
            models.Index(fields=["campaign", "visited_at"], name="visits_visit_campaign"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "household"], condition=Q(is_counted=True), name="visits_visit_one_counts"
            ),
            models.CheckConstraint(
                name="visits_visit_leaflet_never_counts",
                condition=Q(is_counted=False) | Q(outcome__in=["met", "partly_met"]),
            ),
            models.CheckConstraint(name="visits_visit_not_in_future", condition=Q(visited_at__lte=F("received_at"))),
        ]

    def __str__(self) -> str:
        return f"{self.household}: {self.get_outcome_display()}"


class VisitItem(models.Model):
    """One thing heard at a visit: a need, an opinion, a suggestion, or a problem that became an issue."""

    class Kind(models.TextChoices):
        PROBLEM = "problem", _("problem")
        NEED = "need", _("need")
        OPINION = "opinion", _("opinion")
        SUGGESTION = "suggestion", _("suggestion")

    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="items")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(_("text"), max_length=2000)
    issue = models.OneToOneField(
        Issue, null=True, blank=True, on_delete=models.PROTECT, related_name="heard_at", help_text="of a problem"
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="visits_visititem_problem_has_issue",
                condition=Q(kind="problem", issue__isnull=False) | (~Q(kind="problem") & Q(issue__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return self.text[:30]


class VisitConflict(models.Model):
    """A visit sent under a uuid already stored with other content: kept as it came, never dropped."""

    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="conflicts")
    payload = models.JSONField()
    payload_hash = models.CharField(max_length=64)
    received_at = models.DateTimeField(default=timezone.now)
    sent_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["visit", "payload_hash"], name="visits_visitconflict_once"),
        ]

    def __str__(self) -> str:
        return str(self.visit_id)
