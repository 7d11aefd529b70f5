"""A leader's home: the linked departments and places first, the whole district one tap away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from issues import difficult
from issues.models import Instruction, Issue
from outreach import access
from outreach.access import Permission
from outreach.counting import count_each
from outreach.models import LeaderLink, Unit
from reports import held, lists
from reports.board_links import Count, Opener
from reports.held import Late
from reports.indicators import COVERAGE, SOLUTION, ranking
from reports.lists import LISTS, Window
from reports.models import Appeal, Snapshot
from reports.models.snapshots import KEEPERS
from reports.ranking import percent
from reports.standing import Headline, Scope, Standing
from reports.task_due import TasksDue, due_of

if TYPE_CHECKING:
    from outreach.models import User

LATE_SHOWN = 8
DIFFICULT_SHOWN = 5
CHANGES: tuple[tuple[str, str | Promise, str], ...] = (
    ("raised", gettext_lazy("New issues"), "flag"),
    ("closed", gettext_lazy("Issues signed off"), "check-circle"),
    ("newly_overdue", gettext_lazy("Newly overdue, still open"), "alert"),
    ("supervised", gettext_lazy("Newly under supervision"), "shield"),
)


@dataclass(frozen=True)
class UnitLine:
    """One unit of the scope with its two figures."""

    unit: Unit
    coverage: Headline | None  # None: a department visits no household of its own
    solution: Headline
    overdue: Count


@dataclass(frozen=True)
class LateLine:
    """A unit that is late, and the way to what it is late with."""

    late: Late
    url: str


@dataclass(frozen=True)
class Change:
    """What happened yesterday and today."""

    label: str | Promise
    icon: str
    yesterday: Count
    today: Count


@dataclass(frozen=True)
class Difficult:
    """A difficult issue that waits for an instruction."""

    issue: Issue
    reasons: str


@dataclass(frozen=True)
class LeaderBoard:
    """All that stands on the page."""

    standing: Standing
    scope: Scope
    is_linked: bool  # the scope is what the reader is linked to
    has_links: bool
    coverage: Headline
    solution: Headline
    ended: int  # issues signed off, whatever the outcome
    raised: int
    lines: list[UnitLine]
    late: list[LateLine]
    late_more: int
    late_total: Count
    changes: list[Change]
    difficult: list[Difficult]
    difficult_total: int
    unanswered: int  # instructions whose answer is overdue
    paragraph: str
    tasks: TasksDue | None
    sees_rows: bool


def linked_units(user: User) -> list[Unit]:
    """The units a leader's post is linked to (分管、联点), in official order."""
    post = access.post_of(user)
    if post is None:
        return []
    links = LeaderLink.objects.filter(leader=post).select_related("unit").order_by("unit__sort_order", "unit__code")
    return [link.unit for link in links if link.unit.code.startswith(post.unit.district_code)]


def build(standing: Standing, user: User, *, whole: bool) -> LeaderBoard:
    """Put the page together. `whole`: the district, also for who is linked to some units. A fixed number of queries."""
    links = linked_units(user)
    is_linked = bool(links) and not whole and standing.district not in links
    district = standing.district
    scope = Scope(_("Linked units"), links) if is_linked else Scope(_("Whole district"), [district])
    opener = Opener.of(user, standing.campaign, mine=is_linked and len(scope.tops) > 1)
    shown = scope.tops if is_linked else [unit for unit in standing.units if unit.kind == Unit.Kind.TOWNSHIP]
    only = scope.tops[0] if len(scope.tops) == 1 else None
    # several units together have no page of rows for a rate: each has its own in the table below
    coverage = standing.coverage(scope.places, opener.figure(only, "to_visit") if only else "#units")
    # a department's issues arose in the places: counted with them they would count twice
    judged = scope.places or scope.tops
    solution = standing.solution(judged, opener.figure(only, "judged") if only else "#units")
    sees_rows = access.has_permission(user, Permission.ISSUE_VIEW)
    late = held.late_units(standing.campaign, scope.codes, standing.today) if sees_rows else []
    counted = standing.of(judged)
    waiting, waiting_total, unanswered = _difficult(standing, user, scope) if sees_rows else ([], 0, 0)
    at = only or district
    return LeaderBoard(
        standing=standing,
        scope=scope,
        is_linked=is_linked,
        has_links=bool(links),
        coverage=coverage,
        solution=solution,
        ended=standing.ended(judged),
        raised=counted.issues_raised,
        lines=[_line(standing, opener, unit) for unit in shown],
        late=late_lines(opener, at, late[:LATE_SHOWN]),
        late_more=max(0, len(late) - LATE_SHOWN),
        late_total=opener.count(sum(row.count for row in late), opener.issues(at, "late_here")),
        changes=changes_of(standing, user, scope, opener, at),
        difficult=waiting,
        difficult_total=waiting_total,
        unanswered=unanswered,
        paragraph=paragraph(standing, scope, late),
        tasks=due_of(user, at, standing.today),
        sees_rows=sees_rows,
    )


