"""Which units have a duty (R10): links of units to places, and exemptions with a reason and an end."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from outreach.models import Unit, User


class UnitLink(models.Model):
    """A department answers for a township or village (联点)."""

    unit = models.ForeignKey(Unit, verbose_name=_("department"), on_delete=models.PROTECT, related_name="linked_places")
    place = models.ForeignKey(
        Unit, verbose_name=_("linked place"), on_delete=models.PROTECT, related_name="linked_units"
    )
    linked_at = models.DateTimeField(default=timezone.now)
    linked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["unit__sort_order", "place__sort_order", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "place"],
                condition=Q(ended_at=None),
                name="reports_unitlink_once",
                violation_error_message=_("They are linked already."),
            ),
            models.CheckConstraint(
                name="reports_unitlink_ended_by_whom",
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
            models.CheckConstraint(name="reports_unitlink_of_two", condition=~Q(unit=F("place"))),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.place_id}"


class DutyExemption(models.Model):
    """A unit that needs no duty for a while: with a reason, and a day on which it ends."""

    unit = models.ForeignKey(Unit, verbose_name=_("unit"), on_delete=models.PROTECT, related_name="exemptions")
    reason = models.CharField(_("reason"), max_length=300)
    starts_on = models.DateField()
    ends_on = models.DateField(_("until"))
    granted_at = models.DateTimeField(default=timezone.now)
    granted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="reports_exemption_reason",
                condition=~Q(reason=""),
                violation_error_message=_("An exemption needs a reason."),
            ),
            models.CheckConstraint(
                name="reports_exemption_dates",
                condition=Q(ends_on__gte=F("starts_on")),
                violation_error_message=_("An exemption must not end before it starts."),
            ),
            models.CheckConstraint(
                name="reports_exemption_ended_by_whom",
                condition=Q(ended_at__isnull=True, ended_by__isnull=True)
                | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.ends_on}"
