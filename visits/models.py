"""The visit standard, assignments, visits and what was heard at the door."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Count, F, Q
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from households.models import Household, Resident
from issues.models import Category, Issue
from outreach import access
from outreach.access import Permission, Role
from outreach.models import Campaign, Membership, Unit, User
from visits.attempts import FRUITLESS_OUTCOMES, Outcome, State, TimeBand

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.contrib.auth.models import AnonymousUser


def default_roster_states() -> list[str]:
    """Who stands on a campaign's roster unless told otherwise: who lives there."""
    return [Household.RosterState.IN_RESIDENCE.value]


def default_counted_outcomes() -> list[str]:
    """What counts as a visit unless told otherwise: an adult resident was met, finished or not (V2)."""
    return [Outcome.MET.value, Outcome.PARTLY_MET.value]


class VisitStandardQuerySet(models.QuerySet["VisitStandard"]):
    """Versions of the standard in the words of the domain."""

    def in_force(self, campaign: Campaign, moment: datetime | None = None) -> VisitStandard | None:
        """The version that was valid at `moment` (now), the first one for any moment before; None where none is."""
        versions = self.filter(campaign=campaign)
        if moment is None:
            return versions.order_by("-version").first()
        return versions.filter(created_at__lte=moment).order_by("-version").first() or (
            versions.order_by("version").first()
        )


TO_DO_STATES = (State.TO_VISIT, State.MAKE_UP)


