"""Units without duty (R10): which of the three a unit has (assignments, a linked place, tasks), from the rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef

from outreach.models import Campaign, LeaderLink, Membership, Unit
from reports.models import DutyExemption, UnitLink, WorkTask
from reports.task_board import official
from visits.models import Assignment


@dataclass(frozen=True, slots=True)
class Duty:
    """What one unit has; `exemption` where it needs none for now."""

    unit: Unit
    has_assignment: bool
    has_link: bool
    has_task: bool
    exemption: DutyExemption | None

    @property
    def is_idle(self) -> bool:
        """None of the three, and not exempted."""
        return not (self.has_assignment or self.has_link or self.has_task or self.exemption)

    @property
    def lacks_some(self) -> bool:
        """At least one of the three is missing, and it is not exempted."""
        return not (self.has_assignment and self.has_link and self.has_task) and not self.exemption


def duties(district: Unit, today: date) -> list[Duty]:
    """Return every unit in use of the district, in official order, with what it has. A fixed number of queries.

    Assignment: in a running campaign, of its people, or at households of the place. Link: a place it is linked to, or,
    for a place, a leader or department linked to it or to the township above. Task: of a running plan, its own or one
    it helps with, not cancelled.
    """
    units = list(
        Unit.objects.active()
        .filter(code__startswith=district.code)
        .exclude(kind=Unit.Kind.DISTRICT)
        .select_related("parent")
    )
    running = Assignment.objects.filter(campaign__state=Campaign.State.OPEN, campaign__district=district)
    people = Membership.objects.filter(unit__code__startswith=district.code, user__is_active=True)
    working = set(people.filter(Exists(running.filter(visitor=OuterRef("user")))).values_list("unit", flat=True))
    villages = Unit.objects.villages().filter(code__startswith=district.code)
    visited = set(
        villages.filter(Exists(running.filter(household__village=OuterRef("pk"), visitor__isnull=False))).values_list(
            "pk", flat=True
        )
    )
    led = set(LeaderLink.objects.filter(unit__code__startswith=district.code).values_list("unit", flat=True))
    links = UnitLink.objects.filter(ended_at=None, unit__code__startswith=district.code).values_list("unit", "place")
    linked = led | {unit for unit, _place in links} | {place for _unit, place in links}
    tasks = WorkTask.objects.filter(plan__district=district, plan__state="running").exclude(state="cancelled")
    tasked = set(tasks.values_list("unit", flat=True)) | set(
        tasks.filter(helpers__isnull=False).values_list("helpers", flat=True)
    )
    exempt = {
        row.unit_id: row
        for row in DutyExemption.objects.filter(
            ended_at=None, starts_on__lte=today, ends_on__gte=today, unit__code__startswith=district.code
        ).select_related("granted_by")
    }
    with_villages = {unit.parent_id for unit in units if unit.pk in visited}
    found = [
        Duty(
            unit,
            has_assignment=unit.pk in working or unit.pk in visited or unit.pk in with_villages,
            has_link=unit.pk in linked or (unit.kind == Unit.Kind.VILLAGE and unit.parent_id in linked),
            has_task=unit.pk in tasked,
            exemption=exempt.get(unit.pk),
        )
        for unit in units
    ]
    return sorted(found, key=lambda duty: official(duty.unit))


def idle(found: Iterable[Duty]) -> list[Duty]:
    """The units to whom nothing of the campaign is their business."""
    return [duty for duty in found if duty.is_idle]
