"""The figures of a ranking, each with the rows behind it: one table, read by the pages, the export and the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from households.models import Household
from issues import workflow
from issues.models import Issue, IssueQuerySet, Outcome
from outreach.models import Campaign, Unit
from reports.facts import ASIDE_STATES
from reports.indicators import Facts
from visits.attempts import MET_OUTCOMES
from visits.attempts import Outcome as Outcomes
from visits.models import TO_DO_STATES, Assignment, AssignmentQuerySet, Visit

ON_ROSTER = Q(household__roster_state=Household.RosterState.IN_RESIDENCE) & ~Q(state=Assignment.State.OFF_ROSTER)
PRIORITY = Q(household__priority__gt=0)
SETTLED_AGAIN = Q(attempts__gte=2) & ~Q(state__in=TO_DO_STATES)
RUNNING = Q(state__in=workflow.RUNNING_STATES)
CLOSED = Q(state=workflow.State.CLOSED)
JUDGED_OUTCOMES = (Outcome.SOLVED, Outcome.EXPLAINED, Outcome.NOT_ACCEPTED)


@dataclass(frozen=True, slots=True)
class Period:
    """The days counted, both included (None: no limit), and the day as of which something is overdue."""

    today: date
    first: date | None = None
    last: date | None = None

    def days(self, column: str) -> Q:
        """The condition on a date."""
        found = Q(**{f"{column}__isnull": False})
        if self.first is not None:
            found &= Q(**{f"{column}__gte": self.first})
        return found if self.last is None else found & Q(**{f"{column}__lte": self.last})

    def moments(self, column: str) -> Q:
        """The condition on a moment, by the district's days."""
        found = Q(**{f"{column}__isnull": False})
        if self.first is not None:
            found &= Q(**{f"{column}__gte": _start_of(self.first)})
        return found if self.last is None else found & Q(**{f"{column}__lt": _start_of(self.last + timedelta(days=1))})


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


@dataclass(frozen=True, slots=True)
class Figure:
    """A count: what it is called, how it is read from facts, and which rows it counts in a period."""

    key: str
    label: str | Promise
    count: Callable[[Facts], int]
    rows: Callable[[Period], Q]


def _met_in(period: Period, *outcomes: str) -> Q:
    """Duties of households with a counted visit; in a period that begins later than the campaign, with any meeting in
    it that counts by the standard of its moment."""
    if period.first is None:
        return period.days("covered_on")
    valid = Q(standard=None) | Q(standard__counted_outcomes__contains=[Outcomes.MET], outcome=Outcomes.MET)
    valid |= Q(standard__counted_outcomes__contains=[Outcomes.PARTLY_MET], outcome=Outcomes.PARTLY_MET)
    visits = Visit.objects.filter(valid, period.moments("visited_at"), outcome__in=outcomes or MET_OUTCOMES)
    return Q(Exists(visits.filter(campaign=OuterRef("campaign"), household=OuterRef("household"))))


def _finished_in(period: Period) -> Q:
    if period.first is None:
        return _met_in(period) & Q(state=Assignment.State.MET)
    return _met_in(period, Outcomes.MET)


def _closed(period: Period, **conditions: object) -> Q:
    return CLOSED & Q(**conditions) & period.moments("done_at")


def _late(period: Period) -> Q:
    return RUNNING & Q(due_on__lt=period.today) & period.days("due_on")


