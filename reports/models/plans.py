"""Plans (工作方案), the tasks they are broken down into, what units report of them. Written by plan_actions alone."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from issues.models import StoredFile
from outreach import access
from outreach.access import Permission
from outreach.models import Campaign, Membership, Unit, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

HUNDRED = Decimal(100)


class WorkPlanQuerySet(models.QuerySet["WorkPlan"]):
    """Plans in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> WorkPlanQuerySet:
        """All of the district for its office and leaders; for a unit those with a task it sees."""
        post = access.post_of(user)
        if post is None or not access.has_permission(user, Permission.PLAN_VIEW):
            return self.none()
        if post.unit.kind == Unit.Kind.DISTRICT:
            return self.filter(district=post.unit_id)
        return self.filter(pk__in=WorkTask.objects.visible_to(user).order_by().values("plan"))

    def running(self) -> WorkPlanQuerySet:
        return self.filter(state=WorkPlan.State.RUNNING)


class WorkPlan(models.Model):
    """A plan of the district's, with its document, its period and its tasks."""

    class State(models.TextChoices):
        """Under way, or over."""

        RUNNING = "running", pgettext_lazy("task", "under way")
        CLOSED = "closed", _("completed")

    district = models.ForeignKey(Unit, verbose_name=_("district"), on_delete=models.PROTECT, related_name="+")
    title = models.CharField(_("title"), max_length=100)
    summary = models.TextField(_("aim"), max_length=2000, blank=True)
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(_("ends on"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.RUNNING)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = WorkPlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        ordering = ["-starts_on", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="reports_plan_dates",
                condition=Q(ends_on__gte=F("starts_on")),
                violation_error_message=_("The plan must not end before it starts."),
            ),
            models.UniqueConstraint(
                fields=["district", "title"],
                name="reports_plan_title_once",
                violation_error_message=_("There is a plan of this title already."),
            ),
            models.CheckConstraint(
                name="reports_plan_closed_by_whom",
                condition=Q(state="running", closed_at__isnull=True, closed_by__isnull=True)
                | Q(state="closed", closed_at__isnull=False, closed_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_running(self) -> bool:
        """Not closed yet?"""
        return self.state == self.State.RUNNING

    def is_run_by(self, user: User | AnonymousUser) -> bool:
        """May `user` change it: whoever writes plans in its district."""
        post = access.post_of(user)
        return (
            post is not None and access.has_permission(user, Permission.PLAN_EDIT) and post.unit_id == self.district_id
        )


class WorkTaskQuerySet(models.QuerySet["WorkTask"]):
    """Tasks in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> WorkTaskQuerySet:
        """Those of the user's unit and below, and those it helps with."""
        post = access.post_of(user)
        if post is None or not access.has_permission(user, Permission.PLAN_VIEW):
            return self.none()
        code = post.unit.code
        helping = WorkTask.helpers.through.objects.filter(unit__code__startswith=code)
        return self.filter(Q(unit__code__startswith=code) | Q(pk__in=helping.values("worktask")))

    def alive(self) -> WorkTaskQuerySet:
        """Still to be done."""
        return self.filter(state__in=WorkTask.ALIVE)

    def with_names(self) -> WorkTaskQuerySet:
        """With what a row shows."""
        return self.select_related("plan__campaign", "unit__parent", "person__user", "parent__unit")


class WorkTask(models.Model):
    """One task of a plan: a unit, a person in it, a due day, a measure. Nothing is without an owner: the database
    refuses it, and a trigger refuses a person who holds no post in the unit."""

    class Measure(models.TextChoices):
        """How progress is told."""

        PERCENT = "percent", _("in percent")
        COUNT = "count", _("by number")
        INDICATOR = "indicator", _("by a figure the program counts")
        DONE = "done", _("done or not")

    class State(models.TextChoices):
        """Where a task stands."""

        RUNNING = "running", pgettext_lazy("task", "under way")
        REPORTED = "reported", _("report to be judged")
        DONE = "done", _("completed")
        CANCELLED = "cancelled", _("cancelled")

    ALIVE = (State.RUNNING, State.REPORTED)

    plan = models.ForeignKey(WorkPlan, verbose_name=_("plan"), on_delete=models.PROTECT, related_name="tasks")
    parent = models.ForeignKey(
        "self", verbose_name=_("part of"), null=True, on_delete=models.PROTECT, related_name="parts"
    )
    number = models.PositiveIntegerField(_("No."))
    title = models.CharField(_("task"), max_length=200)
    detail = models.TextField(_("requirements"), max_length=2000, blank=True)
    unit = models.ForeignKey(Unit, verbose_name=_("responsible unit"), on_delete=models.PROTECT, related_name="tasks")
    person = models.ForeignKey(
        Membership, verbose_name=_("person in charge"), on_delete=models.PROTECT, related_name="tasks"
    )
    helpers = models.ManyToManyField(Unit, verbose_name=_("helping units"), related_name="+", blank=True)
    starts_on = models.DateField(_("starts on"))
    due_on = models.DateField(_("due on"))
    measure = models.CharField(_("measured"), max_length=10, choices=Measure, default=Measure.DONE)
    target = models.DecimalField(_("target"), max_digits=12, decimal_places=2, null=True)
    target_unit = models.CharField(_("unit of the target"), max_length=10, blank=True)
    indicator = models.CharField(_("figure"), max_length=40, blank=True)
    reached = models.DecimalField(_("reached"), max_digits=12, decimal_places=2, null=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.RUNNING)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = WorkTaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["plan", "number"]
        indexes = [
            models.Index(fields=["due_on"], name="reports_task_due", condition=Q(state__in=["running", "reported"]))
        ]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="reports_task_number_once"),
            models.UniqueConstraint(
                fields=["plan", "unit", "title"],
                condition=~Q(state="cancelled"),
                name="reports_task_title_once",
                violation_error_message=_("This unit has this task in the plan already."),
            ),
            models.CheckConstraint(
                name="reports_task_dates",
                condition=Q(due_on__gte=F("starts_on")),
                violation_error_message=_("The due day must not lie before the start."),
            ),
            models.CheckConstraint(
                name="reports_task_target_of_measure",
                condition=Q(measure="done", target__isnull=True, indicator="")
                | Q(measure__in=["percent", "count"], target__gt=0, indicator="")
                | (Q(measure="indicator", target__isnull=False) & ~Q(indicator="")),
                violation_error_message=_("A number needs a target above 0; “done or not” takes none."),
            ),
            models.CheckConstraint(
                name="reports_task_ended_by_whom",
                condition=Q(state__in=["running", "reported"], ended_at__isnull=True, ended_by__isnull=True)
                | Q(state__in=["done", "cancelled"], ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def code(self) -> str:
        """The number people use: plan and place in it."""
        return f"{self.plan_id}-{self.number}"

    @property
    def is_alive(self) -> bool:
        """Still to be done?"""
        return self.state in self.ALIVE

    def is_run_by(self, user: User | AnonymousUser) -> bool:
        """May `user` judge, change and end it: the office, or the unit that handed it down; never the unit itself."""
        post = access.post_of(user)
        if post is None or post.unit_id == self.unit_id:
            return False
        if self.plan.is_run_by(user):
            return True
        hands_down = self.parent is not None and self.parent.unit_id == post.unit_id
        return hands_down and access.has_permission(user, Permission.TASK_REPORT)

    def is_done_by(self, user: User | AnonymousUser) -> bool:
        """May `user` report on it and hand parts of it down: whoever reports for the unit."""
        post = access.post_of(user)
        return post is not None and post.unit_id == self.unit_id and access.has_permission(user, Permission.TASK_REPORT)


class TaskReport(models.Model):
    """What a unit reports of a task, and what another unit says of it."""

    class State(models.TextChoices):
        """Judged or not."""

        PENDING = "pending", _("to be judged")
        ACCEPTED = "accepted", _("accepted")
        RETURNED = "returned", _("sent back")

    task = models.ForeignKey(WorkTask, on_delete=models.PROTECT, related_name="reports")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    amount = models.DecimalField(_("reached so far"), max_digits=12, decimal_places=2, null=True)
    text = models.TextField(_("progress"), max_length=2000)
    is_final = models.BooleanField(_("the task is completed"), default=False)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_by_unit = models.ForeignKey(Unit, null=True, on_delete=models.PROTECT, related_name="+")
    remark = models.CharField(_("remark"), max_length=500, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=Q(state="pending"), name="reports_taskreport_one_pending"
            ),
            models.CheckConstraint(name="reports_taskreport_amount", condition=Q(amount=None) | Q(amount__gte=0)),
            models.CheckConstraint(
                name="reports_taskreport_decided_by_whom",
                condition=Q(
                    state="pending", decided_at__isnull=True, decided_by__isnull=True, decided_by_unit__isnull=True
                )
                | Q(
                    state__in=["accepted", "returned"],
                    decided_at__isnull=False,
                    decided_by__isnull=False,
                    decided_by_unit__isnull=False,
                ),
            ),
            models.CheckConstraint(
                name="reports_taskreport_decided_elsewhere",
                condition=Q(decided_by_unit__isnull=True) | (~Q(decided_by_unit=F("by_unit")) & ~Q(decided_by=F("by"))),
                violation_error_message=_("The reporting unit never judges its own report."),
            ),
            models.CheckConstraint(
                name="reports_taskreport_returned_with_reason", condition=~Q(state="returned") | ~Q(remark="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task_id} {self.at:%Y-%m-%d}"


class TaskEvent(models.Model):
    """One step of a task's history: who, when, from what to what. Appended, never changed."""

    task = models.ForeignKey(WorkTask, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    step = models.CharField(max_length=20)
    from_state = models.CharField(max_length=10, blank=True)
    to_state = models.CharField(max_length=10)
    note = models.TextField(blank=True)
    changes = models.JSONField(default=list)  # [field, before, after] of each, as they are shown

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.task_id} {self.step}"


class WorkFile(StoredFile):
    """A plan's document or the evidence of a report. Handed out by a view that checks who sees the plan or task."""

    plan = models.ForeignKey(WorkPlan, null=True, on_delete=models.PROTECT, related_name="files")
    report = models.ForeignKey(TaskReport, null=True, on_delete=models.PROTECT, related_name="files")
    file = models.FileField(upload_to="plans/%Y/%m")
    added_at = models.DateTimeField(default=timezone.now)
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="reports_workfile_of_one",
                condition=Q(plan__isnull=False, report__isnull=True) | Q(plan__isnull=True, report__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["plan", "sha256"], condition=Q(plan__isnull=False), name="reports_workfile_once_a_plan"
            ),
        ]
