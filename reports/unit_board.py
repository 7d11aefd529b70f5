"""A unit's own page: its figures, what drags them down, what is late, whom nobody visited, what it must confirm."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Count as CountOf
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues.models import Issue
from outreach import access
from outreach.access import Permission, Role
from outreach.counting import count_each
from outreach.models import LeaderLink, Unit
from reports import facts, figures, lists
from reports.board_links import Count, Opener
from reports.indicators import COVERAGE, SOLUTION, Facts, ranking
from reports.leader_board import Change, changes_of
from reports.lists import LISTS, Window
from reports.models import Confirmation
from reports.office_board import last_week
from reports.standing import Headline, Scope, Standing
from reports.task_due import TasksDue, due_of
from reports.unit_score import ScoreCard, score_card
from visits.models import Assignment

if TYPE_CHECKING:
    from outreach.models import User

LATE_SHOWN = 8
GROUPS_SHOWN = 12
# Who speaks for a unit.
HEADS = (Role.VILLAGE_CLERK, Role.TOWNSHIP_ADMIN, Role.DEPARTMENT_HEAD)
# What a week's confirmation names, in order.
WEEK_FIGURES: tuple[tuple[str, str | Promise], ...] = (
    ("visits", gettext_lazy("Visits")),
    ("covered", gettext_lazy("Households visited in the week")),
    ("raised", gettext_lazy("New issues")),
    ("closed", gettext_lazy("Issues signed off")),
    ("to_visit", gettext_lazy("Households to visit")),
    ("visited", gettext_lazy("Households visited so far")),
    ("overdue", gettext_lazy("Overdue, open")),
)


@dataclass(frozen=True)
class Place:
    """Where the unit stands among its like by one figure."""

    indicator: str | Promise
    rank: int | None
    of: int
    peers: str
    url: str  # the ranking it stands in


@dataclass(frozen=True)
class Unvisited:
    """A village, or a group of one, with households nobody visited."""

    name: str
    count: Count


@dataclass(frozen=True)
class Week:
    """The week to confirm, with its figures as they are now, and the confirmation where there is one."""

    first: date
    last: date
    figures: list[tuple[str | Promise, int]]
    values: dict[str, int]
    done: Confirmation | None
    may_confirm: bool


@dataclass(frozen=True)
class UnitBoard:
    """All that stands on the page."""

    standing: Standing
    unit: Unit
    parent: Unit | None
    is_department: bool
    coverage: Headline | None
    solution: Headline
    ended: int
    raised: int
    overdue: Count
    overdue_here: Count | None  # None for a department: nothing arises in it
    held: Count
    unvisited: Count
    places: list[Place]
    changes: list[Change]
    late: list[Issue]
    late_total: int
    late_hidden: int
    late_url: str
    groups: list[Unvisited]
    children: list[Unit]
    linked: list[Unit]  # a department's townships, through the leaders both are linked to
    week: Week | None
    card: ScoreCard | None
    tasks: TasksDue | None
    sees_rows: bool


def build(standing: Standing, user: User, unit: Unit) -> UnitBoard:
    """Put the unit's page together. A fixed number of queries at any size."""
    opener = Opener.of(user, standing.campaign)
    scope = Scope(unit.name, [unit])
    is_department = unit.kind == Unit.Kind.DEPARTMENT
    window = Window.of_day(standing.today, standing.today)
    late = lists.issue_rows(LISTS["late"], standing.campaign, [unit.code], window)
    seen = late.visible_to(user)
    still_open = lists.issue_rows(LISTS["held"], standing.campaign, [unit.code], window)
    counts = count_each({"late": late, "seen": seen, "held": still_open})
    now = standing.of([unit])
    return UnitBoard(
        standing=standing,
        unit=unit,
        parent=standing.by_code.get(_parent_code(unit)),
        is_department=is_department,
        coverage=None if is_department else standing.coverage([unit], opener.figure(unit, "to_visit")),
        solution=standing.solution([unit], opener.figure(unit, "judged")),
        ended=standing.ended([unit]),
        raised=now.issues_raised,
        overdue=opener.count(counts["late"], opener.issues(unit, "late")),
        overdue_here=None if is_department else opener.count(now.overdue, opener.figure(unit, "overdue")),
        held=opener.count(counts["held"], opener.issues(unit, "held")),
        unvisited=opener.count(now.unvisited, "" if is_department else opener.figure(unit, "unvisited")),
        places=_places(standing, unit),
        changes=changes_of(standing, user, scope, opener, unit),
        late=list(seen.with_names().order_by("due_on", "pk")[:LATE_SHOWN]),
        late_total=counts["late"],
        late_hidden=counts["late"] - counts["seen"],
        late_url=opener.issues(unit, "late") if counts["seen"] else "",
        groups=[] if is_department else _unvisited(standing, opener, user, unit),
        children=_children(standing, unit),
        linked=_linked(standing, unit) if is_department else [],
        week=week_of(standing, user, unit),
        card=score_card(standing.campaign, user, unit),
        tasks=due_of(user, unit, standing.today),
        sees_rows=access.has_permission(user, Permission.ISSUE_VIEW),
    )


def _parent_code(unit: Unit) -> str:
    return unit.township_code if unit.kind == Unit.Kind.VILLAGE else unit.district_code


def _children(standing: Standing, unit: Unit) -> list[Unit]:
    kinds = {Unit.Kind.DISTRICT: Unit.Kind.TOWNSHIP, Unit.Kind.TOWNSHIP: Unit.Kind.VILLAGE}
    below = kinds.get(Unit.Kind(unit.kind))
    return [each for each in standing.units if each.kind == below and each.code.startswith(unit.code)]


