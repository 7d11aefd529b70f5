"""Tasks that are late or due soon, as boards and units' pages show them; each count opens into the list of tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Q
from django.urls import reverse
from django.utils.http import urlencode

from outreach import access, calendar
from outreach.access import Permission
from outreach.models import Unit
from reports import task_board
from reports.board_links import Count
from reports.models import WorkPlan, WorkTask
from reports.models.plans import WorkTaskQuerySet
from reports.pace import Light
from reports.task_board import Line

if TYPE_CHECKING:
    from outreach.models import User

SOON = "soon"  # the filter's name for it
SOON_WORKDAYS = 5
SHOWN = 5
OVER = (Light.REACHED, Light.DONE, Light.CANCELLED)


@dataclass(frozen=True)
class TasksDue:
    """A unit's tasks that ask for attention, its units' below with them: the first rows, how many are late and soon."""

    unit: Unit
    rows: list[Line]
    late: Count
    soon: Count
    url: str


def of_unit(tasks: WorkTaskQuerySet, unit: Unit) -> WorkTaskQuerySet:
    """Those of a unit and those below it, and those it helps with."""
    return tasks.filter(Q(unit__code__startswith=unit.code) | Q(helpers=unit)).distinct()


def is_soon(line: Line, today: date, until: date) -> bool:
    """Is it still to be done, and due from today to `until`?"""
    return line.pace.light not in OVER and today <= line.task.due_on <= until


def soon_until(today: date) -> date:
    """The last day that counts as soon."""
    return calendar.add_workdays(today, SOON_WORKDAYS)


def due_of(user: User, unit: Unit, today: date) -> TasksDue | None:
    """Return the unit's tasks that are late or due within 5 working days; None where the reader sees none of its tasks.

    A fixed number of queries at any size.
    """
    reach = access.reach(user)
    if reach is None or not unit.code.startswith(reach) or not access.has_permission(user, Permission.PLAN_VIEW):
        return None
    until = soon_until(today)
    tasks = WorkTask.objects.visible_to(user).alive().filter(plan__state=WorkPlan.State.RUNNING, due_on__lte=until)
    is_district = unit.kind == Unit.Kind.DISTRICT
    rows = (tasks if is_district else of_unit(tasks, unit)).with_names().order_by("due_on", "pk")
    lines = task_board.lines(rows[: task_board.MAX_TASKS], today)
    asked = {"view": "list"} | ({} if is_district else {"unit": str(unit.pk)})
    late = [line for line in lines if line.pace.light == Light.LATE]
    soon = [line for line in lines if is_soon(line, today, until)]
    return TasksDue(
        unit=unit,
        rows=[*late, *soon][:SHOWN],
        late=_count(late, asked | {"light": Light.LATE.value}),
        soon=_count(soon, asked | {"light": SOON}),
        url=_list(asked),
    )


def _count(lines: Iterable[Line], asked: dict[str, str]) -> Count:
    number = len(list(lines))
    return Count(number, _list(asked) if number else "")


def _list(asked: dict[str, str]) -> str:
    return f"{reverse('reports:task_list')}?{urlencode(asked)}"
