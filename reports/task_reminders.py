"""Reminders of tasks, deductions and shortfalls: before the due day, on it, and after; each rung once per person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from outreach import calendar
from outreach.access import Permission, Role
from outreach.models import Membership
from outreach.notify import notify
from reports.models import Deduction, Shortfall, WorkTask

LOCK = 4_399_061
WORDS: dict[str, Callable[[], str]] = {
    "before_5": lambda: _("%(what)s is due in 5 working days"),
    "before_1": lambda: _("%(what)s is due in 1 working day"),
    "today": lambda: _("%(what)s is due today"),
    "late_1": lambda: _("%(what)s is overdue"),
    "late_5": lambda: _("%(what)s is 5 working days overdue"),
}


@dataclass(frozen=True, slots=True)
class Due:
    """Something somebody is to do by a day."""

    kind: str
    pk: int
    what: str
    text: str
    url: str
    due_on: date
    person: int
    unit: int
    district: int


def rung_of(due_on: date, today: date, table: calendar.Overrides) -> str:
    """Return the rung something due on a day stands on today, or "". Rungs begin at their day and hold until the next,
    so that a day on which nothing ran loses none."""
    if due_on < today:
        late = calendar.workdays_between(due_on, today, table)
        return "late_5" if late >= 5 else "late_1" if late >= 1 else ""
    left = calendar.workdays_between(today, due_on, table)
    return "today" if left == 0 else "before_1" if left <= 1 else "before_5" if left <= 5 else ""


def dues(today: date, until: date) -> Iterator[Due]:
    """Yield what is still to be done and due by `until`."""
    for task in WorkTask.objects.filter(state=WorkTask.State.RUNNING, due_on__lte=until).select_related(
        "plan", "person"
    ):
        what = _("Task %(code)s") % {"code": task.code}
        url = reverse("reports:task_detail", args=[task.pk])
        yield Due(
            "task",
            task.pk,
            what,
            task.title,
            url,
            task.due_on,
            task.person.user_id,
            task.unit_id,
            task.plan.district_id,
        )
    for model, what in ((Deduction, _("Putting right a deduction")), (Shortfall, _("Putting right a shortfall"))):
        name = str(model._meta.model_name)
        for row in model.objects.filter(state="open", due_on__lte=until).select_related("person"):
            url = reverse(f"reports:{name}_detail", args=[row.pk])
            yield Due(name, row.pk, what, row.item, url, row.due_on, row.person.user_id, row.unit_id, row.district_id)


@transaction.atomic
def remind(now: datetime | None = None) -> int:
    """Remind everybody who is to be reminded today; return how many things stand on a rung.

    Nothing on days off. Safe to run at any time and any number of times: each person hears of a rung once.
    """
    today = timezone.localdate(now or timezone.now())
    table = calendar.overrides()
    if not calendar.is_workday(today, table):
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    heads, offices = _heads(), _offices()
    count = 0
    with translation.override(settings.LANGUAGE_CODE):
        for due in dues(today, calendar.add_workdays(today, 5, table)):
            rung = rung_of(due.due_on, today, table)
            if not rung:
                continue
            users = {due.person}
            if rung.startswith("late"):
                users |= heads.get(due.unit, set())
            if rung == "late_5":
                users |= offices.get(due.district, set())
            notify(
                kind="task.reminder",
                title=WORDS[rung]() % {"what": due.what},
                text=due.text,
                url=due.url,
                key=f"due:{due.kind}:{due.pk}:{rung}:{due.due_on}",
                users=users,
                in_digest=True,
            )
            count += 1
    return count


def _heads() -> dict[int, set[int]]:
    """Unit id → those who answer for it."""
    found: dict[int, set[int]] = {}
    roles = (Role.DEPARTMENT_HEAD, Role.TOWNSHIP_ADMIN, Role.VILLAGE_CLERK)
    posts = Membership.objects.filter(user__is_active=True, role__in=roles)
    for unit, user in posts.values_list("unit", "user"):
        found.setdefault(unit, set()).add(user)
    return found


def _offices() -> dict[int, set[int]]:
    """District id → those who write its plans."""
    found: dict[int, set[int]] = {}
    posts = Membership.objects.filter(user__is_active=True, unit__kind="district")
    for unit, role, grants, user in posts.values_list("unit", "role", "grants", "user"):
        if role == Role.DISTRICT_OFFICE or Permission.PLAN_EDIT in grants:
            found.setdefault(unit, set()).add(user)
    return found
