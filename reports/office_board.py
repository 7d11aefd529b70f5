"""The dispatch board (调度): this day or week by township and by department, who is late, what is stuck and waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db.models import Count as CountOf
from django.db.models import Max, Min, Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from households.models import RosterImport
from issues import difficult, workflow
from issues.models import Instruction, Issue
from outreach import access
from outreach.access import Permission
from outreach.counting import count_each
from outreach.models import Delivery, Unit
from reports import facts, held, lists
from reports.board_links import Count, Opener
from reports.indicators import Facts
from reports.leader_board import LateLine, late_lines
from reports.lists import LISTS, STUCK, Window
from reports.models import Appeal, Confirmation, DayCount
from reports.standing import Headline, Standing
from reports.task_due import TasksDue, due_of
from visits.attempts import GONE_OUTCOMES
from visits.models import Assignment

if TYPE_CHECKING:
    from outreach.models import User

PERIODS = ("today", "week")
QUIET_DAYS = 3
MAX_QUIET_DAYS = 60
LATE_SHOWN = 12
QUIET_SHOWN = 12


@dataclass(frozen=True)
class PlaceLine:
    """A township (in a township: a village): its progress, and what the days brought."""

    unit: Unit
    coverage: Headline
    gap: Decimal | None  # percentage points ahead of the time that has passed
    visits: Count
    covered: Count  # households met in these days, each once, also those met before
    raised: Count
    closed: Count
    overdue: Count
    quiet: int  # villages below without a visit for days


@dataclass(frozen=True)
class DepartmentLine:
    """A department by the issues it holds."""

    unit: Unit
    open: Count
    unaccepted: Count
    closed: Count
    overdue: Count
    oldest_days: int
    solution: Headline


@dataclass(frozen=True)
class Quiet:
    """A village with households still to visit and no visit for days."""

    unit: Unit
    township: Unit | None
    last_on: date | None
    days: int  # without a visit, since the campaign began where there was none
    unvisited: Count


@dataclass(frozen=True)
class Stuck:
    """Issues that stand still in a state."""

    label: str | Promise
    meaning: str | Promise
    count: Count


@dataclass(frozen=True)
class Waiting:
    """Something that waits for the office."""

    label: str
    icon: str
    count: Count
    tone: str


@dataclass(frozen=True)
class OfficeBoard:
    """All that stands on the page."""

    standing: Standing
    scope: Unit
    window: Window
    quiet_days: int
    coverage: Headline
    solution: Headline
    ended: int
    raised: int
    total: PlaceLine
    places: list[PlaceLine]
    departments: list[DepartmentLine]
    late: list[LateLine]
    late_more: int
    late_total: Count
    quiet: list[Quiet]
    quiet_total: int
    stuck: list[Stuck]
    waiting: list[Waiting]
    tasks: TasksDue | None


def window_of(period: str, today: date) -> Window:
    """Today, or the days of this week up to today."""
    first = today - timedelta(days=today.weekday()) if period == "week" else today
    return Window(first, today, today)


def build(standing: Standing, user: User, scope: Unit, *, period: str, quiet_days: int) -> OfficeBoard:
    """Put the page together for `scope`, the district or a township. A fixed number of queries at any size."""
    opener = Opener.of(user, standing.campaign)
    window = window_of(period, standing.today)
    below = Unit.Kind.VILLAGE if scope.kind == Unit.Kind.TOWNSHIP else Unit.Kind.TOWNSHIP
    places = [unit for unit in standing.units if unit.kind == below and unit.code.startswith(scope.code)]
    done = facts.read(standing.campaign, standing.units, standing.today, first=window.first, last=window.last)
    closed = _closed(standing, window, len(places[0].code) if places else len(scope.code))
    quiet = _quiet(standing, opener, scope, quiet_days)
    late = held.late_units(standing.campaign, [scope.code], standing.today)
    closed_all = sum(count for code, count in closed.items() if code.startswith(scope.code))
    return OfficeBoard(
        standing=standing,
        scope=scope,
        window=window,
        quiet_days=quiet_days,
        coverage=standing.coverage([scope], opener.figure(scope, "to_visit")),
        solution=standing.solution([scope], opener.figure(scope, "judged")),
        ended=standing.ended([scope]),
        raised=standing.of([scope]).issues_raised,
        total=_place(standing, opener, scope, window, done, closed_all, quiet),
        places=[_place(standing, opener, unit, window, done, closed.get(unit.code, 0), quiet) for unit in places],
        departments=_departments(standing, opener, window) if scope.kind == Unit.Kind.DISTRICT else [],
        late=late_lines(opener, scope, late[:LATE_SHOWN]),
        late_more=max(0, len(late) - LATE_SHOWN),
        late_total=opener.count(sum(row.count for row in late), opener.issues(scope, "late_here")),
        quiet=quiet[:QUIET_SHOWN],
        quiet_total=len(quiet),
        stuck=_stuck(standing, opener, scope, window),
        waiting=_waiting(standing, user, scope),
        tasks=due_of(user, scope, standing.today),
    )


def _place(
    standing: Standing,
    opener: Opener,
    unit: Unit,
    window: Window,
    done: dict[str, Facts],
    closed: int,
    quiet: Sequence[Quiet],
) -> PlaceLine:
    coverage = standing.coverage([unit], opener.figure(unit, "to_visit"))
    now, then = standing.of([unit]), done.get(unit.code, Facts())
    return PlaceLine(
        unit=unit,
        coverage=coverage,
        gap=None if coverage.value is None else coverage.value - standing.elapsed.percent,
        visits=opener.count(then.visits, opener.visits(unit, window)),
        covered=opener.count(then.covered, opener.met(unit, window)),
        raised=opener.count(then.issues_raised, opener.issues(unit, "raised", window)),
        closed=opener.count(closed, opener.issues(unit, "closed", window)),
        overdue=opener.count(now.overdue, opener.figure(unit, "overdue")),
        quiet=sum(row.unit.code.startswith(unit.code) for row in quiet),
    )


def _closed(standing: Standing, window: Window, length: int) -> dict[str, int]:
    """Issues signed off in the window, by the code of the place cut to `length`. One query."""
    rows = lists.issue_rows(LISTS["closed"], standing.campaign, [standing.district.code], window)
    found: dict[str, int] = {}
    for code, count in rows.order_by().values_list("place__code").annotate(CountOf("pk")):
        found[code[:length]] = found.get(code[:length], 0) + count
    return found


def _departments(standing: Standing, opener: Opener, window: Window) -> list[DepartmentLine]:
    units = [unit for unit in standing.units if unit.kind == Unit.Kind.DEPARTMENT]
    rows = (
        Issue.objects.filter(
            Q(state__in=workflow.OPEN_STATES) | LISTS["held_closed"].rows(window),
            campaign=standing.campaign,
            unit__in=[unit.pk for unit in units],
        )
        .order_by()
        .values_list("unit__code")
        .annotate(
            still_open=CountOf("pk", filter=Q(state__in=workflow.OPEN_STATES)),
            unaccepted=CountOf("pk", filter=LISTS["held_unaccepted"].rows(window)),
            closed=CountOf("pk", filter=LISTS["held_closed"].rows(window)),
            overdue=CountOf("pk", filter=LISTS["late"].rows(window)),
            oldest=Min("due_on", filter=LISTS["late"].rows(window)),
        )
    )
    found = {code: counts for code, *counts in rows}
    lines = []
    for unit in units:
        # a department's offices count with it
        parts = [counts for code, counts in found.items() if code.startswith(unit.code)]
        is_open, unaccepted, closed, overdue = (sum(part[number] for part in parts) for number in range(4))
        oldest = min((part[4] for part in parts if part[4]), default=None)
        if not (is_open or closed or standing.of([unit]).issues_raised or standing.of([unit]).judged):
            continue
        lines.append(
            DepartmentLine(
                unit=unit,
                open=opener.count(is_open, opener.issues(unit, "held")),
                unaccepted=opener.count(unaccepted, opener.issues(unit, "held_unaccepted")),
                closed=opener.count(closed, opener.issues(unit, "held_closed", window)),
                overdue=opener.count(overdue, opener.issues(unit, "late")),
                oldest_days=(standing.today - oldest).days if oldest else 0,
                solution=standing.solution([unit], opener.figure(unit, "judged")),
            )
        )
    return lines


def _quiet(standing: Standing, opener: Opener, scope: Unit, days: int) -> list[Quiet]:
    """Villages with households to visit and no visit for `days` days, the longest silence first. One query."""
    visited = DayCount.objects.filter(campaign=standing.campaign, visits__gt=0, day__lte=standing.today)
    last = dict(visited.order_by().values_list("unit__code").annotate(Max("day")))
    began = standing.campaign.starts_on
    found = []
    for unit in standing.units:
        unvisited = standing.of([unit]).unvisited
        if unit.kind != Unit.Kind.VILLAGE or not unit.code.startswith(scope.code) or unvisited <= 0:
            continue
        silence = (standing.today - last.get(unit.code, began - timedelta(days=1))).days
        if silence > days and standing.today >= began:
            found.append(
                Quiet(
                    unit=unit,
                    township=standing.by_code.get(unit.township_code),
                    last_on=last.get(unit.code),
                    days=silence if unit.code in last else silence - 1,
                    unvisited=opener.count(unvisited, opener.figure(unit, "unvisited")),
                )
            )
    return sorted(found, key=lambda row: -row.days)


def _stuck(standing: Standing, opener: Opener, scope: Unit, window: Window) -> list[Stuck]:
    counts = count_each({key: lists.issue_rows(LISTS[key], standing.campaign, [scope.code], window) for key in STUCK})
    return [
        Stuck(
            label=LISTS[key].label,
            meaning=meaning,
            count=opener.count(counts[key], opener.issues(scope, key)),
        )
        for key, (_state, meaning) in STUCK.items()
    ]


def _waiting(standing: Standing, user: User, scope: Unit) -> list[Waiting]:
    """What waits for a decision of the reader's, each only for who may take it or follow it."""
    rights = access.permissions_of(user)
    cutoff = difficult.cutoff_of(standing.today)
    issues = Issue.objects.visible_to(user).filter(lists.in_units([scope.code]))
    overdue_answers = Instruction.objects.filter(
        is_current=True, answered_at=None, due_on__lt=standing.today, issue__in=issues.values("pk")
    )
    doors = Assignment.objects.visible_to(user).filter(
        campaign=standing.campaign,
        state=Assignment.State.TO_CONFIRM,
        last_outcome__in=sorted(GONE_OUTCOMES),
        household__village__code__startswith=scope.code,
    )
    week_on = last_week(standing.today)
    notes = Confirmation.objects.visible_to(user).filter(campaign=standing.campaign, week_on=week_on).exclude(note="")
    every = [
        ("difficult", difficult.in_tab(issues, "waiting", cutoff), Permission.ISSUE_VIEW),
        ("answers", overdue_answers, Permission.ISSUE_VIEW),
        ("doors", doors, Permission.UNREACHABLE_CONFIRM),
        (
            "imports",
            RosterImport.objects.visible_to(user).filter(state=RosterImport.State.CHECKED),
            Permission.ROSTER_IMPORT,
        ),
        ("messages", Delivery.objects.visible_to(user).stuck(), Permission.MESSAGE_WATCH),
        ("appeals", Appeal.objects.visible_to(user).waiting(), Permission.SCORE_DECIDE),
        ("notes", notes, Permission.RANKING_VIEW),
    ]
    shown = {name: rows for name, rows, permission in every if permission in rights}
    counts = count_each(shown)
    look = {
        "difficult": (_("Difficult issues waiting for an instruction"), "flame", reverse("issues:difficult")),
        "answers": (_("Answers to instructions overdue"), "message", f"{reverse('issues:difficult')}?tab=given"),
        "doors": (
            _("Households reported empty or moved, to be confirmed"),
            "door",
            reverse("visits:campaign_confirm", args=[standing.campaign.pk]),
        ),
        "imports": (_("Roster imports waiting to be committed"), "upload", reverse("households:import_list")),
        "messages": (_("Messages not delivered"), "send", reverse("deliveries")),
        "appeals": (_("Appeals waiting for a decision"), "scale", reverse("reports:appeal_list")),
        "notes": (_("Last week's figures found wrong by a unit"), "edit", reverse("boards:confirmations")),
    }
    return [
        Waiting(look[name][0], look[name][1], Count(counts[name], look[name][2]), "warn" if counts[name] else "good")
        for name in shown
    ]


def last_week(today: date) -> date:
    """The Monday of the last whole week."""
    return today - timedelta(days=today.weekday() + 7)
