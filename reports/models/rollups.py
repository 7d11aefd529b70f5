"""Rollups: what rankings read instead of the rows, and the log of what must be counted again.

A rollup's unit is the village of the household, or the place of the issue: a village, or a township or the district
itself where the problem belongs to no village. Sums of a township or district are made by code when reading.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
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


class DirtyCase(models.Model):
    """Append-only like DirtyDay: an issue or household of which something changed, with the units and days that it no
    longer counts for. The recount finds those it counts for now, so that a writer need not know what others write."""

    campaign_id = models.BigIntegerField(null=True)  # of an issue: the one it left
    issue_id = models.BigIntegerField(null=True)
    household_id = models.BigIntegerField(null=True)
    units = ArrayField(models.BigIntegerField(null=True), default=list)
    days = ArrayField(models.DateField(null=True), default=list)

    class Meta:
        verbose_name = "dirty case"
        constraints = [
            models.CheckConstraint(
                name="reports_dirtycase_of_one",
                condition=Q(issue_id__isnull=False, household_id__isnull=True)
                | Q(issue_id__isnull=True, household_id__isnull=False, campaign_id__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.issue_id} {self.household_id}"


class RosterCount(models.Model):
    """Households of a village on a campaign's roster, as of now."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    households = models.PositiveIntegerField(default=0)
    off_roster = models.PositiveIntegerField(default=0)  # verified empty or moved: not in the denominator
    priority = models.PositiveIntegerField(default=0)  # on the roster, of a category that is visited first
    unreachable = models.PositiveIntegerField(default=0)  # on the roster, confirmed as not to be reached

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "unit"], name="reports_rostercount_once")]

    def __str__(self) -> str:
        return f"{self.unit_id}: {self.households}"


class DayCount(models.Model):
    """What happened in a unit on a day of a campaign. A household has one counted visit in a campaign, so sums of
    `covered` over days count distinct households; those of `seen` do less RepeatCount. The meaning of each column is
    the SQL in days.py and nowhere else."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    covered = models.PositiveIntegerField(default=0)  # households whose counted visit was this day
    met = models.PositiveIntegerField(default=0)  # of these: met, and the talk finished, by now
    priority_covered = models.PositiveIntegerField(default=0)
    seen = models.PositiveIntegerField(default=0)  # households with a meeting that counts, the first or a later one
    seen_finished = models.PositiveIntegerField(default=0)  # with a meeting where the talk was finished
    seen_priority = models.PositiveIntegerField(default=0)
    make_up_done = models.PositiveIntegerField(default=0)  # settled by going again, by the last attempt
    make_up_due = models.PositiveIntegerField(default=0)  # to be gone to again, by due day
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


class RepeatCount(models.Model):
    """Households met on `day` that had last been met on `before`: what a sum of DayCount.seen over a period counts
    twice where both days lie within it. `seen_finished` looks at finished talks alone."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    before = models.DateField()
    seen = models.PositiveIntegerField(default=0)
    seen_finished = models.PositiveIntegerField(default=0)
    seen_priority = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "unit", "day", "before"], name="reports_repeatcount_once")
        ]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.day} {self.before}"


class CaseCount(models.Model):
    """What became of issues on a day: by the place where they arose (side 1) and by the unit they are charged to (side
    2). The meaning of each column is its part in cases.py and nowhere else."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    side = models.PositiveSmallIntegerField()
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    received = models.PositiveIntegerField(default=0)
    signed_in_time = models.PositiveIntegerField(default=0)
    signed_late = models.PositiveIntegerField(default=0)
    unsigned = models.PositiveIntegerField(default=0)
    returned = models.PositiveIntegerField(default=0)
    returned_wrongly = models.PositiveIntegerField(default=0)
    finished = models.PositiveIntegerField(default=0)
    redone = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    done_on_time = models.PositiveIntegerField(default=0)
    ended_solved = models.PositiveIntegerField(default=0)
    ended_explained = models.PositiveIntegerField(default=0)
    ended_not_accepted = models.PositiveIntegerField(default=0)
    ended_otherwise = models.PositiveIntegerField(default=0)
    reviewed = models.PositiveIntegerField(default=0)
    solvable_ended = models.PositiveIntegerField(default=0)
    solvable_solved = models.PositiveIntegerField(default=0)
    passed_late = models.PositiveIntegerField(default=0)
    running = models.PositiveIntegerField(default=0)
    solvable_running = models.PositiveIntegerField(default=0)
    asked = models.PositiveIntegerField(default=0)
    said_contacted = models.PositiveIntegerField(default=0)
    said_solved = models.PositiveIntegerField(default=0)
    said_content = models.PositiveIntegerField(default=0)
    said_mostly = models.PositiveIntegerField(default=0)
    said_not_content = models.PositiveIntegerField(default=0)
    not_reached = models.PositiveIntegerField(default=0)
    looked_at = models.PositiveIntegerField(default=0)
    held_up = models.PositiveIntegerField(default=0)
    help_in_time = models.PositiveIntegerField(default=0)
    help_late = models.PositiveIntegerField(default=0)
    help_open = models.PositiveIntegerField(default=0)
    answered = models.PositiveIntegerField(default=0)
    unanswered = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "side", "unit", "day"], name="reports_casecount_once"),
            models.CheckConstraint(name="reports_casecount_side", condition=Q(side__in=[1, 2])),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.unit_id} {self.day}"


class Freshness(models.Model):
    """One row: the moment up to which the rollups are known to hold everything that was committed."""

    counted_at = models.DateTimeField()
    # the last count that had anything to count: pages that poll ask whether it moved
    changed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(name="reports_freshness_one_row", condition=Q(pk=1))]

    def __str__(self) -> str:
        return str(self.counted_at)
