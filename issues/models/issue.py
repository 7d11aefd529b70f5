"""An issue and its history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from households.models import Household
from issues import chain, workflow
from issues.grams import Grams
from issues.models.setup import Category, Kind, RoutingRule, line_categories
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


class Solvability(models.TextChoices):
    """Whether it can be solved at all, set by the holder and reviewed at verification (domain.md I11)."""

    UNKNOWN = "", _("not judged")
    SOLVABLE = "solvable", _("can be solved")
    ABOVE = "above", _("needs a higher level")
    POLICY = "policy", _("bound by policy")
    UNREASONABLE = "unreasonable", _("not reasonable")


# As lists of plain values, which is how constraints and indexes are written into migrations.
OPEN = [state.value for state in workflow.OPEN_STATES]
DONE = ["done", "verified", "closed"]
UNREACHED_DAYS = 3  # so many different days a resident is tried before an issue may be signed off unasked


class IssueQuerySet(models.QuerySet["Issue"]):
    """Issues in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> IssueQuerySet:
        """The one predicate: raised within the post's area, held by its unit or below, helped by them, in the line of
        the department, or recorded by the user.

        A visitor follows what he recorded, and what concerns households assigned to him. Costs a few small
        queries: with the ids written out PostgreSQL joins the indexes, where a subquery under OR would read the whole
        table.
        """
        post = access.post_of(user)
        if post is None or not access.has_permission(user, Permission.ISSUE_VIEW):
            return self.none()
        mine = Q(recorded_by=user.pk)
        if post.role == Role.VISITOR:
            return self.filter(
                mine | Q(household__in=list(Household.objects.visible_to(user).values_list("pk", flat=True)))
            )
        if post.unit.kind == Unit.Kind.DISTRICT and not Unit.objects.exclude(code__startswith=post.unit.code).exists():
            return self.all()  # the only district: hundreds of ids written out twice would cost more than the rows
        units = list(Unit.objects.visible_to(user).values_list("pk", flat=True))
        if post.unit.kind != Unit.Kind.DISTRICT:  # whoever sees the whole district sees what its units help with
            helped = Issue.objects.filter(helping_units__unit__in=units).exclude(place__in=units)
            mine |= Q(pk__in=list(helped.values_list("pk", flat=True)))
        if line := line_categories(post.unit):
            district = Unit.objects.filter(code__startswith=post.unit.district_code).exclude(kind=Unit.Kind.DEPARTMENT)
            mine |= Q(category__in=line, place__in=list(district.values_list("pk", flat=True)))
        return self.filter(mine | Q(place__in=units) | Q(unit__in=units))

    def line_of(self, unit: Unit) -> IssueQuerySet:
        """The line (条线) of a department: issues of the categories its rules cover, whoever holds them, and those it
        holds or helps with. Of a district: the caller narrows by `visible_to` or place."""
        helped = Issue.objects.filter(helping_units__unit=unit).values("pk")
        return self.filter(Q(category__in=line_categories(unit)) | Q(unit=unit) | Q(pk__in=helped))

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

    def needing(self, user: User | AnonymousUser) -> IssueQuerySet:
        """Those on which the unit of the user's post must take the next step, as far as the post's rights go: handle,
        answer as helper, dispatch, decide on a request from below, verify and call back. Of issues the user sees."""
        post = access.post_of(user)
        if post is None:
            return self.none()
        unit, rights = post.unit, access.permissions_of(user)
        mine = Q(pk__in=[])
        if Permission.ISSUE_HANDLE in rights:
            asked = unit.issues_helped.filter(answered_at=None).values_list("issue", flat=True)
            mine |= Q(unit=unit, state__in=["assigned", "accepted"]) | Q(pk__in=list(asked))
        if Permission.ISSUE_DISPATCH in rights:
            below = list(unit.children.values_list("pk", flat=True))
            mine |= Q(unit=unit, state__in=["new", "returned", "arbitration"])
            mine |= Q(unit__in=below) & ~Q(request="")
        if Permission.ISSUE_CLOSE in rights:
            judge = Q(state__in=["done", "verified"]) & ~Q(unit=unit) & ~Q(done_by_unit=unit) & ~Q(done_by=user.pk)
            if unit.kind != Unit.Kind.DISTRICT:
                units = list(Unit.objects.visible_to(user).values_list("pk", flat=True))
                judge &= Q(place__in=units) | Q(unit__in=units)
            mine |= judge
        return self.filter(mine)

    def running(self) -> IssueQuerySet:
        """Not yet claimed done, and the clock not stopped: those that can be late."""
        return self.filter(state__in=workflow.RUNNING_STATES)

    def overdue(self, today: date) -> IssueQuerySet:
        """Running past the due day."""
        return self.running().filter(due_on__lt=today)

    def due_between(self, first: date, last: date) -> IssueQuerySet:
        """Running, and due on one of these days."""
        return self.running().filter(due_on__range=(first, last))


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
    limit_workdays = models.PositiveSmallIntegerField(_("limit in working days"))
    extended_workdays = models.PositiveSmallIntegerField(_("working days granted on top"), default=0)
    due_on = models.DateField(_("due on"))
    due_version = models.PositiveIntegerField(default=1)
    is_bound = models.BooleanField(_("sent by a binding decision"), default=False)
    returns = models.PositiveSmallIntegerField(_("times returned"), default=0)
    redos = models.PositiveSmallIntegerField(_("times redone"), default=0)
    request = models.CharField(max_length=10, choices=workflow.Request, blank=True, default="")
    requested_workdays = models.PositiveSmallIntegerField(null=True)
    requested_until = models.DateField(null=True)
    paused_until = models.DateField(_("paused until"), null=True)
    parent = models.ForeignKey(
        "self", verbose_name=_("issue above"), null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    merged_into = models.ForeignKey(
        "self", verbose_name=_("merged into"), null=True, on_delete=models.PROTECT, related_name="merged_issues"
    )
    solvability = models.CharField(_("can it be solved?"), max_length=12, choices=Solvability, blank=True, default="")
    supervised_at = models.DateTimeField(_("under supervision since"), null=True)
    supervised_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
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
    verified_at = models.DateTimeField(_("verified at"), null=True)
    verified_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(_("signed off at"), null=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)
    # the head of the chain of events: written by the database when an event is appended, and by nobody else
    event_count = models.PositiveIntegerField(default=0, editable=False)
    head_hash = models.CharField(max_length=64, blank=True, default="", editable=False)

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
            models.Index(fields=["recorded_at", "id"], name="issues_recorded_id"),
            # the tab "my unit's turn" of those who decide and verify
            models.Index(fields=["unit"], name="issues_requests", condition=~Q(request="")),
            models.Index(fields=["due_on", "id"], name="issues_open_due", condition=Q(state__in=OPEN)),
            models.Index(fields=["closed_at"], name="issues_closed_at", condition=Q(closed_at__isnull=False)),
            # the ways to search, see search.py
            GinIndex(Grams("text"), name="issues_text_grams"),
            models.Index(OpClass(Reverse("number"), name="text_pattern_ops"), name="issues_number_tail"),
        ]
        constraints = [
            models.CheckConstraint(
                name="issues_issue_times_of_state",
                condition=Q(state="new", dispatched_at__isnull=True, accepted_at__isnull=True)
                | Q(state="assigned", dispatched_at__isnull=False, accepted_at__isnull=True)
                | Q(state__in=["returned", "arbitration"], dispatched_at__isnull=False)
                | Q(
                    state__in=["accepted", "paused", "reported", "done", "verified", "closed"],
                    dispatched_at__isnull=False,
                    accepted_at__isnull=False,
                )
                | Q(state__in=["merged", "refused"]),
            ),
            models.CheckConstraint(
                name="issues_issue_done_by_whom",
                condition=(
                    Q(state__in=DONE, done_at__isnull=False, done_by__isnull=False, done_by_unit__isnull=False)
                    & ~Q(outcome="")
                )
                | (
                    ~Q(state__in=DONE)
                    & Q(done_at__isnull=True, done_by__isnull=True, done_by_unit__isnull=True)
                    & (Q(state="merged", outcome="duplicate") | (~Q(state="merged") & Q(outcome="")))
                ),
            ),
            models.CheckConstraint(
                name="issues_issue_verified_by_whom",
                condition=Q(state__in=["verified", "closed"], verified_at__isnull=False, verified_by__isnull=False)
                | (~Q(state__in=["verified", "closed"]) & Q(verified_at__isnull=True, verified_by__isnull=True)),
            ),
            models.CheckConstraint(
                name="issues_issue_closed_by_whom",
                condition=Q(state="closed", closed_at__isnull=False, closed_by__isnull=False)
                | (~Q(state="closed") & Q(closed_at__isnull=True, closed_by__isnull=True)),
            ),
            models.CheckConstraint(
                name="issues_issue_judged_by_others",
                condition=~Q(verified_by=F("done_by")) & ~Q(closed_by=F("done_by")),
                violation_error_message=_("Nobody verifies or signs off their own work."),
            ),
            models.CheckConstraint(
                name="issues_issue_merged_where",
                condition=Q(state="merged", merged_into__isnull=False)
                | (~Q(state="merged") & Q(merged_into__isnull=True)),
            ),
            models.CheckConstraint(
                name="issues_issue_not_its_own",
                condition=~Q(merged_into=F("id")) & ~Q(parent=F("id")),
            ),
            models.CheckConstraint(
                name="issues_issue_request_of_state",
                condition=Q(request="", requested_workdays__isnull=True, requested_until__isnull=True)
                | Q(state="accepted", request="time", requested_workdays__isnull=False, requested_until__isnull=True)
                | Q(state="accepted", request="pause", requested_workdays__isnull=True, requested_until__isnull=False),
            ),
            models.CheckConstraint(
                name="issues_issue_paused_until",
                condition=Q(state="paused", paused_until__isnull=False)
                | (~Q(state="paused") & Q(paused_until__isnull=True)),
            ),
            models.CheckConstraint(
                name="issues_issue_supervised_by_whom",
                condition=Q(supervised_at__isnull=True, supervised_by__isnull=True)
                | Q(supervised_at__isnull=False, supervised_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        """Not yet claimed done?"""
        return self.state in workflow.OPEN_STATES

    @property
    def is_running(self) -> bool:
        """Not yet claimed done, and the clock not stopped?"""
        return self.state in workflow.RUNNING_STATES

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
        return self.moves_of(user)[0]

    def blocked_moves(self, user: User | AnonymousUser) -> list[tuple[workflow.Move, workflow.Guard]]:
        """The moves that would be the user's but for a guard worth telling: what is still missing."""
        return self.moves_of(user)[1]

    def moves_of(
        self, user: User | AnonymousUser
    ) -> tuple[list[workflow.Move], list[tuple[workflow.Move, workflow.Guard]]]:
        """allowed_moves and blocked_moves, for a page that shows both: each refusal is worked out once."""
        refusals = [(move, self.refusal(move, user)) for move in workflow.MOVES]
        allowed = [move for move, refusal in refusals if refusal is None]
        return allowed, [(move, why) for move, why in refusals if isinstance(why, workflow.Guard) and why.hint]

    def refusal(self, move: workflow.Move, user: User | AnonymousUser) -> workflow.Refusal | workflow.Guard | None:
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
            helper_codes=self.helper_codes if move.side == workflow.Side.HELPER else (),
        )
        if move.side == workflow.Side.READER:
            stands = Issue.objects.visible_to(user).filter(pk=self.pk).exists()
        if not stands:
            return workflow.Refusal.SIDE
        return self.obstacle(move)

    def obstacle(self, move: workflow.Move) -> workflow.Refusal | workflow.Guard | None:
        """Why nobody may make `move` now: the state, or the first guard that does not hold; else None."""
        if self.state not in move.sources:
            return workflow.Refusal.STATE
        return next((guard for guard in move.guards if not guard.holds(self.facts)), None)

    @cached_property
    def helper_codes(self) -> tuple[str, ...]:
        """The codes of the units asked to help that have not answered."""
        return tuple(self.helping_units.filter(answered_at=None).values_list("unit__code", flat=True))

    @cached_property
    def facts(self) -> workflow.Facts:
        """What the guards read. Costs a query in the states where open children block, two where it is called back."""
        state = workflow.State(self.state)
        blocks = state in (*workflow.OPEN_STATES, workflow.State.VERIFIED)
        return workflow.Facts(
            returns=self.returns,
            redos=self.redos,
            extensions=1 if self.extended_workdays else 0,
            is_bound=self.is_bound,
            is_supervised=self.supervised_at is not None,
            is_late=self.due_on < timezone.localdate(),
            has_open_child=blocks and self.children.exclude(state__in=workflow.ENDED_STATES).exists(),
            can_go_up=self.unit.kind != Unit.Kind.DISTRICT,
            request=self.request,
            call_back=self.call_back_result() if state == workflow.State.VERIFIED else "",
            lacks_agreement=state == workflow.State.ACCEPTED and self.lacks_agreement(),
        )

    def lacks_agreement(self) -> bool:
        """Is it a dispute of which no agreement is recorded?"""
        if self.kind != Kind.DISPUTE:
            return False
        return (
            not type(self)
            .objects.filter(pk=self.pk)
            .exclude(mediation__agreement="")
            .filter(mediation__isnull=False)
            .exists()
        )

    def call_back_result(self) -> str:
        """What calling back came to in this round: content, not_content, unreachable, nobody (to ask), or "" so far.

        The last valid answer counts. Unreachable: tried on UNREACHED_DAYS different days in vain.
        """
        calls = list(self.call_backs.filter(round=self.redos).order_by("pk"))
        valid = [call for call in calls if call.reached == call.Reached.REACHED]
        if valid:
            return "content" if valid[-1].satisfies(self.outcome) else "not_content"
        if len({timezone.localdate(call.at) for call in calls}) >= UNREACHED_DAYS:
            return "unreachable"
        return "nobody" if self.household_id is None else ""


class IssueEvent(models.Model):
    """One step of an issue's history: appended by actions, never changed, chained by hashes (issues/chain.py).

    `detail` holds what a step brings besides the note: {"facts": {…}} when it is recorded, {"changes": {field: [old,
    new]}} of an edit, {"files": [sha256, …]} of evidence, {"removed": [sha256, …]}, {"solvability": …} of a step that
    judges it.
    """

    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField(editable=False)
    at = models.DateTimeField(_("at"), default=timezone.now)
    actor = models.CharField(max_length=10, choices=workflow.Actor, default=workflow.Actor.STAFF)
    by = models.ForeignKey(User, verbose_name=_("by"), null=True, on_delete=models.PROTECT, related_name="+")
    by_unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="+")
    move = models.CharField(_("step"), max_length=20)
    from_state = models.CharField(max_length=12, blank=True)
    to_state = models.CharField(max_length=12)
    from_unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="+")
    to_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=12, blank=True)
    note = models.TextField(_("note"), max_length=2000, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    previous_hash = models.CharField(max_length=64, blank=True, editable=False)
    hash = models.CharField(max_length=64, editable=False)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["issue", "seq"], name="issues_event_seq"),
            models.CheckConstraint(
                name="issues_event_by_whom",
                condition=Q(actor="staff", by__isnull=False, by_unit__isnull=False)
                | (~Q(actor="staff") & Q(by__isnull=True, by_unit__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.move}"

    def canonical(self) -> str:
        """What the hash covers, as text. Costs a query where the issue is not loaded."""
        return chain.canonical(
            number=self.issue.number,
            seq=self.seq,
            previous=self.previous_hash,
            at=self.at,
            actor=self.actor,
            by=self.by_id,
            by_unit=self.by_unit_id,
            move=self.move,
            from_state=self.from_state,
            to_state=self.to_state,
            from_unit=self.from_unit_id,
            to_unit=self.to_unit_id,
            reason=self.reason,
            note=self.note,
            detail=self.detail,
        )

    @property
    def who(self) -> str:
        """The person and unit, or the resident, or the program. Costs queries where by and by_unit are not loaded."""
        if self.by is None or self.by_unit is None:
            return str(self.get_actor_display())
        return f"{self.by.name} · {self.by_unit.name}"
