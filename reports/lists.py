"""The lists boards open into: each a name and the rows it counts, so that a figure and its rows cannot differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from issues import workflow
from issues.models import Issue, IssueQuerySet
from issues.workflow import State
from outreach import calendar
from outreach.models import Campaign
from reports.figures import RUNNING
from visits.models import Visit, VisitQuerySet

WEEK = timedelta(days=6)  # from its Monday to its Sunday
# Working days after which an issue that stands still in a state is called stuck.
STUCK_AFTER = {State.NEW: 1, State.ASSIGNED: 1, State.DONE: 3, State.VERIFIED: 3, State.REPORTED: 5}


@dataclass(frozen=True, slots=True)
class Window:
    """Days, both included, and the day it is asked on."""

    first: date
    last: date
    today: date

    @classmethod
    def of_day(cls, day: date, today: date) -> Window:
        return cls(day, day, today)

    def holds(self, moment: str) -> Q:
        """The condition that the field `moment` lies within these days."""
        return Q(**{f"{moment}__gte": midnight(self.first), f"{moment}__lt": midnight(self.last + timedelta(days=1))})


def midnight(day: date) -> datetime:
    """The moment a day begins on the district's clock."""
    return timezone.make_aware(datetime.combine(day, time.min))


@dataclass(frozen=True, slots=True)
class IssueList:
    """A kind of issues: what it is called and which rows it holds. `has_days`: those of the window's days."""

    key: str
    label: str | Promise
    rows: Callable[[Window], Q]
    has_days: bool = False
    by_holder: bool = False  # of the unit that holds them, not of the place where they arose
    by_either: bool = False  # arisen in the unit or held by it


def _newly_overdue(window: Window) -> Q:
    """Due the day before one of the window's days, and still running."""
    day = timedelta(days=1)
    return RUNNING & Q(due_on__range=(window.first - day, window.last - day), due_on__lt=window.today)


def _stuck(state: State, moment: str) -> Callable[[Window], Q]:
    def rows(window: Window) -> Q:
        cutoff = calendar.more_than_workdays_ago(window.today, STUCK_AFTER[state])
        return Q(**{"state": state, f"{moment}__lt": midnight(cutoff + timedelta(days=1))})

    return rows


LISTS: dict[str, IssueList] = {
    each.key: each
    for each in (
        IssueList("raised", _("New issues"), lambda window: window.holds("recorded_at"), has_days=True),
        IssueList(
            "closed",
            _("Issues signed off"),
            lambda window: Q(state=State.CLOSED) & window.holds("closed_at"),
            has_days=True,
        ),
        IssueList("newly_overdue", _("Newly overdue, still open"), _newly_overdue, has_days=True),
        IssueList(
            "supervised",
            _("Newly under supervision"),
            lambda window: Q(supervised_at__isnull=False) & window.holds("supervised_at"),
            has_days=True,
        ),
        IssueList(
            "late",
            _("Overdue, by the unit that holds them"),
            lambda window: RUNNING & Q(due_on__lt=window.today),
            by_holder=True,
        ),
        IssueList("late_here", _("Overdue, open"), lambda window: RUNNING & Q(due_on__lt=window.today), by_either=True),
        IssueList("held", _("Held and still open"), lambda window: Q(state__in=workflow.OPEN_STATES), by_holder=True),
        IssueList(
            "held_closed",
            _("Signed off, by the unit that held them"),
            lambda window: Q(state=State.CLOSED) & window.holds("closed_at"),
            has_days=True,
            by_holder=True,
        ),
        IssueList(
            "held_unaccepted",
            _("Not accepted for more than a working day, by the unit that holds them"),
            _stuck(State.ASSIGNED, "dispatched_at"),
            by_holder=True,
        ),
        IssueList("stuck_new", _("Waits for dispatch"), _stuck(State.NEW, "recorded_at")),
        IssueList("stuck_assigned", _("Waits to be accepted"), _stuck(State.ASSIGNED, "dispatched_at")),
        IssueList("returned", _("Returned, to be dispatched again"), lambda window: Q(state=State.RETURNED)),
        IssueList("arbitration", _("Returns in arbitration"), lambda window: Q(state=State.ARBITRATION)),
        IssueList(
            "stuck_paused",
            _("Paused past the day"),
            lambda window: Q(state=State.PAUSED, paused_until__lt=window.today),
        ),
        IssueList(
            "stuck_reported",
            _("Reported upward, no answer"),
            lambda window: Q(
                state=State.REPORTED,
                upward_reports__answered_at=None,
                upward_reports__reported_at__lt=midnight(
                    calendar.more_than_workdays_ago(window.today, STUCK_AFTER[State.REPORTED]) + timedelta(days=1)
                ),
            ),
        ),
        IssueList("stuck_done", _("Waits for verification"), _stuck(State.DONE, "done_at")),
        IssueList("stuck_verified", _("Waits for the call-back"), _stuck(State.VERIFIED, "verified_at")),
    )
}
# In the order an issue passes them, with what "stuck" means there.
STUCK: dict[str, tuple[State, str | Promise]] = {
    "stuck_new": (State.NEW, _("longer than 1 working day")),
    "stuck_assigned": (State.ASSIGNED, _("longer than 1 working day")),
    "returned": (State.RETURNED, _("all of them")),
    "arbitration": (State.ARBITRATION, _("all of them")),
    "stuck_paused": (State.PAUSED, _("past the day set")),
    "stuck_reported": (State.REPORTED, _("longer than 5 working days")),
    "stuck_done": (State.DONE, _("longer than 3 working days")),
    "stuck_verified": (State.VERIFIED, _("longer than 3 working days")),
}


def issue_rows(
    which: IssueList, campaign: Campaign, codes: Iterable[str], window: Window, *, holder: str = ""
) -> IssueQuerySet:
    """The issues of a list at or below the units `codes`, whoever asks: narrow by visible_to before showing.

    `holder`: only those the unit of that code holds itself.
    """
    held = Q(unit__code=holder) if holder else Q()
    if which.by_either:
        return Issue.objects.filter(in_units(codes), held, which.rows(window), campaign=campaign)
    inside = Q()
    for code in codes:
        # a department has no place of its own: its issues are those it holds
        field = "unit" if which.by_holder or "D" in code else "place"
        inside |= Q(**{f"{field}__code__startswith": code})
    if not inside:
        return Issue.objects.none()
    return Issue.objects.filter(inside, held, which.rows(window), campaign=campaign)


def in_units(codes: Iterable[str]) -> Q:
    """Issues that arose at or below these places, or that these units or those below them hold."""
    inside = Q()
    for code in codes:
        inside |= Q(unit__code__startswith=code) | Q(place__code__startswith=code)
    return inside


def visit_rows(campaign: Campaign, codes: Iterable[str], window: Window) -> VisitQuerySet:
    """The visits of the window's days at or below the units `codes`, whoever asks: narrow by visible_to before
    showing."""
    inside = Q()
    for code in codes:
        inside |= Q(household__village__code__startswith=code)
    if not inside:
        return Visit.objects.none()
    return Visit.objects.filter(inside, window.holds("visited_at"), campaign=campaign)
