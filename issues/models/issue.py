"""An issue, its history and its photos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from households.models import Household
from issues import workflow
from issues.grams import Grams
from issues.models.setup import Category, Kind, RoutingRule
from outreach import access
from outreach.access import Permission, Role
from outreach.models import Campaign, Unit, User

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import AnonymousUser


class Outcome(models.TextChoices):
    """How an issue ended; kept apart so that no rate can hide one in another (domain.md I5)."""

    SOLVED = "solved", _("solved")
    EXPLAINED = "explained", _("explained and understood")
    NOT_ACCEPTED = "not_accepted", _("explained, not accepted")
    REPORTED = "reported", _("beyond the district, reported upward")
    WITHDRAWN = "withdrawn", _("withdrawn")
    DUPLICATE = "duplicate", _("duplicate")


class IssueQuerySet(models.QuerySet["Issue"]):
    """Issues in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> IssueQuerySet:
        """The one predicate: raised within the post's area, held by its unit or below, or recorded by the user.

        A visitor follows what he recorded, and what concerns households assigned to him. Costs one small query: with
        the ids written out PostgreSQL joins the three indexes, where a subquery under OR would read the whole table.
        """
        post = access.post_of(user)
        if post is None or not access.has_permission(user, Permission.ISSUE_VIEW):
            return self.none()
        mine = Q(recorded_by=user.pk)
        if post.role == Role.VISITOR:
            return self.filter(
                mine | Q(household__in=list(Household.objects.visible_to(user).values_list("pk", flat=True)))
            )
        units = list(Unit.objects.visible_to(user).values_list("pk", flat=True))
        return self.filter(mine | Q(place__in=units) | Q(unit__in=units))

    def resident_known_to(self, user: User | AnonymousUser) -> IssueQuerySet:
        """Of the issues the user sees, those whose resident he may know too: the same as Issue.shows_resident_to."""
        post = access.post_of(user)
        if post is None:
            return self.none()
        known = Q(recorded_by=user.pk)
        if access.has_permission(user, Permission.HOUSEHOLD_VIEW):
            if post.role == Role.VISITOR:
                return self
            known |= Q(place__code__startswith=post.unit.code)
        if access.has_permission(user, Permission.ISSUE_HANDLE):
            known |= Q(unit=post.unit) | Q(done_by_unit=post.unit)
        return self.filter(known)

    def with_names(self) -> IssueQuerySet:
        """Add what a list shows of each issue, so that its rows cost no further queries."""
        return self.select_related("category__parent", "place__parent", "unit", "household")

    def open(self) -> IssueQuerySet:
        """Not yet claimed done."""
        return self.filter(state__in=workflow.OPEN_STATES)

    def overdue(self, today: date) -> IssueQuerySet:
        """Open past the due day."""
        return self.open().filter(due_on__lt=today)

    def due_between(self, first: date, last: date) -> IssueQuerySet:
        """Open, and due on one of these days."""
        return self.open().filter(due_on__range=(first, last))


