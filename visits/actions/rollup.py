"""Bringing a duty's row in step with the visits it has."""

from __future__ import annotations

from households.models import Household
from outreach import calendar
from visits.attempts import MET_OUTCOMES, Attempt, Decisions, roll_up
from visits.models import Assignment, Visit, VisitStandard


def roll_up_assignment(assignment: Assignment) -> None:
    """Recompute the duty's state and which visit counts from all visits of the household in the campaign.

    The caller holds the lock on `assignment`. Running it again, or after the visits arrived in another order, gives
    the same rows.
    """
    visits = list(
        Visit.objects.filter(campaign=assignment.campaign_id, household=assignment.household_id).select_related(
            "standard"
        )
    )
    household = Household.objects.only("roster_state", "best_time").get(pk=assignment.household_id)
    standard = VisitStandard.objects.in_force(assignment.campaign)
    on_roster = standard.roster_states if standard else [Household.RosterState.IN_RESIDENCE]
    attempts = [
        Attempt(
            uuid=visit.pk,
            outcome=visit.outcome,
            visited_at=visit.visited_at,
            valid=visit.outcome in (visit.standard.counted_outcomes if visit.standard else MET_OUTCOMES),
            makeup_workdays=visit.standard.makeup_workdays if visit.standard else 5,
            appointment_at=visit.appointment_at,
        )
        for visit in visits
    ]
    decisions = Decisions(
        best_time=household.best_time,
        is_off_roster=household.roster_state not in on_roster,
        is_unreachable=assignment.unreachable_at is not None,
        recheck_at=assignment.recheck_at,
        recheck_due_on=assignment.recheck_due_on,
    )
    result = roll_up(attempts, decisions, calendar.overrides())
    # The old one first: the database allows one counted visit at any moment.
    wrong = [visit.pk for visit in visits if visit.is_counted and visit.pk != result.counted]
    if wrong:
        Visit.objects.filter(pk__in=wrong).update(is_counted=False)
    if result.counted and any(visit.pk == result.counted and not visit.is_counted for visit in visits):
        Visit.objects.filter(pk=result.counted).update(is_counted=True)
    Assignment.objects.filter(pk=assignment.pk).update(
        state=result.state,
        attempts=result.attempts,
        last_outcome=result.last_outcome,
        last_visit_at=result.last_visit_at,
        covered_on=result.covered_on,
        met_on=result.met_on,
        due_on=result.due_on,
        suggested_band=result.suggested_band,
        appointment_at=result.appointment_at,
    )
