"""Rollups: what rankings read instead of the rows, and the log of what must be counted again.

A rollup's unit is the village of the household, or the place of the issue: a village, or a township or the district
itself where the problem belongs to no village. Sums of a township or district are made by code when reading.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from outreach.models import Campaign, Unit


class DirtyDay(models.Model):
    """Append-only: a unit's day in a campaign whose counts are out of date. Written by database triggers in the
    transaction of the change (migration 0002), removed by the recount that has seen it. Never unique: a unique key
    would let an update slip between the recount's read and its delete."""

    campaign_id = models.BigIntegerField()
    unit_id = models.BigIntegerField()
    day = models.DateField(null=True)  # null: the roster itself

    class Meta:
        verbose_name = "dirty day"

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.unit_id} {self.day}"


class RosterCount(models.Model):
    """Households of a village on a campaign's roster, as of now."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    households = models.PositiveIntegerField(default=0)
    off_roster = models.PositiveIntegerField(default=0)  # verified empty or moved: not in the denominator

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "unit"], name="reports_rostercount_once")]

    def __str__(self) -> str:
        return f"{self.unit_id}: {self.households}"


class DayCount(models.Model):
    """What happened in a unit on a day of a campaign. A household has one counted visit in a campaign, so sums over
    days count distinct households. The meaning of each column is the SQL in facts.py and nowhere else."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    covered = models.PositiveIntegerField(default=0)  # households whose counted visit was this day
    met = models.PositiveIntegerField(default=0)  # of these: met, and the talk finished, by now
    visits = models.PositiveIntegerField(default=0)
    issues_raised = models.PositiveIntegerField(default=0)
    issues_solved = models.PositiveIntegerField(default=0)  # by the day they were reported done
    issues_explained = models.PositiveIntegerField(default=0)
    issues_not_accepted = models.PositiveIntegerField(default=0)
    issues_otherwise = models.PositiveIntegerField(default=0)
    issues_in_review = models.PositiveIntegerField(default=0)
    issues_set_aside = models.PositiveIntegerField(default=0)
    open_due = models.PositiveIntegerField(default=0)  # still open, by due day: "overdue" changes without a write

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "unit", "day"], name="reports_daycount_once")]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.day}"


class Freshness(models.Model):
    """One row: the moment up to which the rollups are known to hold everything that was committed."""

    counted_at = models.DateTimeField()
    # the last count that had anything to count: pages that poll ask whether it moved
    changed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(name="reports_freshness_one_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(self.counted_at)