class Issue(models.Model):
    """A problem a resident raised, on its way to sign-off. States and moves: workflow.py; written by actions alone."""

    number = models.CharField(_("number"), max_length=20, unique=True, editable=False)
    kind = models.CharField(_("kind of issue"), max_length=12, choices=Kind)
    category = models.ForeignKey(Category, verbose_name=_("category"), on_delete=models.PROTECT, related_name="issues")
    text = models.TextField(_("what the resident said"), max_length=2000)
    is_urgent = models.BooleanField(_("urgent"), default=False)
    place = models.ForeignKey(Unit, verbose_name=_("place"), on_delete=models.PROTECT, related_name="issues_here")
    household = models.ForeignKey(
        Household, verbose_name=_("household"), null=True, blank=True, on_delete=models.PROTECT, related_name="issues"
    )
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), null=True, blank=True, on_delete=models.PROTECT, related_name="issues"
    )
    state = models.CharField(_("state"), max_length=12, choices=workflow.State, default=workflow.State.NEW)
    unit = models.ForeignKey(
        Unit, verbose_name=_("responsible unit"), on_delete=models.PROTECT, related_name="issues_held"
    )
    rule = models.ForeignKey(RoutingRule, null=True, on_delete=models.SET_NULL, related_name="issues")
    rule_text = models.CharField(_("why this unit"), max_length=200, blank=True)
    due_on = models.DateField(_("due on"))
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome, blank=True, default="")
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now)
    recorded_by = models.ForeignKey(
        User, verbose_name=_("recorded by"), on_delete=models.PROTECT, related_name="issues_recorded"
    )
    dispatched_at = models.DateTimeField(_("dispatched at"), null=True)
    accepted_at = models.DateTimeField(_("accepted at"), null=True)
    done_at = models.DateTimeField(_("done at"), null=True)
    done_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    done_by_unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="+")
    result = models.TextField(_("what was done"), max_length=2000, blank=True)
    closed_at = models.DateTimeField(_("signed off at"), null=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)

    objects = IssueQuerySet.as_manager()

    class Meta:
        verbose_name = _("issue")
        verbose_name_plural = _("issues")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["unit", "state", "due_on"], name="issues_unit_state_due"),
            models.Index(fields=["place", "state", "due_on"], name="issues_place_state_due"),
            # the ledger's orders, by tab: the first page is read off the index, whatever the number of issues
            models.Index(fields=["state", "due_on", "id"], name="issues_state_due_id"),
            models.Index(fields=["due_on", "id"], name="issues_due_id"),
            models.Index(
                fields=["due_on", "id"], name="issues_open_due", condition=Q(state__in=["new", "assigned", "accepted"])
            ),
            # the ways to search, see search.py
            GinIndex(Grams("text"), name="issues_text_grams"),
            models.Index(OpClass(Reverse("number"), name="text_pattern_ops"), name="issues_number_tail"),
        ]
        constraints = [
            models.CheckConstraint(
                name="issues_issue_times_of_state",
                condition=Q(state="new", dispatched_at__isnull=True, accepted_at__isnull=True)
                | Q(state="assigned", dispatched_at__isnull=False, accepted_at__isnull=True)
                | Q(state__in=["accepted", "done", "closed"], dispatched_at__isnull=False, accepted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="issues_issue_done_by_whom",
                condition=(
                    Q(state__in=["done", "closed"], done_at__isnull=False)
                    & Q(done_by__isnull=False, done_by_unit__isnull=False)
                    & ~Q(outcome="")
                )
                | (
                    ~Q(state__in=["done", "closed"])
                    & Q(outcome="", done_at__isnull=True, done_by__isnull=True, done_by_unit__isnull=True)
                ),
            ),
            models.CheckConstraint(
                name="issues_issue_closed_by_whom",
                condition=Q(state="closed", closed_at__isnull=False, closed_by__isnull=False)
                | (~Q(state="closed") & Q(closed_at__isnull=True, closed_by__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        """Not yet claimed done?"""
        return self.state in workflow.OPEN_STATES

    @property
    def finished_on(self) -> date | None:
        """The day it was reported done, or None."""
        return timezone.localdate(self.done_at) if self.done_at else None

    def days_late(self, today: date) -> int:
        """Calendar days past the due day, as of `today` or of the day it was reported done; negative: days left."""
        return ((self.finished_on or today) - self.due_on).days

    def shows_resident_to(self, user: User | AnonymousUser) -> bool:
        """May the user know whose problem it is? Who recorded it, who keeps the roster there, who handles it
        (domain.md §7). Asked of issues the user sees: a visitor sees an issue for its household's sake alone."""
        post = access.post_of(user)
        if post is None:
            return False
        if self.recorded_by_id == user.pk:
            return True
        if access.has_permission(user, Permission.HOUSEHOLD_VIEW) and (
            post.role == Role.VISITOR or self.place.code.startswith(post.unit.code)
        ):
            return True
        holders = (self.unit_id, self.done_by_unit_id)
        return access.has_permission(user, Permission.ISSUE_HANDLE) and post.unit_id in holders

    def allowed_moves(self, user: User | AnonymousUser) -> list[workflow.Move]:
        """The moves `user` may make now, in the table's order: the buttons of a page."""
        return [move for move in workflow.MOVES if self.refusal(move, user) is None]

    def refusal(self, move: workflow.Move, user: User | AnonymousUser) -> workflow.Refusal | None:
        """Why `user` may not make `move` now, or None where it is allowed: the one check, for buttons and actions."""
        post = access.post_of(user)
        if post is None or not access.has_permission(user, move.permission):
            return workflow.Refusal.PERMISSION
        stands = workflow.stands_on(
            move.side,
            post_code=post.unit.code,
            place_code=self.place.code,
            holder_code=self.unit.code,
            done_by_code=self.done_by_unit.code if self.done_by_unit else "",
            is_doer=self.done_by_id is not None and self.done_by_id == user.pk,
        )
        if not stands:
            return workflow.Refusal.SIDE
        return None if self.state in move.sources else workflow.Refusal.STATE


class IssueEvent(models.Model):
    """One step of an issue's history: appended by actions, never changed."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField(_("at"), default=timezone.now)
    by = models.ForeignKey(User, verbose_name=_("by"), on_delete=models.PROTECT, related_name="+")
    by_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    move = models.CharField(_("step"), max_length=20)
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    from_unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="+")
    to_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    note = models.TextField(_("note"), max_length=2000, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.move}"


class Attachment(models.Model):
    """A picture or paper that belongs to an issue; served only through a view that checks `visible_to`."""

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="attachments")
    file = models.FileField(upload_to="issues/%Y/%m")
    content_type = models.CharField(max_length=50)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    added_at = models.DateTimeField(default=timezone.now)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["issue", "sha256"], name="issues_attachment_once")]

    def __str__(self) -> str:
        return str(self.file.name)
