"""What boards keep: how every unit stood at the end of each day, and that a unit's head confirmed a week's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from outreach import access
from outreach.access import Role
from outreach.models import Campaign, Unit, User

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

MAX_NOTE = 500


class DayClose(models.Model):
    """A unit's figures as they were shown at the end of a day (日终数): what "since yesterday" is measured against.

    Kept, not recomputed: an issue signed off today was done days ago, and what was overdue yesterday is known only
    yesterday. `counts` holds the fields of indicators.Facts; a field that came later counts as 0.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    counts = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "day", "unit"], name="reports_dayclose_once")]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.day}"


class ConfirmationQuerySet(models.QuerySet["Confirmation"]):
    """Confirmations in the words of the domain."""

    def visible_to(self, user: User | AnonymousUser) -> ConfirmationQuerySet:
        """Those of the units within reach, for those who work with figures; publicity reads totals alone."""
        code = access.reach(user)
        post = access.post_of(user)
        if code is None or post is None or post.role == Role.PUBLICITY:
            return self.none()
        return self.filter(unit__code__startswith=code)


class Confirmation(models.Model):
    """A unit's head confirmed the unit's figures of a week, or said what is wrong with them. Once a unit and week."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    week_on = models.DateField(_("week from"))  # its Monday
    figures = models.JSONField()  # what was confirmed, by figure
    note = models.CharField(_("what is wrong with the figures"), max_length=MAX_NOTE, blank=True)
    confirmed_at = models.DateTimeField(default=timezone.now)
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = ConfirmationQuerySet.as_manager()

    class Meta:
        verbose_name = _("confirmation of a week's figures")
        ordering = ["unit__sort_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "unit", "week_on"],
                name="reports_confirmation_once",
                violation_error_message=_("The figures of this week are confirmed already."),
            ),
            models.CheckConstraint(
                name="reports_confirmation_from_monday",
                condition=Q(week_on__iso_week_day=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.week_on}"