class VisitStandard(models.Model):
    """What counts as a valid visit in a campaign: a versioned rule, shown to the visitor; a version never changes."""

    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.CASCADE, related_name="standards"
    )
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    counted_outcomes = ArrayField(
        models.CharField(max_length=20, choices=[(o.value, o.label) for o in (Outcome.MET, Outcome.PARTLY_MET)]),
        verbose_name=_("outcomes that count as a visit"),
        default=default_counted_outcomes,
    )
    roster_states = ArrayField(
        models.CharField(max_length=20, choices=Household.RosterState),
        verbose_name=_("households on the roster"),
        default=default_roster_states,
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

    objects = VisitStandardQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit standard")
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "version"], name="visits_visitstandard_version_once"),
            models.CheckConstraint(
                name="visits_visitstandard_only_meeting_counts",
                condition=Q(counted_outcomes__contained_by=["met", "partly_met"]) & Q(counted_outcomes__len__gte=1),
                violation_error_message=_("Only a visit where an adult resident was met may count."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} v{self.version}"

    def sentences(self) -> list[str]:
        """The rule in words, for the visitor (V10)."""
        counted = (
            _("A visit counts when an adult resident was met face to face, even if the talk was not finished.")
            if Outcome.PARTLY_MET in self.counted_outcomes
            else _("A visit counts when an adult resident was met face to face and the talk was finished.")
        )
        return [
            str(counted),
            str(_("Leaving a leaflet is not a visit.")),
            ngettext(
                "Nobody home: go again within %(count)d working day, at another time of the day.",
                "Nobody home: go again within %(count)d working days, at another time of the day.",
                self.makeup_workdays,
            )
            % {"count": self.makeup_workdays},
            str(
                _(
                    "After %(attempts)d attempts on %(days)d different days and in %(bands)d parts of the day, "
                    "the township may confirm the household as unreachable."
                )
                % {"attempts": self.min_attempts, "days": self.min_days, "bands": self.min_time_bands}
            ),
        ]


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

    def to_do(self) -> AssignmentQuerySet:
        """Doors still to knock at, the first time or again; without those who asked not to be visited."""
        return self.filter(state__in=TO_DO_STATES, household__do_not_visit_at__isnull=True)

    def in_door_order(self) -> AssignmentQuerySet:
        """Priority households first, then as one walks from door to door."""
        return self.order_by("-household__priority", "household__village__sort_order", "household__door_key", "pk")

    def in_walking_order(self) -> AssignmentQuerySet:
        """As one walks from door to door, village by village."""
        return self.order_by("household__village__sort_order", "household__village__code", "household__door_key", "pk")

    def unreachable_candidates(self, standard: VisitStandard) -> AssignmentQuerySet:
        """Duties tried in vain often enough, on enough days and in enough parts of the day; with_… counts added."""
        fruitless = Q(
            household__visits__campaign=F("campaign"), household__visits__outcome__in=sorted(FRUITLESS_OUTCOMES)
        )
        return (
            self.filter(
                state__in=[State.MAKE_UP, State.TO_CONFIRM], met_on__isnull=True, attempts__gte=standard.min_attempts
            )
            .annotate(
                tries=Count("household__visits", filter=fruitless, distinct=True),
                days=Count(TruncDate("household__visits__visited_at"), filter=fruitless, distinct=True),
                bands=Count("household__visits__time_band", filter=fruitless, distinct=True),
            )
            .filter(tries__gte=standard.min_attempts, days__gte=standard.min_days, bands__gte=standard.min_time_bands)
        )

    def make_up_due(self, today: date) -> AssignmentQuerySet:
        """Make-up visits due today or before."""
        return self.filter(state=Assignment.State.MAKE_UP, due_on__lte=today)


class Assignment(models.Model):
    """A household on a campaign's roster, and whose duty it is. Its state rolls up from the visits."""

    State = State

    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), on_delete=models.PROTECT, related_name="assignments"
    )
    household = models.ForeignKey(
        Household, verbose_name=_("household"), on_delete=models.CASCADE, related_name="assignments"
    )
    visitor = models.ForeignKey(
        User, verbose_name=_("visitor"), null=True, blank=True, on_delete=models.PROTECT, related_name="assignments"
    )
    # Grows with each re-assignment: a late visit by the one before is kept, and can be told apart (Visit.epoch).
    epoch = models.PositiveIntegerField(default=0)
    previous_visitor = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
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
    # "Moved" or "away for long" was not believed: to be visited once more.
    recheck_at = models.DateTimeField(null=True)
    recheck_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    recheck_due_on = models.DateField(null=True)

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
                name="visits_assignment_recheck_by_whom",
                condition=Q(recheck_at__isnull=True, recheck_by__isnull=True, recheck_due_on__isnull=True)
                | Q(recheck_at__isnull=False, recheck_by__isnull=False, recheck_due_on__isnull=False),
            ),
            models.CheckConstraint(
                name="visits_assignment_make_up_has_due_day",
                condition=~Q(state="make_up") | Q(due_on__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign}: {self.household}"


def staff_posts(unit: Unit) -> models.QuerySet[Membership]:
    """Posts by which somebody may be given households in or below `unit`: the visitors of the whole district
    (departments' staff visit the places they are linked to, V9), and clerks and administrators where they work."""
    above = [unit.code[:length] for length in (6, 9, 12) if length < len(unit.code)]
    return Membership.objects.filter(user__is_active=True).filter(
        Q(role=Role.VISITOR, unit__code__startswith=unit.district_code)
        | Q(
            Q(unit__code__in=above) | Q(unit__code__startswith=unit.code),
            role__in=[Role.VILLAGE_CLERK, Role.TOWNSHIP_ADMIN],
        )
    )


def staff_areas(unit: Unit) -> dict[int, list[str]]:
    """Who may be given households in or below `unit`: user id → the codes of the areas they may be given. One query."""
    areas: dict[int, list[str]] = {}
    for user, role, code in staff_posts(unit).values_list("user", "role", "unit__code"):
        areas.setdefault(user, []).append(code[:6] if role == Role.VISITOR else code)
    return areas


def may_be_given(areas: dict[int, list[str]], user_id: int, unit: Unit) -> bool:
    """Say whether the user may be given every household of `unit`; `areas` come from staff_areas."""
    return any(unit.code.startswith(area) for area in areas.get(user_id, ()))


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
    clock_offset = models.IntegerField(
        null=True, help_text="seconds the phone's clock was ahead of the server's when the visit was sent"
    )
    timing = models.JSONField(default=dict, blank=True, help_text="part of the form → seconds; for plausibility")
    # Gone there on a duty that had passed to somebody else meanwhile: kept, and for a person to look at.
    is_late = models.BooleanField(_("after the duty passed on"), default=False)
    # The assignment's epoch under which the visitor went; empty outside a campaign.
    epoch = models.PositiveIntegerField(null=True, editable=False)
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


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    """Visits asked for, in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> FollowUpQuerySet:
        """Those at the households one sees."""
        return self.filter(household__in=Household.objects.visible_to(user))

    def open(self) -> FollowUpQuerySet:
        """Those nobody has gone for yet."""
        return self.filter(visit=None)


class FollowUp(models.Model):
    """A visit the household itself asked for after a survey. It says what they want, nothing of what they answered."""

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="follow_ups")
    text = models.CharField(_("what they would like to talk about"), max_length=500)
    due_on = models.DateField(_("by"))
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    visit = models.ForeignKey(
        Visit, null=True, on_delete=models.PROTECT, related_name="+", help_text="that answered it"
    )

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit asked for")
        verbose_name_plural = _("visits asked for")
        ordering = ["due_on", "pk"]
        indexes = [
            models.Index(fields=["household"], name="visits_followup_open", condition=Q(visit=None)),
        ]

    def __str__(self) -> str:
        return f"{self.household}: {self.due_on}"


class WishReceipt(models.Model):
    """A wish that came with a survey's answers has been recorded: a second sending does not record it again.

    Made of the sending's random number, which nothing else keeps: it leads neither to the answers nor to the wish.
    """

    digest = models.CharField(max_length=64, primary_key=True)

    class Meta:
        verbose_name = "receipt of a wish"

    def __str__(self) -> str:
        return self.digest
