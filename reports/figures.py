"""The figures of a ranking, each with the rows behind it: one table, read by the pages, the export and the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from households.models import Household
from issues import workflow
from issues.models import Issue, IssueQuerySet, Outcome
from outreach.models import Campaign, Unit
from reports.facts import ASIDE_STATES
from reports.indicators import Facts
from visits.models import Assignment, AssignmentQuerySet

ON_ROSTER = Q(household__roster_state=Household.RosterState.IN_RESIDENCE) & ~Q(state=Assignment.State.OFF_ROSTER)
RUNNING = Q(state__in=workflow.RUNNING_STATES)
CLOSED = Q(state=workflow.State.CLOSED)
JUDGED_OUTCOMES = (Outcome.SOLVED, Outcome.EXPLAINED, Outcome.NOT_ACCEPTED)


@dataclass(frozen=True, slots=True)
class Figure:
    """A count: what it is called, how it is read from facts, and which rows it counts as of a day."""

    key: str
    label: str | Promise
    count: Callable[[Facts], int]
    rows: Callable[[date], Q]


HOUSEHOLDS = {
    figure.key: figure
    for figure in (
        Figure("to_visit", _("Households to visit"), lambda f: f.to_visit, lambda today: ON_ROSTER),
        Figure(
            "covered",
            _("Households visited"),
            lambda f: f.covered,
            lambda today: ON_ROSTER & Q(covered_on__isnull=False),
        ),
        Figure(
            "unvisited",
            _("Households not visited"),
            lambda f: f.unvisited,
            lambda today: ON_ROSTER & Q(covered_on=None),
        ),
        Figure(
            "met",
            _("Households met"),
            lambda f: f.met,
            lambda today: ON_ROSTER & Q(covered_on__isnull=False, state=Assignment.State.MET),
        ),
        Figure("off_roster", _("Households empty or moved"), lambda f: f.off_roster, lambda today: ~ON_ROSTER),
    )
}
ISSUES = {
    figure.key: figure
    for figure in (
        Figure("raised", _("Issues raised"), lambda f: f.issues_raised, lambda today: Q()),
        Figure(
            "judged",
            _("Issues judged"),
            lambda f: f.judged,
            lambda today: CLOSED & Q(outcome__in=JUDGED_OUTCOMES) | RUNNING & Q(due_on__lt=today),
        ),
        Figure("solved", _("Solved"), lambda f: f.issues_solved, lambda today: CLOSED & Q(outcome=Outcome.SOLVED)),
        Figure(
            "explained",
            _("Explained and understood"),
            lambda f: f.issues_explained,
            lambda today: CLOSED & Q(outcome=Outcome.EXPLAINED),
        ),
        Figure(
            "not_accepted",
            _("Explained, not accepted"),
            lambda f: f.issues_not_accepted,
            lambda today: CLOSED & Q(outcome=Outcome.NOT_ACCEPTED),
        ),
        Figure(
            "otherwise",
            _("Ended otherwise"),
            lambda f: f.issues_otherwise,
            lambda today: CLOSED & ~Q(outcome__in=JUDGED_OUTCOMES),
        ),
        Figure(
            "in_review",
            _("Done, under review"),
            lambda f: f.issues_in_review,
            lambda today: Q(state__in=workflow.REVIEW_STATES),
        ),
        Figure(
            "set_aside",
            _("Paused, reported upward, merged or not taken up"),
            lambda f: f.issues_set_aside,
            lambda today: Q(state__in=ASIDE_STATES),
        ),
        Figure("not_due", _("Not yet due"), lambda f: f.not_due, lambda today: RUNNING & Q(due_on__gte=today)),
        Figure("overdue", _("Overdue, open"), lambda f: f.overdue, lambda today: RUNNING & Q(due_on__lt=today)),
    )
}


def household_rows(campaign: Campaign, unit: Unit, figure: Figure, today: date) -> AssignmentQuerySet:
    """The duties behind a figure of `unit` and all below it, whoever asks: narrow by visible_to before showing."""
    inside = Q(campaign=campaign, household__village__code__startswith=unit.code)
    return Assignment.objects.filter(inside & figure.rows(today))


def issue_rows(campaign: Campaign, unit: Unit, figure: Figure, today: date, *, outside: str = "") -> IssueQuerySet:
    """The issues behind a figure of `unit` and all below it, whoever asks: narrow by visible_to before showing.

    `outside`: a kind of unit, or ""; only the issues that belong to no unit of that kind, as a township's own do.
    """
    inside = Q(campaign=campaign, place__code__startswith=unit.code)
    if outside == Unit.Kind.VILLAGE:
        inside &= ~Q(place__kind=Unit.Kind.VILLAGE)
    elif outside == Unit.Kind.TOWNSHIP:
        inside &= ~Q(place__kind__in=[Unit.Kind.VILLAGE, Unit.Kind.TOWNSHIP])
    return Issue.objects.filter(inside & figure.rows(today))
