"""A special project (专项整治): many like issues taken on as one, with measures, places to sweep and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from issues.models.issue import Issue
from outreach import access
from outreach.access import Permission
from outreach.models import Unit, User

if TYPE_CHECKING:
    from datetime import date

    from django.contrib.auth.models import AnonymousUser


class SpecialProjectQuerySet(models.QuerySet["SpecialProject"]):
    """Projects in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> SpecialProjectQuerySet:
        """Those whose issue the user sees, and those his unit leads: it was told what to do."""
        post = access.post_of(user)
        if post is None or not access.has_permission(user, Permission.ISSUE_VIEW):
            return self.none()
        seen = Issue.objects.visible_to(user).order_by().values("pk")
        return self.filter(Q(issue__in=seen) | Q(unit=post.unit_id))


class SpecialProject(models.Model):
    """What is done about the cause of many issues, hung on the issue above them. Written by actions alone.

    The counts are those of the issues of its category in its place, recorded in the 30 days before: kept as numbers at
    the beginning and the end, because later corrections must not change what was reported.
    """

    class State(models.TextChoices):
        """Under way, or over."""

        RUNNING = "running", _("under way")
        CLOSED = "closed", _("completed")

    title = models.CharField(_("title"), max_length=100)
    issue = models.OneToOneField(Issue, on_delete=models.PROTECT, related_name="project")
    unit = models.ForeignKey(Unit, verbose_name=_("leading unit"), on_delete=models.PROTECT, related_name="projects")
    lead = models.CharField(_("person in charge"), max_length=60)
    measures = models.TextField(_("measures"), max_length=2000)
    places = models.TextField(_("places to sweep"), max_length=2000)
    due_on = models.DateField(_("due on"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.RUNNING)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    result = models.TextField(_("what came of it"), max_length=2000, blank=True)
    recorded_before = models.PositiveIntegerField()
    open_before = models.PositiveIntegerField()
    recorded_after = models.PositiveIntegerField(null=True)
    open_after = models.PositiveIntegerField(null=True)

    objects = SpecialProjectQuerySet.as_manager()

    class Meta:
        verbose_name = _("special project")
        verbose_name_plural = _("special projects")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="issues_project_closed_by_whom",
                condition=Q(
                    state="running",
                    closed_at__isnull=True,
                    closed_by__isnull=True,
                    recorded_after__isnull=True,
                    open_after__isnull=True,
                )
                | Q(
                    state="closed",
                    closed_at__isnull=False,
                    closed_by__isnull=False,
                    recorded_after__isnull=False,
                    open_after__isnull=False,
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_running(self) -> bool:
        """Not closed yet?"""
        return self.state == self.State.RUNNING

    def is_late(self, today: date) -> bool:
        """Running past its due day?"""
        return self.is_running and self.due_on < today

    def is_run_by(self, user: User | AnonymousUser) -> bool:
        """May `user` note progress and close it? Costs queries where the issue's place is not loaded."""
        return may_run(self.issue, user)


def may_run(issue: Issue, user: User | AnonymousUser) -> bool:
    """May `user` run a project about `issue`: whoever dispatches in an area that holds its place."""
    post = access.post_of(user)
    return (
        post is not None
        and access.has_permission(user, Permission.ISSUE_DISPATCH)
        and issue.place.code.startswith(post.unit.code)
    )


class ProjectNote(models.Model):
    """One note of progress: appended, never changed."""

    project = models.ForeignKey(SpecialProject, on_delete=models.CASCADE, related_name="notes")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(_("progress"), max_length=2000)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.project_id} {self.at:%Y-%m-%d}"