HOUSEHOLDS = {
    figure.key: figure
    for figure in (
        Figure("to_visit", _("Households to visit"), lambda f: f.to_visit, lambda p: ON_ROSTER),
        Figure(
            "covered",
            _("Households visited"),
            lambda f: f.covered,
            lambda p: ON_ROSTER & _met_in(p),
        ),
        Figure(
            "unvisited",
            _("Households not visited"),
            lambda f: f.unvisited,
            lambda p: ON_ROSTER & ~_met_in(p),
        ),
        Figure(
            "met",
            _("Households met"),
            lambda f: f.met,
            lambda p: ON_ROSTER & _finished_in(p),
        ),
        Figure(
            "not_met",
            _("Households visited, talk not finished"),
            lambda f: f.covered - f.met,
            lambda p: ON_ROSTER & _met_in(p) & ~_finished_in(p),
        ),
        Figure(
            "priority",
            _("Priority households"),
            lambda f: f.priority,
            lambda p: ON_ROSTER & PRIORITY,
        ),
        Figure(
            "priority_covered",
            _("Priority households visited"),
            lambda f: f.priority_covered,
            lambda p: ON_ROSTER & PRIORITY & _met_in(p),
        ),
        Figure(
            "priority_unvisited",
            _("Priority households not visited"),
            lambda f: f.priority - f.priority_covered,
            lambda p: ON_ROSTER & PRIORITY & ~_met_in(p),
        ),
        Figure(
            "make_up_done",
            _("Settled by going again"),
            lambda f: f.make_up_done,
            lambda p: ON_ROSTER & SETTLED_AGAIN & p.moments("last_visit_at"),
        ),
        Figure(
            "make_up_overdue",
            _("Make-up visits overdue"),
            lambda f: f.make_up_overdue,
            lambda p: ON_ROSTER & Q(state=Assignment.State.MAKE_UP, due_on__lt=p.today) & p.days("due_on"),
        ),
        Figure(
            "unreachable",
            _("Households confirmed as unreachable"),
            lambda f: f.unreachable,
            lambda p: ON_ROSTER & Q(state=Assignment.State.UNREACHABLE),
        ),
        Figure("off_roster", _("Households empty or moved"), lambda f: f.off_roster, lambda p: ~ON_ROSTER),
    )
}
ISSUES = {
    figure.key: figure
    for figure in (
        Figure("raised", _("Issues raised"), lambda f: f.issues_raised, lambda p: p.moments("recorded_at")),
        Figure(
            "judged",
            _("Issues judged"),
            lambda f: f.judged,
            lambda p: _closed(p, outcome__in=JUDGED_OUTCOMES) | _late(p),
        ),
        Figure("solved", _("Solved"), lambda f: f.issues_solved, lambda p: _closed(p, outcome=Outcome.SOLVED)),
        Figure(
            "unsolved",
            _("Judged, not solved"),
            lambda f: f.judged - f.issues_solved,
            lambda p: _closed(p, outcome__in=JUDGED_OUTCOMES[1:]) | _late(p),
        ),
        Figure(
            "explained",
            _("Explained and understood"),
            lambda f: f.issues_explained,
            lambda p: _closed(p, outcome=Outcome.EXPLAINED),
        ),
        Figure(
            "not_accepted",
            _("Explained, not accepted"),
            lambda f: f.issues_not_accepted,
            lambda p: _closed(p, outcome=Outcome.NOT_ACCEPTED),
        ),
        Figure(
            "otherwise",
            _("Ended otherwise"),
            lambda f: f.issues_otherwise,
            lambda p: _closed(p) & ~Q(outcome__in=JUDGED_OUTCOMES),
        ),
        Figure(
            "in_review",
            _("Done, under review"),
            lambda f: f.issues_in_review,
            lambda p: Q(state__in=workflow.REVIEW_STATES) & p.moments("done_at"),
        ),
        Figure(
            "set_aside",
            _("Paused, reported upward, merged or not taken up"),
            lambda f: f.issues_set_aside,
            lambda p: Q(state__in=ASIDE_STATES) & p.days("due_on"),
        ),
        Figure(
            "not_due",
            _("Not yet due"),
            lambda f: f.not_due,
            lambda p: RUNNING & Q(due_on__gte=p.today) & p.days("due_on"),
        ),
        Figure("overdue", _("Overdue, open"), lambda f: f.overdue, _late),
    )
}


def household_rows(
    campaign: Campaign, unit: Unit, figure: Figure, today: date, *, first: date | None = None, last: date | None = None
) -> AssignmentQuerySet:
    """The duties behind a figure of `unit` and all below it, whoever asks: narrow by visible_to before showing."""
    inside = Q(campaign=campaign, household__village__code__startswith=unit.code)
    return Assignment.objects.filter(inside & figure.rows(Period(today, first, last)))


def issue_rows(
    campaign: Campaign,
    unit: Unit,
    figure: Figure,
    today: date,
    *,
    outside: str = "",
    first: date | None = None,
    last: date | None = None,
) -> IssueQuerySet:
    """The issues behind a figure of `unit` and all below it, whoever asks: narrow by visible_to before showing.

    `outside`: a kind of unit, or ""; only the issues that belong to no unit of that kind, as a township's own do.
    """
    inside = Q(campaign=campaign, place__code__startswith=unit.code)
    if outside == Unit.Kind.VILLAGE:
        inside &= ~Q(place__kind=Unit.Kind.VILLAGE)
    elif outside == Unit.Kind.TOWNSHIP:
        inside &= ~Q(place__kind__in=[Unit.Kind.VILLAGE, Unit.Kind.TOWNSHIP])
    return Issue.objects.filter(inside & figure.rows(Period(today, first, last)))