def late_lines(opener: Opener, at: Unit, late: Sequence[Late]) -> list[LateLine]:
    """Each late unit with the way to what it is late with, of the issues of `at`."""
    return [LateLine(row, opener.issues(at, "late_here", holder=row.unit)) for row in late]


def _line(standing: Standing, opener: Opener, unit: Unit) -> UnitLine:
    alone = Opener(opener.campaign, opener.reader)
    is_place = unit.kind != Unit.Kind.DEPARTMENT
    overdue = standing.of([unit]).overdue
    return UnitLine(
        unit=unit,
        coverage=standing.coverage([unit], alone.figure(unit, "to_visit")) if is_place else None,
        solution=standing.solution([unit], alone.figure(unit, "judged")),
        overdue=alone.count(overdue, alone.figure(unit, "overdue")),
    )


def changes_of(standing: Standing, user: User, scope: Scope, opener: Opener, at: Unit) -> list[Change]:
    """Yesterday whole, today so far: in the morning today alone says nothing. `at`: the unit the rows open at."""
    days = (standing.yesterday, standing.today)
    windows = {day: Window.of_day(day, standing.today) for day in days}
    found = count_each(
        {
            f"{key}_{day:%Y%m%d}": lists.issue_rows(LISTS[key], standing.campaign, scope.codes, windows[day])
            for key, _label, _icon in CHANGES
            for day in days
        }
    )
    visits = [
        opener.count(
            standing.on(day, scope.places).visits,
            opener.visits(at, windows[day]) if at.kind != Unit.Kind.DEPARTMENT else "",
        )
        for day in days
    ]
    changes = [Change(_("Visits"), "walk", *visits)] if scope.places else []
    for key, label, icon in CHANGES:
        counts = [opener.count(found[f"{key}_{day:%Y%m%d}"], opener.issues(at, key, windows[day])) for day in days]
        changes.append(Change(label, icon, *counts))
    return [*changes, _published(standing, user), *_appeals(standing, user, scope)]


def _appeals(standing: Standing, user: User, scope: Scope) -> list[Change]:
    """Appeals filed and decided on these days by the units of the scope, for who sees appeals. One query."""
    if not access.permissions_of(user) & {Permission.APPEAL_FILE, *KEEPERS}:
        return []
    inside = Q()
    for code in scope.codes:
        inside |= Q(unit__code__startswith=code)
    rows = Appeal.objects.visible_to(user).filter(inside, snapshot__campaign=standing.campaign)
    days = (standing.yesterday, standing.today)
    kinds = (("filed_at", _("Appeals filed")), ("decided_at", _("Appeals decided")))
    found = count_each(
        {
            f"{moment}_{day:%Y%m%d}": rows.filter(Window.of_day(day, standing.today).holds(moment))
            for moment, _label in kinds
            for day in days
        }
    )
    url = reverse("reports:appeal_list")
    changes = []
    for moment, label in kinds:
        numbers = [found[f"{moment}_{day:%Y%m%d}"] for day in days]
        changes.append(Change(label, "scale", *(Count(number, url if number else "") for number in numbers)))
    return changes


def _published(standing: Standing, user: User) -> Change:
    """Scores published on these days, for the whole district. One query."""
    published = Snapshot.objects.visible_to(user).filter(campaign=standing.campaign)
    days = (standing.yesterday, standing.today)
    found = count_each(
        {f"{day:%Y%m%d}": published.filter(Window.of_day(day, standing.today).holds("published_at")) for day in days}
    )
    url = reverse("reports:score_home")
    counts = [Count(found[f"{day:%Y%m%d}"], url if found[f"{day:%Y%m%d}"] else "") for day in days]
    return Change(_("Scores published"), "medal", *counts)