def _places(standing: Standing, unit: Unit) -> list[Place]:
    """The unit's rank among its like: townships, departments, or the villages of its township."""
    if unit.kind == Unit.Kind.DISTRICT:
        return []
    peers = [
        each
        for each in standing.units
        if each.kind == unit.kind
        and each.code in standing.now
        and (unit.kind != Unit.Kind.VILLAGE or each.township_code == unit.township_code)
    ]
    names = {
        Unit.Kind.TOWNSHIP: _("townships"),
        Unit.Kind.VILLAGE: _("villages of the township"),
        Unit.Kind.DEPARTMENT: _("departments"),
    }
    found = []
    for indicator in (COVERAGE, SOLUTION):
        if unit.kind == Unit.Kind.DEPARTMENT and indicator is COVERAGE:
            continue
        ranks = {place.key: place.rank for place in ranking([(p.code, standing.now[p.code]) for p in peers], indicator)}
        ranked = sum(rank is not None for rank in ranks.values())
        peers_name, url = names[Unit.Kind(unit.kind)], _peers_url(standing, unit, indicator.key)
        found.append(Place(indicator.name, ranks.get(unit.code), ranked, peers_name, url))
    return found


def _peers_url(standing: Standing, unit: Unit, by: str) -> str:
    """Where the rates of the unit's like stand side by side; departments have theirs on the dispatch board, which is
    the district's own."""
    if unit.kind == Unit.Kind.DEPARTMENT:
        return reverse("reports:unit_indicators", args=[standing.campaign.pk, unit.code])
    asked = {"campaign": str(standing.campaign.pk), "by": by}
    if unit.kind == Unit.Kind.VILLAGE:
        asked |= {"unit": unit.township_code}
    return f"{reverse('reports:ranking')}?{urlencode(asked)}"


def _unvisited(standing: Standing, opener: Opener, user: User, unit: Unit) -> list[Unvisited]:
    """Where the households are that nobody visited: by unit below, in a village by group as far as the reader sees."""
    if unit.kind != Unit.Kind.VILLAGE:
        rows = [
            Unvisited(each.name, opener.count(standing.of([each]).unvisited, opener.figure(each, "unvisited")))
            for each in _children(standing, unit)
        ]
        return sorted((row for row in rows if row.count.value > 0), key=lambda row: -row.count.value)[:GROUPS_SHOWN]
    if not opener.reader.opens_households(unit.code):
        return []
    duties = Assignment.objects.visible_to(user).filter(
        figures.HOUSEHOLDS["unvisited"].rows(figures.Period(standing.today)),
        campaign=standing.campaign,
        household__village=unit,
    )
    groups = duties.order_by().values_list("household__group").annotate(number=CountOf("pk")).order_by("-number")
    return [Unvisited(group or _("no group"), Count(number)) for group, number in groups[:GROUPS_SHOWN]]


def _linked(standing: Standing, department: Unit) -> list[Unit]:
    """The townships and villages linked to the leaders who answer for the department (联系镇街)."""
    leaders = LeaderLink.objects.filter(unit=department).values("leader")
    links = LeaderLink.objects.filter(leader__in=leaders).exclude(unit__kind=Unit.Kind.DEPARTMENT)
    codes = set(links.values_list("unit__code", flat=True))
    return [unit for unit in standing.units if unit.code in codes and unit.kind != Unit.Kind.DISTRICT]


def may_confirm(user: User, unit: Unit) -> bool:
    """Does the user speak for the unit?"""
    post = access.post_of(user)
    return post is not None and post.unit_id == unit.pk and post.role in HEADS


def week_figures(standing: Standing, unit: Unit, first: date) -> dict[str, int]:
    """The figures of the week that begins on `first`, and how the unit stands now, by key."""
    window = Window(first, first + lists.WEEK, standing.today)
    counted = facts.read(standing.campaign, standing.units, standing.today, first=window.first, last=window.last).get(
        unit.code, Facts()
    )
    is_department = unit.kind == Unit.Kind.DEPARTMENT
    counts = count_each(
        {key: lists.issue_rows(LISTS[key], standing.campaign, [unit.code], window) for key in ("raised", "closed")}
    )
    values = {"raised": counts["raised"], "closed": counts["closed"], "overdue": standing.of([unit]).overdue}
    if not is_department:
        now = standing.of([unit])
        values |= {
            "visits": counted.visits,
            "covered": counted.covered,
            "to_visit": now.to_visit,
            "visited": now.covered,
        }
    return values


def week_of(standing: Standing, user: User, unit: Unit) -> Week | None:
    """The last whole week, for who works in the unit or above it; None before the campaign had one."""
    first = last_week(standing.today)
    code = access.reach(user)
    if code is None or not unit.code.startswith(code) or unit.kind == Unit.Kind.DISTRICT:
        return None
    if first + lists.WEEK < standing.campaign.starts_on:
        return None
    done = (
        Confirmation.objects.visible_to(user)
        .filter(campaign=standing.campaign, unit=unit, week_on=first)
        .select_related("confirmed_by")
        .first()
    )
    values = done.figures if done else week_figures(standing, unit, first)
    return Week(
        first=first,
        last=first + lists.WEEK,
        figures=[(label, values[key]) for key, label in WEEK_FIGURES if key in values],
        values=values,
        done=done,
        may_confirm=done is None and may_confirm(user, unit),
    )
