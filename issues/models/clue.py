"""The restricted register of clues about people and deeds that harm residents (domain.md R12).

Nothing here links to an issue, a household or a visit: such a link would tell whoever sees those that there is a clue.
Where a clue came from is part of its sealed content.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from issues import clues
from outreach import access
from outreach.access import Permission, Role
from outreach.models import Unit, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class ClueQuerySet(models.QuerySet["Clue"]):
    """Clues in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> ClueQuerySet:
        """The clues of the district, for its discipline office alone. A township's officer sees none: some of them
        are about the township's own people."""
        post = access.post_of(user)
        if post is None or post.role != Role.DISCIPLINE or not access.has_permission(user, Permission.CLUE_VIEW):
            return self.none()
        if post.unit.kind not in (Unit.Kind.DISTRICT, Unit.Kind.DEPARTMENT):
            return self.none()
        return self.filter(district__code=post.unit.district_code)

    def reported_by(self, user: User) -> ClueQuerySet:
        """The clues a person handed in: to be shown by number and state only."""
        return self.filter(reported_by=user)


class Clue(models.Model):
    """A clue: number and state in the open, everything that was said sealed. Written by actions alone."""

    number = models.CharField(_("number"), max_length=20, unique=True, editable=False)
    district = models.ForeignKey(Unit, verbose_name=_("district"), on_delete=models.PROTECT, related_name="+")
    state = models.CharField(_("state"), max_length=12, choices=clues.State, default=clues.State.RECEIVED)
    sealed = models.TextField(editable=False)
    reported_at = models.DateTimeField(_("handed in at"), default=timezone.now)
    reported_by = models.ForeignKey(
        User, verbose_name=_("handed in by"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    version = models.PositiveIntegerField(default=1)

    objects = ClueQuerySet.as_manager()

    class Meta:
        verbose_name = _("clue")
        verbose_name_plural = _("clues")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["district", "state", "-id"], name="issues_clue_district_state")]
        constraints = [
            models.CheckConstraint(name="issues_clue_state_known", condition=Q(state__in=clues.State.values)),
        ]

    def __str__(self) -> str:
        return self.number

    def content(self) -> clues.Content:
        """What was said. Only actions.open_clue calls it, which logs."""
        return clues.Content(**clues.unseal(self.sealed, self.number))


class ClueEntry(models.Model):
    """One step of the discipline office on a clue, its note sealed; the database refuses to change it."""

    clue = models.ForeignKey(Clue, on_delete=models.CASCADE, related_name="entries")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    step = models.CharField(max_length=12)
    to_state = models.CharField(max_length=12, choices=clues.State)
    sealed = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.clue_id} {self.step}"

    def said(self) -> dict[str, str]:
        """The note, and to whom under which number it was handed over. Only actions.open_clue calls it."""
        return clues.unseal(self.sealed, self.clue.number) if self.sealed else {}