def _difficult(standing: Standing, user: User, scope: Scope) -> tuple[list[Difficult], int, int]:
    """The first difficult issues that wait for an instruction, how many there are, and how many answers are overdue."""
    cutoff = difficult.cutoff_of(standing.today)
    inside = lists.in_units(scope.codes)
    visible = Issue.objects.visible_to(user).filter(inside)
    waiting = difficult.in_tab(visible, "waiting", cutoff)
    rows = waiting.with_names().select_related("difficult_mark").order_by("due_on", "pk")[:DIFFICULT_SHOWN]
    late = Instruction.objects.filter(
        is_current=True, answered_at=None, due_on__lt=standing.today, issue__in=visible.values("pk")
    )
    totals = count_each({"waiting": waiting, "late": late})
    found = [Difficult(issue, _("; ").join(difficult.reasons(issue, cutoff))) for issue in rows]
    return found, totals["waiting"], totals["late"]


def paragraph(standing: Standing, scope: Scope, late: Sequence[Late]) -> str:
    """The sentences people paste into a group: totals, change, the first three and who is late; units, never names of
    people or households."""
    judged = scope.places or scope.tops
    counted = standing.of(judged)
    parts = [_("As of %(hour)s:00 on %(month)s-%(day)s, %(scope)s: ") % _head(standing, scope)]
    if scope.places:
        coverage = standing.coverage(scope.places)
        text = _(
            "%(to_visit)s households to visit, %(covered)s visited, coverage rate %(rate)s%(change)s, time passed "
            "%(elapsed)s; "
        )
        parts.append(
            text
            % {
                "to_visit": coverage.denominator,
                "covered": coverage.numerator,
                "rate": percent(coverage.value),
                "change": change_words(coverage),
                "elapsed": percent(standing.elapsed.percent),
            }
        )
    solution = standing.solution(judged)
    text = _("%(raised)s issues raised, %(solved)s solved, solution rate %(rate)s%(change)s, %(overdue)s overdue.")
    parts.append(
        text
        % {
            "raised": counted.issues_raised,
            "solved": counted.issues_solved,
            "rate": percent(solution.value),
            "change": change_words(solution),
            "overdue": counted.overdue,
        }
    )
    if scope.tops == [standing.district]:
        parts.append(_first_three(standing))
    if late:
        names = [_("%(unit)s (%(count)s)") % {"unit": row.unit.name, "count": row.count} for row in late[:3]]
        parts.append(_(" Most overdue issues: %(units)s.") % {"units": _(", ").join(names)})
    return "".join(parts)


def _head(standing: Standing, scope: Scope) -> dict[str, object]:
    at = timezone.localtime(standing.counted_at or timezone.now())
    is_all = scope.tops == [standing.district]
    name = _("whole district") if is_all else _(", ").join(unit.name for unit in scope.places or scope.tops)
    return {"hour": at.hour, "month": at.month, "day": at.day, "scope": name}


def change_words(headline: Headline) -> str:
    """ ", up 0.50 points since yesterday", or "" without a base."""
    change = headline.change
    if change is None or not headline.is_since_yesterday:
        return ""
    if change == 0:
        return _(", unchanged since yesterday")
    text = _(", up %(points)s points since yesterday") if change > 0 else _(", down %(points)s points since yesterday")
    return text % {"points": abs(change)}


def _first_three(standing: Standing) -> str:
    townships = [unit for unit in standing.units if unit.kind == Unit.Kind.TOWNSHIP and unit.code in standing.now]
    sentences = []
    for indicator in (COVERAGE, SOLUTION):
        places = ranking([(unit.code, standing.now[unit.code]) for unit in townships], indicator)
        best = [place for place in places if place.rank is not None and place.rank <= 3]
        if best:
            names = [
                _("%(unit)s (%(rate)s)") % {"unit": standing.by_code[place.key].name, "rate": percent(place.value)}
                for place in best
            ]
            text = _(" First three by %(indicator)s: %(units)s.")
            sentences.append(text % {"indicator": indicator.name, "units": _(", ").join(names)})
    return "".join(sentences)
