"""Tasks as leaders read them: each with its pace and light, summed up by unit and by plan. Figures the program counts
are put in here, so that nobody types them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from outreach import calendar
from outreach.models import Campaign, Unit
from reports import readings
from reports.indicators import INDICATORS
from reports.models import WorkPlan, WorkTask
from reports.pace import HUNDRED, Light, Pace, WorkingTime, light_of, progress_of, rounded

# More tasks than that no page sums up; the filter says so.
MAX_TASKS = 5_000


@dataclass(frozen=True, slots=True)
class Line:
    """A task with what it has come to. `value`: what is reached, typed or counted; None: nothing yet."""

    task: WorkTask
    value: Decimal | None
    pace: Pace


@dataclass
class Sum:
    """Tasks of one unit or one plan together."""

    key: int
    name: str
    lines: list[Line] = field(default_factory=list)

    def count(self, *lights: Light) -> int:
        return sum(line.pace.light in lights for line in self.lines)

    @property
    def alive(self) -> list[Line]:
        """Those not cancelled."""
        return [line for line in self.lines if line.pace.light != Light.CANCELLED]

    @property
    def total(self) -> int:
        return len(self.alive)

    @property
    def done(self) -> int:
        return self.count(Light.DONE)

    @property
    def late(self) -> int:
        return self.count(Light.LATE)

    @property
    def behind(self) -> int:
        return self.count(Light.BEHIND, Light.SLOW)

    @property
    def to_judge(self) -> int:
        """Reports waiting."""
        return sum(line.task.state == WorkTask.State.REPORTED for line in self.lines)

    @property
    def progress(self) -> Decimal | None:
        """The mean progress of the tasks that have a number, the completed ones being 100; None without any."""
        known = [HUNDRED if line.pace.light == Light.DONE else line.pace.progress for line in self.alive]
        values = [value for value in known if value is not None]
        return rounded(sum(values, Decimal(0)) / len(values)) if values else None

    @property
    def elapsed(self) -> Decimal | None:
        """The mean of the working time that is over, of the same tasks; None without any."""
        lines = [line for line in self.alive if line.pace.light == Light.DONE or line.pace.progress is not None]
        return rounded(sum((line.pace.elapsed for line in lines), Decimal(0)) / len(lines)) if lines else None

    @property
    def worst(self) -> Light:
        """The light that asks for attention first."""
        order = list(Light)
        return min((line.pace.light for line in self.lines), key=order.index, default=Light.NOT_BEGUN)


def lines(tasks: Iterable[WorkTask], today: date) -> list[Line]:
    """Return each task with its pace, in their order. The tasks come with_names. The calendar is read once, and the
    readings once for each campaign and period that a counted task names."""
    rows = list(tasks)
    time = WorkingTime(calendar.overrides())
    counted = _counted([task for task in rows if task.measure == WorkTask.Measure.INDICATOR and task.is_alive], today)
    found = []
    for task in rows:
        value = counted.get(task.pk, task.reached)
        indicator = INDICATORS.get(task.indicator)
        better_up = indicator is None or indicator.higher_is_better
        progress = progress_of(value, task.target, higher_is_better=better_up)
        elapsed = time.elapsed(task.starts_on, task.due_on, today)
        light = light_of(
            state=task.state,
            progress=progress,
            elapsed=elapsed,
            starts_on=task.starts_on,
            due_on=task.due_on,
            today=today,
        )
        found.append(Line(task, value, Pace(progress, elapsed, light)))
    return found


def _counted(tasks: Sequence[WorkTask], today: date) -> dict[int, Decimal | None]:
    """Return task id → its figure as counted since the campaign began, for tasks measured by one."""
    by_campaign: dict[int, Campaign] = {}
    for task in tasks:
        if task.plan.campaign is not None:
            by_campaign[task.plan.campaign.pk] = task.plan.campaign
    read = {pk: readings.read(campaign, first=None, last=today, today=today) for pk, campaign in by_campaign.items()}
    values: dict[int, Decimal | None] = {}
    for task in tasks:
        of_unit = read.get(task.plan.campaign_id or 0, {}).get(task.unit.code, {})
        reading = of_unit.get(task.indicator)
        values[task.pk] = reading.value if reading is not None else None
    return values


def by_unit(found: Iterable[Line]) -> list[Sum]:
    """Sum up by responsible unit, in official order; a township's villages stand after it."""
    sums: dict[int, Sum] = {}
    units: dict[int, Unit] = {}
    for line in found:
        unit = line.task.unit
        units[unit.pk] = unit
        sums.setdefault(unit.pk, Sum(unit.pk, unit.name)).lines.append(line)
    return sorted(sums.values(), key=lambda each: official(units[each.key]))


def official(unit: Unit) -> tuple[int, int, int, int]:
    """The official order of a unit among all kinds; a village stands after its township."""
    above = unit.parent if unit.kind == Unit.Kind.VILLAGE else None
    if above is not None:
        return (above.sort_order, above.pk, 1 + unit.sort_order, unit.pk)
    return (unit.sort_order, unit.pk, 0, 0)


def by_plan(found: Iterable[Line]) -> list[Sum]:
    """Sum up by plan, in the order the lines come in."""
    sums: dict[int, Sum] = {}
    for line in found:
        plan: WorkPlan = line.task.plan
        sums.setdefault(plan.pk, Sum(plan.pk, plan.title)).lines.append(line)
    return list(sums.values())
